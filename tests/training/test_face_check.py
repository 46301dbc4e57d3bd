"""Detections in made frames are labelled by what really is there."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.alignment import FACE_TEMPLATE
from app.errors import DataError
from app.types import Face
from training import face_check
from training.base.cli import run_entry_point
from training.datasets.pack_reader import read_pack
from training.synthetic import detection_samples
from training.synthetic.detections import PICTURE_MARGIN, PICTURE_SIDE_PX, label_detection, misplace
from training.synthetic.paste import PlacedFace


def detection(x: float, y: float, side: float) -> Face:
    box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    points = np.array([(x + 20, y), (x - 20, y), (x, y + 20), (x, y + 40), (x, y), (x, y)])
    return Face(box, points.astype(np.float32), 0.8)


@pytest.mark.parametrize(
    ("x", "side", "label"),
    [
        (500, 100, "face"),
        (515, 100, "face"),
        (540, 100, None),
        (500, 160, None),
        (500, 230, "none"),
        (500, 40, "none"),
        (600, 100, "none"),
        (640, 200, None),  # large, and reaching to the face
    ],
)
def test_only_what_is_clearly_right_or_wrong_is_labelled(
    x: float, side: float, label: str | None
) -> None:
    placed = [PlacedFace(0, (500.0, 300.0), 100.0), PlacedFace(1, (1100.0, 300.0), 60.0)]
    assert label_detection(detection(x, 300, side), placed) == label
    assert label_detection(detection(x, 300, side), []) == "none"


def test_misplaced_landmarks_show_no_face_upright() -> None:
    face, generator = detection(500, 300, 100), np.random.default_rng(0)
    for _ in range(40):
        wrong = misplace(face, generator).landmarks[:4].astype(float)
        moved = np.hypot(*(wrong.mean(axis=0) - face.landmarks[:4].mean(axis=0)))
        zoom = np.std(wrong, axis=0).sum() / np.std(face.landmarks[:4], axis=0).sum()
        upright = (wrong[3] - wrong[:2].mean(axis=0))[1] > 20
        assert moved > 49 or zoom > 1.5 or zoom < 0.6 or not upright


@pytest.mark.slow
def test_command_finds_faces_and_what_is_taken_for_some(
    face_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "check.npz"
    command = [str(face_npz), "-o", str(output), "--workers", "1"]
    command += ["--frames", "10", "--poses", "10", "--patterns", "10"]
    assert face_check.main(command) == 0
    pack = read_pack(output)
    assert f"{len(pack)} detections in 33 pictures" in capsys.readouterr().out
    assert pack.meta.labels == ("face", "none")
    found = Counter(pack.votes.argmax(axis=1).tolist())
    assert found[0] >= 5
    assert found[1] >= 5
    assert len(pack.find_rows("valid")) > 0
    assert len(pack.find_rows("test")) == 0
    kinds = {
        (words[0], words[1], label == 0)
        for name, label in zip(pack.names, pack.votes.argmax(axis=1).tolist(), strict=True)
        for words in (name.split(),)
    }
    assert {("train", "frame", True), ("train", "pose", True), ("train", "pattern", False)} <= kinds
    assert ("train", "pattern", True) not in kinds
    # The detector's landmarks lie where the template has them, upright in the middle of the view.
    shown = pack.landmarks[pack.votes[:, 0] == 1][:, :4]
    wanted = (0.5 + (FACE_TEMPLATE.targets() - 0.5) / PICTURE_MARGIN) * PICTURE_SIDE_PX
    assert np.abs(np.median(shown, axis=0) - wanted).max() < 4


@pytest.mark.slow
def test_processes_make_together_what_one_makes_alone(
    face_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection_samples, "FRAMES_PER_CHUNK", 2)
    monkeypatch.setattr(detection_samples, "POSES_PER_CHUNK", 2)
    made = []
    for workers in ("1", "2"):
        made.append(tmp_path / f"{workers}.npz")
        command = [str(face_npz), "-o", str(made[-1]), "--workers", workers]
        command += ["--frames", "5", "--poses", "3", "--patterns", "2"]
        assert face_check.main(command) == 0
    assert made[0].read_bytes() == made[1].read_bytes()


@pytest.mark.slow
def test_a_photo_that_a_process_cannot_read_is_said(face_npz: Path, tmp_path: Path) -> None:
    photo = Image.fromarray(np.zeros((300, 300, 3), np.uint8))
    for number in range(2):
        photo.save(tmp_path / f"{number}.png")
    broken = (tmp_path / "1.png").read_bytes()[:60]
    (tmp_path / "1.png").write_bytes(broken)
    command = [str(face_npz), "-o", str(tmp_path / "x.npz"), "--photos", str(tmp_path)]
    with pytest.raises(DataError, match=r"1\.png is a PNG that is damaged"):
        face_check.main([*command, "--frames", "2", "--poses", "0", "--workers", "2"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "{data}"], "is there already"),
        (["-o", "{new}", "--frames", "0"], "at least 1"),
        (["-o", "{new}", "--workers", "0"], "at least 1"),
        (["-o", "{new}", "--poses", "-1"], "must not be negative"),
        (["-o", "{new}", "--patterns", "-2"], "must not be negative"),
        (["-o", "{new}", "--photos", "{gone}"], "not a folder"),
        (["-o", "{new}", "--photos", "{empty}"], "fewer than two photos"),
    ],
)
def test_what_cannot_be_is_said(
    words: list[str],
    message: str,
    face_npz: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"data": face_npz, "new": tmp_path / "x.npz", "gone": tmp_path / "gone"}
    places["empty"] = tmp_path / "empty"
    said = [word.format(**places) for word in words]
    assert run_entry_point(lambda: face_check.main([str(face_npz), *said])) == 2
    err = capsys.readouterr().err
    assert (err.count("\n"), err[:7]) == (1, "error: ")
    assert message in err
    assert not (tmp_path / "x.npz").exists()


def test_pack_without_faces_to_show_is_said(shapes_npz: Path, tmp_path: Path) -> None:
    words = [str(shapes_npz), "-o", str(tmp_path / "x.npz"), "--frames", "1", "--workers", "1"]
    with pytest.raises(DataError, match="has no face with landmarks in its train split"):
        face_check.main(words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", ["-1", str(2**63), "1.5", "x"])
def test_seed_that_cannot_be_is_said(seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        face_check.parser().parse_args(["a.npz", "-o", "b.npz", "--seed", seed])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert (err.count("\n"), "argument --seed: " in err) == (1, True)
