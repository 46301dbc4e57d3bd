"""A profile comes back as it was saved, or is refused in one line that says what to do."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.errors import ProfileError, SinkError
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.teaching import profile as module
from app.teaching.head import PersonalHead, round_head
from app.teaching.profile import (
    FaceProfile,
    check_profile_fits,
    find_profile,
    load_profile,
    save_profile,
)
from app.teaching.profile_name import check_profile_name
from tests.support.taught import DIM, make_profile


def full_profile() -> FaceProfile:
    random = np.random.default_rng(0)
    head = round_head(PersonalHead(random.standard_normal((DIM, 3)), random.standard_normal(3)))
    return replace(make_profile(resting=random.standard_normal(DIM)), head=head)


def test_profile_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    made = full_profile()
    saved = save_profile(made, tmp_path / "ann.profile", overwrite=False)
    read = load_profile(tmp_path / "ann.profile")
    np.testing.assert_array_equal(read.head.weights, made.head.weights)
    np.testing.assert_array_equal(read.head.offsets, made.head.offsets)
    assert read.sketch is not None
    assert made.sketch is not None
    np.testing.assert_allclose(read.sketch, made.sketch, atol=0.051)
    assert (read.name, read.labels, read.place) == ("ann", made.labels, (0.5, 0.5, 0.25))
    assert read.expressions == made.expressions
    assert read.sha256 == saved.sha256
    assert len(read.sha256) == 64
    assert read.learned == made.labels


def test_profile_holds_no_more_than_it_says(tmp_path: Path) -> None:
    save_profile(make_profile(), tmp_path / "ann.profile", overwrite=False)
    facts = json.loads((tmp_path / "ann.profile").read_text())
    assert set(facts) == {
        *("format", "name", "model_sha256", "labels", "dim", "weights", "offsets"),
        *("resting_sketch", "place", "expressions", "digest"),
    }


def test_saved_profile_is_not_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "ann.profile"
    save_profile(make_profile(), path, overwrite=False)
    with pytest.raises(SinkError, match="exists already"):
        save_profile(make_profile(), path, overwrite=False)
    save_profile(make_profile(), path, overwrite=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(SinkError, match="could not be written"):
        save_profile(make_profile(), tmp_path / "ann.profile", overwrite=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: "", "no profile, or was cut short"),
        (lambda text: text[: len(text) // 2], "no profile, or was cut short"),
        (lambda text: "[1]", "no profile, or was cut short"),
        (lambda text: "[" * 100_000, "no profile, or was cut short"),
        (lambda text: text.replace('"ann"', '"eve"'), "was changed since it was saved"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "profile format 2"),
        (lambda text: " " * (2 << 20), "too large"),
    ],
    ids=["empty", "cut", "list", "deep", "edited", "newer", "huge"],
)
def test_damaged_profile_is_one_line(
    tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    path = tmp_path / "ann.profile"
    save_profile(make_profile(), path, overwrite=False)
    path.write_text(change(path.read_text()))
    with pytest.raises(ProfileError, match=words) as caught:
        load_profile(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", 0),
        ("format", "1"),
        ("format", None),
        ("weights", "AAAA"),
        ("weights", "no base64!"),
        ("offsets", "AH4AfgB+"),
        ("dim", 0),
        ("dim", 10**12),
        ("labels", ["neutral"]),
        ("labels", None),
        ("place", [1, 2]),
        ("place", ["nan", 0, 0]),
        ("resting_sketch", [1.0]),
        ("expressions", [{"label": "x"}]),
    ],
)
def test_profile_with_an_honest_digest_of_nonsense_is_refused(
    tmp_path: Path, name: str, value: object
) -> None:
    path = tmp_path / "ann.profile"
    save_profile(make_profile(), path, overwrite=False)
    facts = json.loads(path.read_text())
    del facts["digest"]
    facts[name] = value
    path.write_text(json.dumps({**facts, "digest": module._digest(facts)}))
    with pytest.raises(ProfileError, match="is damaged"):
        load_profile(path)


def test_missing_profile_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"is missing\. The key t"):
        load_profile(tmp_path / "ann.profile")
    with pytest.raises(ProfileError, match="is a folder"):
        load_profile(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_named_pipe_is_refused_at_once(tmp_path: Path) -> None:
    """Opening one waits for somebody who writes into it, perhaps for ever."""
    os.mkfifo(tmp_path / "pipe.profile")
    with pytest.raises(ProfileError, match=r"pipe\.profile is no regular file\. Name a \.profile"):
        load_profile(tmp_path / "pipe.profile")


def test_path_that_cannot_be_followed_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop.profile").symlink_to(tmp_path / "loop.profile")
    for name, why in (("x" * 300, "File name too long"), ("loop", "symbolic links")):
        with pytest.raises(ProfileError, match=rf"cannot be read: .*{why}.*\. Name another"):
            load_profile(find_profile(str(tmp_path / name)))


def test_profile_of_another_model_is_refused() -> None:
    classifier = Classifier(DEFAULT_MODEL, device="cpu", threads=1)
    with pytest.raises(ProfileError, match=r"another model than .*dacl\.onnx"):
        check_profile_fits(make_profile(), classifier)
    own = make_profile(
        classifier.sha256,
        labels=classifier.labels,
        weights=np.zeros((classifier.embedding_dim or 0, 8)),
    )
    check_profile_fits(own, classifier)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a/b", "is a path, not a name"),
        ("..\\b", "is a path, not a name"),
        ("", "is no name"),
        ("  ", "is no name"),
        (".hidden", "is no name"),
        ("-x", "is no name"),  # --profile -x would be two options
        ("a\nb", "is no name"),
        ("x" * 65, "at most 64 letters"),
    ],
)
def test_name_that_is_none_is_refused(name: str, words: str) -> None:
    with pytest.raises(ProfileError, match=words):
        check_profile_name(name)


def test_profile_is_found_by_name_and_by_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odd").touch()
    assert find_profile("ann") == Path("ann.profile")
    assert find_profile("kept/ann.profile") == Path("kept/ann.profile")
    assert find_profile("kept/ann") == Path("kept/ann.profile")
    assert find_profile("odd") == Path("odd")
