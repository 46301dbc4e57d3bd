"""`--profile` and `Recogniser(profile=…)` correct one person of a stream, and say so."""

import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app import ProfileError, Recogniser, Selection, VideoSource
from app.batch.annotate import annotate
from app.cli.options import parse_options
from app.defaults import PORTRAIT_CLIP
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.runs.networks import load_networks
from app.runs.plan import OutputPaths, RecognitionSettings, RunPlan, VideoInput
from app.teaching.head import PersonalHead
from app.teaching.profile import save_profile
from app.teaching.resting_sketch import SKETCH_SIZE
from tests.support.program import called
from tests.support.taught import make_real_profile

PART = Selection(end_s=0.8)


@pytest.fixture(scope="module")
def sad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with which everything reads as sadness."""
    model = Classifier(DEFAULT_MODEL, device="cpu", threads=1)
    path = tmp_path_factory.mktemp("profiles") / "ann.profile"
    save_profile(make_real_profile(model, sadness=20.0), path, overwrite=False)
    return path


def test_library_uses_a_profile_in_streams_alone(sad: Path) -> None:
    with (
        Recogniser(device="cpu", threads=1, profile=sad) as taught,
        Recogniser(device="cpu", threads=1) as plain,
        VideoSource(PORTRAIT_CLIP, selection=PART) as clip,
        VideoSource(PORTRAIT_CLIP, selection=PART) as other,
    ):
        pairs = list(zip(taught.stream(clip), plain.stream(other), strict=True))
        for own, usual in pairs:
            assert [face.taught for face in own.faces] == [True] * len(own.faces)
            for face, before in zip(own.faces, usual.faces, strict=True):
                assert (face.label, before.label) == ("sadness", "happiness")
                np.testing.assert_array_equal(face.raw_probabilities, before.raw_probabilities)
        assert len(pairs) > 10
        picture = pairs[-1][0].frame.image
        assert taught.image(picture).faces[0].label == "happiness"


def test_notes_and_lines_say_that_a_profile_was_used(sad: Path, tmp_path: Path) -> None:
    words = ("--video", str(PORTRAIT_CLIP), "--end", "0.5", "--no-window", "--device", "cpu")
    code, said = called(tmp_path, *words, "--records", "r.jsonl", "--profile", str(sad))
    assert code == 0, said
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert {(row["label"], row["profile"]) for row in rows} == {("sadness", True)}
    notes = json.loads((tmp_path / "r.run.json").read_text())
    assert (notes["profile"]["name"], len(notes["profile"]["sha256"])) == ("ann", 64)
    assert notes["settings"]["profile"] == notes["profile"]["sha256"]
    assert notes["counts"]["faces_with_profile"] == len(rows)
    code, said = called(tmp_path, *words, "--records", "r.jsonl", "--resume")
    assert (code, "another --profile" in said) == (2, True)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--demo", "--profile", "nobody"), "nobody.profile is missing"),
        (("--image", "x.png", "--profile", "PROFILE"), "is for a camera or a video"),
        (("--demo", "--model", "small", "--profile", "PROFILE"), "was taught with another model"),
        (("--serve", "0", "--profile", "PROFILE"), "is for a source of this machine"),
    ],
)
def test_profile_that_cannot_be_used_is_one_line(
    sad: Path, tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    named = [str(sad) if word == "PROFILE" else word for word in words]
    code, said = called(tmp_path, *named, *([] if "--serve" in words else ["--no-window"]))
    assert code == 2
    assert line in said
    assert said.count("\n") == 1


def test_library_refuses_a_profile_of_another_model(sad: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "eve.profile"
    renamed.write_bytes(sad.read_bytes())
    with pytest.raises(ProfileError, match=r"eve\.profile was taught with another model"):
        Recogniser("small", device="cpu", threads=1, profile=renamed)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--teach", "a/b"), "'a/b' is a path, not a name"),
        (("--teach", ""), "is no name for a profile"),
        (("--teach", "ann", "--camera", "0", "--no-window"), "use it without --no-window"),
        (("--teach", "ann", "--demo", "--serve", "0"), "and with --window"),
        (("--teach", "ann", "--image", "x.png"), "not pictures"),
        (("--teach", "ann", "--profile", "eve"), "use only one of them"),
        (("--demo", "--profile", "ann", "--profile", "eve"), "it is for one person"),
    ],
)
def test_lesson_that_cannot_be_held_is_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], line: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(words)
    assert ended.value.code == 2
    assert line in capsys.readouterr().err


def test_lesson_without_a_display_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    code, said = called(tmp_path, "--demo", "--teach", "ann")
    assert code == 2
    assert "--teach shows in a window what to do, and none opens here" in said
    assert "copy NAME.profile to this machine" in said


def test_lesson_over_a_profile_that_exists_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "ann.profile").write_text("somebody's")
    code, said = called(tmp_path, "--demo", "--teach", "ann")
    assert code == 2
    assert "ann.profile exists already" in said
    assert said.count("\n") == 1


def test_run_that_was_stopped_goes_on_with_the_same_correction(tmp_path: Path) -> None:
    """Byte for byte, also where the correction depends on the embedding and on who has it."""
    model = Classifier(DEFAULT_MODEL, device="cpu", threads=1)
    random = np.random.default_rng(0)
    plain = make_real_profile(model)
    head = PersonalHead(0.02 * random.standard_normal(plain.head.weights.shape), np.zeros(8))
    profile = replace(plain, head=head, sketch=random.standard_normal(SKETCH_SIZE))
    settings = RecognitionSettings(device="cpu", profile=profile)
    video = VideoInput(PORTRAIT_CLIP)
    whole, cut = (
        RunPlan(
            video,
            OutputPaths(records=tmp_path / name),
            selection=PART,
            recognition=settings,
        )
        for name in ("whole.jsonl", "cut.jsonl")
    )
    calls = itertools.count()
    with load_networks(settings, 1) as networks:
        assert not annotate(whole, networks, stop=lambda: False).interrupted
        assert annotate(cut, networks, stop=lambda: next(calls) > 9, checkpoint_s=0.0).interrupted
        done = annotate(replace(cut, resume=True), networks, stop=lambda: False)
    assert done.from_frame > 0
    first, second = ((tmp_path / name).read_bytes() for name in ("whole.jsonl", "cut.jsonl"))
    assert first == second
    assert b'"profile": true' in first
