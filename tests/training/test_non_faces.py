"""Pictures without a face are counted as they fare, and doubt is compared on them."""

import argparse
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.errors import DataError
from app.recognition.classifier import Classifier
from app.types import Face, Image
from tests.support.faces import Finder, make_face
from tests.support.synthetic import write_video
from tests.support.tiny_model import tiny_contract, write_tiny_model
from training import non_faces
from training.judge.non_face_report import (
    NonFaceReadings,
    compare_scores,
    count_by_kind,
    format_non_face_lines,
    read_non_faces,
)
from training.synthetic.non_face_pictures import Clip, cut_centre, cut_piece, make_pictures


@pytest.fixture
def doubtful(tmp_path: Path) -> Classifier:
    """Sure of black and white, unsure of grey."""
    contract = tiny_contract(unsure_below=0.9)
    return Classifier(write_tiny_model(tmp_path / "tiny.onnx", contract), device="cpu")


def flat(level: int) -> Image:
    return np.full((100, 120, 3), level, np.uint8)


class InWhite(Finder):
    """A detector that sees a face in light pictures."""

    def detect(self, image: Image) -> tuple[Face, ...]:
        return self.faces if image.mean() > 100 else ()


def test_what_becomes_of_each_picture_is_counted(doubtful: Classifier) -> None:
    shown = [("black", flat(0)), ("grey", flat(128)), ("white", flat(255)), ("white", flat(140))]
    found = read_non_faces(doubtful, InWhite(make_face(20, 20)), iter(shown))
    assert found.detected.tolist() == [False, True, True, True]
    assert found.labelled.tolist() == [False, False, True, False]
    assert found.logits.shape == (4, 2)
    rows = {row.kind: row for row in count_by_kind(found, doubtful)}
    assert list(rows) == ["black", "grey", "white", "all"]
    white, everything = rows["white"], rows["all"]
    assert (white.pictures, white.past, white.said, white.said_crop) == (2, 2, 1, 1)
    assert (everything.pictures, everything.past, everything.said) == (4, 3, 1)
    assert everything.said_crop == 2  # black is said, too, where no detector stands before it
    assert (
        "25.00 % get a label through the whole path; at most 1 % wanted: missed."
        in (format_non_face_lines(list(rows.values()), [])[-1])
    )


def test_scores_are_compared_at_equal_shares_of_faces() -> None:
    faces = np.array([[4.0, 0.0], [0.0, 4.0], [3.0, 0.0], [0.0, 3.0]])
    others = np.array([[0.1, 0.0], [5.0, 0.0]])
    found = NonFaceReadings(
        kinds=("a", "b"),
        detected=np.array([False, True]),
        labelled=np.array([False, True]),
        logits=others,
        detected_logits=np.array([[0.2, 0.0], [6.0, 0.0], [7.0, 0.0]]),
        detected_rows=np.array([1, 1, 1]),
    )
    rows = {r.name: r for r in compare_scores(found, faces, np.array([0, 1, 0, 0]), 1.0)}
    assert {row.accepted for row in rows.values()} == {(0.5, 0.5)}
    assert {row.past for row in rows.values()} == {0.5}  # of two pictures, one
    assert {row.auroc for row in rows.values()} == {0.5}
    assert rows["margin"].accuracy == 0.75


@pytest.mark.slow
def test_kinds_come_in_turn_and_repeat_themselves() -> None:
    frames = [flat(10), flat(20)]
    for _ in range(2):
        shown = list(make_pictures(np.random.default_rng(0), 24, faces=[flat(90)], frames=frames))
        assert [kind for kind, _ in shown[:8]] == [
            *("blank", "gradient", "noise", "texture", "shapes", "patch"),
            *("scrambled face", "clip"),
        ]
        levels = [int(picture[0, 0, 0]) for kind, picture in shown if kind == "clip"]
        assert levels[:2] == [20, 10]  # every frame once, whole
        first = [picture.sum() for _, picture in shown]
    assert first == [
        picture.sum()
        for _, picture in make_pictures(
            np.random.default_rng(0), 24, faces=[flat(90)], frames=frames
        )
    ]


def test_crop_and_piece_have_their_sizes() -> None:
    assert cut_centre(flat(7), 48).shape == (48, 48, 3)
    assert cut_centre(flat(7), 48).max() == 7
    part = cut_piece(np.random.default_rng(0), flat(9))
    assert part.shape == (192, 192, 3)


@pytest.mark.parametrize(
    ("text", "clip"),
    [
        ("a/b.mp4", Clip(Path("a/b.mp4"))),
        ("b.mp4@2.5", Clip(Path("b.mp4"), 2.5)),
        ("me@home/b.mp4@0", Clip(Path("me@home/b.mp4"), 0.0)),
    ],
)
def test_clip_may_begin_later(text: str, clip: Clip) -> None:
    assert Clip.parse(text) == clip


def test_clips_are_read_from_their_second_on(tmp_path: Path) -> None:
    write_video(tmp_path / "c.mp4", frames=10)
    assert len(Clip(tmp_path / "c.mp4").read_frames()) == 10
    assert len(Clip(tmp_path / "c.mp4", 0.2).read_frames()) == 5
    write_video(tmp_path / "r.mp4", frames=2, rotation=90, pixel_aspect=Fraction(2))
    assert Clip(tmp_path / "r.mp4").read_frames()[1].shape == (
        128,
        48,
        3,
    )  # as the program reads it
    (tmp_path / "t.mp4").write_text("no video")
    for clip, message in (
        (Clip(tmp_path / "c.mp4", 9.0), "has no frames after 9.0 s"),
        (Clip(tmp_path / "t.mp4"), "is no video that can be read"),
        (Clip(tmp_path / "no.mp4"), "is no video that can be read"),
    ):
        with pytest.raises(DataError, match=message):
            clip.read_frames()
    with pytest.raises(argparse.ArgumentTypeError, match="seconds belong after the @"):
        Clip.parse("c.mp4@soon")


@pytest.mark.slow
def test_command_tells_and_writes(
    shapes_npz: Path, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a model of shapes, whose validation pictures stand for faces."""
    write_video(tmp_path / "c.mp4", frames=3)
    arguments = [str(exported), "--count", "16", "--data", str(shapes_npz)]
    folder = tmp_path / "out"
    code = non_faces.main([*arguments, "--media", str(tmp_path / "c.mp4"), "-o", str(folder)])
    out = capsys.readouterr().out
    assert code == 0
    assert "| clip | 2 |" in out
    assert "| all | 16 |" in out
    assert "| energy |" in out
    facts = json.loads((folder / "non_faces.json").read_text())
    assert [row["pictures"] for row in facts["rows"]] == [2] * 8 + [16]
    assert (folder / "non_faces.md").read_text(encoding="utf-8").startswith("# shapes.onnx, ")
