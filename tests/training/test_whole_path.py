"""The way from frame to label, on the face of the portrait clip with the shipped model."""

import json
from pathlib import Path

import numpy as np
import pytest

from app.crops import align_faces
from app.detection.mediapipe_detector import Detector
from app.errors import DataError
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.types import Face, Image
from tests.support.tiny_model import tiny_contract, write_tiny_model
from training import whole_path
from training.datasets.landmarks import find_landmarks
from training.datasets.pack import PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.webp import encode_webp
from training.judge import path_report
from training.judge.path_reading import Condition, Outcome, WholePath, assign_detections, cut_crop
from training.judge.path_report import describe_target, format_path_table, make_path_row
from training.synthetic.paste import Grounds, PlacedFace


@pytest.fixture(scope="module")
def portrait(clip_frames: dict[int, Image]) -> Image:
    """The smiling face of the portrait clip with its surroundings, BGR."""
    image = clip_frames[0]
    with Detector() as detector:
        x0, y0, x1, y1 = (round(v) for v in detector.detect(image)[0].box_xyxy)
    reach = (x1 - x0) // 3
    return image[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach]


@pytest.fixture(scope="module")
def smiles(portrait: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six copies of it as validation faces, the last of them under a wrong label."""
    labels = Classifier(DEFAULT_MODEL, device="cpu").labels
    rgb = np.ascontiguousarray(portrait[..., ::-1])
    with Detector() as detector:
        landmarks = find_landmarks(detector, rgb)
    happy, sad = labels.index("happiness"), labels.index("sadness")
    samples = [
        PackedSample(
            webp=encode_webp(rgb),
            split="valid",
            votes=np.eye(len(labels), dtype=np.uint8)[sad if number == 5 else happy],
            landmarks=landmarks,
            name=f"valid{number}",
        )
        for number in range(6)
    ]
    path = tmp_path_factory.mktemp("smiles") / "smiles.npz"
    write_pack(
        path,
        PackMeta("smiles", "single", labels[::-1], labels[::-1], {}),
        [PackedSample(s.webp, s.split, s.votes[::-1].copy(), s.landmarks, s.name) for s in samples],
    )
    return path


@pytest.mark.slow
def test_large_faces_are_found_and_read_as_their_crops_are(smiles: Path) -> None:
    """The data's order of labels is not the model's."""
    with Detector() as detector:
        path = WholePath(
            read_pack(smiles),
            Classifier(DEFAULT_MODEL, device="cpu"),
            detector,
            Grounds(np.random.default_rng(0), count=2),
            per_frame=2,
        )
        condition = Condition("face size", "300 px", (300, 300))
        outcome = path.read_condition(condition, np.arange(6), np.random.default_rng(0))
    row = make_path_row(condition, outcome)
    assert (row.faces, row.found) == (6, 1.0)
    assert row.crop_accuracy == row.accuracy == pytest.approx(5 / 6)
    assert row.recall == pytest.approx(0.5)  # happiness always, sadness never
    assert (row.loss, row.loss_error) == (0, 0)
    assert row.said == 1.0


@pytest.mark.slow
def test_command_prints_every_row_and_writes_them(
    smiles: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_report, "SIZES_PX", (40, 300))
    monkeypatch.setattr(path_report, "TILTS_DEG", (10,))
    monkeypatch.setattr(path_report, "COVERED_SHARES", (0.5,))
    folder = tmp_path / "report"
    arguments = [str(smiles), str(DEFAULT_MODEL), "--faces", "2", "--target-faces", "3"]
    assert whole_path.main([*arguments, "-o", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "of 3 faces found; of all, the whole path loses" in out
    facts = json.loads((folder / "whole_path.json").read_text())
    names = [(row["kind"], row["name"], row["faces"]) for row in facts["rows"]]
    assert names == [
        ("face size", "128 to 400 px", 3),
        ("face size", "40 px", 2),
        ("face size", "300 px", 2),
        ("tilt", "10°", 2),
        ("covered", "50 %", 2),
    ]
    assert "| tilt 10° | 2 |" in (folder / "whole_path.md").read_text(encoding="utf-8")
    assert (folder / "whole_path.png").read_bytes().startswith(b"\x89PNG")


def test_crop_is_the_one_that_the_demo_cuts(clip_frames: dict[int, Image]) -> None:
    """Also where it reaches out of the frame."""
    contract = tiny_contract(size_px=48)
    with Detector() as detector:
        (face, *_) = detector.detect(clip_frames[0])
    moved = Face(face.box_xyxy, face.landmarks - face.landmarks.min(axis=0), face.score)
    for seen in (face, moved):
        ours = cut_crop(clip_frames[0], seen, contract)
        (theirs,) = align_faces(clip_frames[0], [seen], contract.template, 48)
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype(int) - theirs).mean() < 1


def box(x: float, y: float, side: float) -> Face:
    return Face((x - side / 2, y - side / 2, x + side / 2, y + side / 2), np.zeros((6, 2)), 0.9)


@pytest.mark.parametrize(
    ("faces", "placed", "wanted"),
    [
        ([], [PlacedFace(0, (50, 50), 20)], {}),
        ([box(52, 50, 20)], [PlacedFace(0, (50, 50), 20)], {0: 0}),
        ([box(52, 50, 45)], [PlacedFace(0, (50, 50), 20)], {}),  # too large
        ([box(62, 50, 20)], [PlacedFace(0, (50, 50), 20)], {}),  # too far
        ([box(55, 50, 20), box(51, 50, 20)], [PlacedFace(0, (50, 50), 20)], {0: 1}),  # the nearer
        (
            [box(90, 50, 20), box(50, 50, 20)],
            [PlacedFace(3, (50, 50), 20), PlacedFace(4, (90, 50), 20)],
            {0: 1, 1: 0},
        ),
    ],
)
def test_detections_belong_to_the_nearest_face(
    faces: list[Face], placed: list[PlacedFace], wanted: dict[int, int]
) -> None:
    assert assign_detections(faces, placed) == wanted


def test_missed_faces_count_as_wrong() -> None:
    outcome = Outcome(
        labels=np.array([0, 0, 1, 1]),
        by_crop=np.array([0, 0, 1, 0]),
        by_path=np.array([0, -1, 1, 1]),
        sure=np.array([True, False, False, True]),
        others=2,
        frames=1,
    )
    row = make_path_row(Condition("covered", "10 %", (128, 128)), outcome)
    assert (row.found, row.crop_accuracy, row.accuracy) == (0.75, 0.75, 0.75)
    assert (row.crop_recall, row.recall) == (0.75, 0.75)
    assert (row.accuracy_found, row.recall_found) == (1.0, 1.0)
    assert row.loss == 0
    assert row.loss_error == pytest.approx(np.std([0, 1, 0, -1], ddof=1) / 2)
    assert row.loss_found == pytest.approx(-1 / 3)
    assert (row.said, row.said_right) == (0.5, 1.0)
    line = format_path_table([row])[-1]
    assert line.startswith("| covered 10 % | 4 | 75.0 % | 75.0 (0.75) | 100.0 (1.00) |")
    assert (
        "at most 1.0 wanted: held. 2 detections where no face was, in 1 frame"
        in describe_target(row)
    )


def test_model_with_other_labels_is_refused(smiles: Path, tmp_path: Path) -> None:
    other = Classifier(write_tiny_model(tmp_path / "tiny.onnx", tiny_contract()), device="cpu")
    with Detector() as detector, pytest.raises(DataError, match=r"tiny\.onnx knows dark, bright"):
        WholePath(read_pack(smiles), other, detector, Grounds(np.random.default_rng(0), count=1))
