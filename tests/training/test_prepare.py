"""Preparation finds each face once and writes one file, whole or not at all."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from app.alignment import FACE_TEMPLATE, fit_crop_matrix
from app.crops import align_faces
from app.detection.mediapipe_detector import Detector
from app.errors import DataError
from app.types import Image
from training import prepare
from training.base.cli import run_entry_point
from training.datasets import landmarks
from training.datasets import pack_writer as packing
from training.datasets.examples import load_examples
from training.datasets.pack import Pack
from training.datasets.pack_reader import read_pack
from training.datasets.readers import FERPLUS_VOTES

FACES = {"train/joy/0.png": 0, "train/joy/110.jpg": 110, "valid/joy/60.png": 60}
NOBODY = {"train/empty/145.png": 145}


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    with Detector(min_score=landmarks.MIN_SCORE) as detector:
        yield detector


@pytest.fixture(scope="module")
def pictures(clip_frames: dict[int, Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three frames of the portrait clip with a face, one without, and a file that is no picture."""
    root = tmp_path_factory.mktemp("pictures")
    for name, index in (FACES | NOBODY).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Picture.fromarray(clip_frames[index][..., ::-1]).save(root / name)
    (root / "valid/joy/broken.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def prepared(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prepared") / "mine.npz"
    options = ["folder", str(pictures), "-o", str(path), "--max-unreadable", "0.2"]
    assert prepare.main(options) == 1  # one was skipped
    return path


@pytest.fixture(scope="module")
def pack(prepared: Path) -> Pack:
    return read_pack(prepared)


@pytest.mark.slow
def test_what_is_left_out_of_a_folder_is_said(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "in"
    for number, name in enumerate(("train/a.png", "train/b.png", "valid/c.png")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((pictures / [*FACES][number]).read_bytes())
    (root / "train/phone.cr2").touch()
    for row in ("train/a.png,joy", "train/b.png,fear", "valid/c.png,joy", "valid/d.png,joy"):
        with (root / "labels.csv").open("a") as table:
            table.write(f"{row}\n" if table.tell() else f"image,label\n{row}\n")
    output = tmp_path / "mine.npz"
    assert prepare.main(["folder", str(root), "-o", str(output)]) == 1
    said = capsys.readouterr().out
    assert "1 row of labels.csv left out, for which there is no picture.\n" in said
    assert "Left out, as pictures of kinds that are not read here: 1 x .cr2." in said
    before = read_pack(output)
    table = (root / "labels.csv").read_text()
    (root / "labels.csv").write_text(
        table.replace("a.png,joy", "a.png,fear").replace("b.png,fear", "b.png,joy")
    )
    assert prepare.main(["folder", str(root), "-o", str(output)]) == 1
    assert before.votes.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert read_pack(output).votes.tolist() == [[1, 0], [0, 1], [0, 1]]


@pytest.mark.slow
def test_folder_becomes_one_file(pack: Pack, pictures: Path) -> None:
    assert pack.meta.dataset == pictures.name
    assert pack.meta.labels == ("empty", "joy")
    assert (pack.meta.protocol, pack.meta.made_from["count"]) == ("single", 5)
    assert pack.names == ("train/empty/145.png", *FACES)
    assert pack.votes.tolist() == [[1, 0], [0, 1], [0, 1], [0, 1]]
    assert (pack.find_rows("train").tolist(), pack.find_rows("valid").tolist()) == ([0, 1, 2], [3])


def test_landmarks_are_those_of_the_face_in_the_kept_region(pack: Pack, detector: Detector) -> None:
    assert np.isnan(pack.landmarks[0]).all()
    stored, sizes = pack.decode_pictures(np.arange(4), "rgb")
    assert sizes.max() <= landmarks.MAX_REGION_SIDE_PX
    for row in (1, 2, 3):
        points, (width, height) = pack.landmarks[row], sizes[row]
        assert (points[:4] > 0).all()
        assert (points[:4] < (width, height)).all()
        # The face is where the detector sees it when shown the kept region.
        region = stored[row, :, :height, :width].transpose(1, 2, 0)
        (again,) = detector.detect(np.ascontiguousarray(region[..., ::-1]))
        np.testing.assert_allclose(again.landmarks[:4], points[:4], atol=0.06 * width)


def test_training_cuts_the_crop_that_the_app_cuts(
    pack: Pack, detector: Detector, clip_frames: dict[int, Image]
) -> None:
    examples = load_examples(
        pack, "train", template=FACE_TEMPLATE, size_px=48, colour="rgb", labels_from="soft"
    )
    crops = examples.cut_crops(torch.tensor([1, 2])).permute(0, 2, 3, 1).numpy()[..., ::-1]
    for crop, index in zip(crops, (0, 110), strict=True):
        (face,) = detector.detect(clip_frames[index])
        (ours,) = align_faces(clip_frames[index], [face], FACE_TEMPLATE, 48)
        assert ours.std() > 30
        assert np.abs(crop - ours).mean() < 3  # a JPEG file and a smaller copy lie between


def test_region_leaves_room_for_augmentation() -> None:
    points = np.zeros((6, 2), np.float32)
    points[:4] = FACE_TEMPLATE.targets() * 100 + (150.5, 100.5)  # a crop 100 px wide from there
    picture = np.arange(400, dtype=np.uint8)[None, :].repeat(300, axis=0) % 251
    region, moved = landmarks.cut_face_region(picture, points)
    assert region.shape == (161, 161)  # whole pixels that hold 160
    np.testing.assert_array_equal(region[0], picture[0, 120:281])
    np.testing.assert_allclose(moved[:4], points[:4] - (120, 70), atol=1e-3)


def test_large_region_is_shrunk_with_its_landmarks() -> None:
    points = np.zeros((6, 2), np.float32)
    points[:4] = FACE_TEMPLATE.targets() * 280 + (85, 85)
    region, moved = landmarks.cut_face_region(np.zeros((450, 450, 3), np.uint8), points)
    assert region.shape == (224, 224, 3)
    to_crop = fit_crop_matrix(moved, FACE_TEMPLATE, 48)
    assert np.hypot(*to_crop[:, 0]) == pytest.approx(48 / 280 * 448 / 224, rel=0.01)


@pytest.mark.parametrize("place", [np.nan, 5000.0], ids=["no face", "outside"])
def test_picture_without_a_face_in_it_is_kept_whole(place: float) -> None:
    points = np.full((6, 2), place, np.float32)
    points[:4] += FACE_TEMPLATE.targets() * 50
    region, moved = landmarks.cut_face_region(np.zeros((100, 448), np.uint8), points)
    assert region.shape == (50, 224)
    np.testing.assert_allclose(moved, points / 2, rtol=1e-5)


def test_second_run_finds_the_file_up_to_date(
    prepared: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = prepared.stat().st_mtime_ns
    assert prepare.main(["folder", str(pictures), "-o", str(prepared)]) == 0
    assert capsys.readouterr().out == f"{prepared} is up to date.\n"
    assert prepared.stat().st_mtime_ns == before


def small_face(frame: Image) -> np.ndarray:
    """`(48, 48)` grey: the clip's face at frame 60 as FER2013 would show it."""
    x, y = 424, 242
    face = Picture.fromarray(frame[y - 100 : y + 100, x - 100 : x + 100, ::-1])
    return np.asarray(face.convert("L").resize((48, 48), Picture.Resampling.LANCZOS))


def test_small_faces_are_enlarged_for_the_detector(
    detector: Detector, clip_frames: dict[int, Image]
) -> None:
    points = landmarks.find_landmarks(detector, small_face(clip_frames[60]))
    assert points.dtype == np.float32
    (whole,) = detector.detect(clip_frames[60])
    expected = (whole.landmarks - (324, 142)) * 48 / 200
    np.testing.assert_allclose(points[:4], expected[:4], atol=2)


def test_largest_central_face_counts(detector: Detector, clip_frames: dict[int, Image]) -> None:
    frame = clip_frames[239][..., ::-1]
    both = detector.detect(clip_frames[239])
    points = landmarks.find_landmarks(detector, np.ascontiguousarray(frame))
    np.testing.assert_allclose(points, both[0].landmarks, atol=0.5)
    # With the larger one at the picture's edge, the smaller one in the middle is meant.
    shifted = np.ascontiguousarray(frame[:, 130:])
    points = landmarks.find_landmarks(detector, shifted)
    np.testing.assert_allclose(points[:4], both[1].landmarks[:4] - (130, 0), atol=6)


def write_ferplus(folder: Path, image: np.ndarray) -> list[str]:
    """The official files with three rows, the last of which FER+ dropped; the options for them."""
    pixels = " ".join(map(str, image.ravel()))
    usages = ("Training", "PublicTest", "PrivateTest")
    fer = [("emotion", "pixels", "Usage"), *((3, pixels, usage) for usage in usages)]
    votes = [
        ("Usage", "Image name", *FERPLUS_VOTES),
        (usages[0], "fer0.png", 1, 7, 0, 0, 0, 0, 0, 0, 1, 1),
        (usages[1], "fer1.png", 10, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (usages[2], "", 0, 0, 0, 0, 0, 0, 0, 0, 0, 10),
    ]
    for name, rows in (("fer2013.csv", fer), ("fer2013new.csv", votes)):
        with open(folder / name, "w", newline="") as file:
            csv.writer(file).writerows(rows)
    return [
        *("ferplus", "--fer2013", str(folder / "fer2013.csv")),
        *("--ferplus", str(folder / "fer2013new.csv"), "-o", str(folder / "f.npz")),
    ]


def test_official_files_become_one_file(
    tmp_path: Path, clip_frames: dict[int, Image], capsys: pytest.CaptureFixture[str]
) -> None:
    image = small_face(clip_frames[60])
    options = write_ferplus(tmp_path, image)
    assert prepare.main(options) == 0
    out, err = capsys.readouterr()
    assert "f.npz: 2 pictures, a face found in 2 (100.0 %)" in out
    assert err == ""  # no bar where nobody looks
    pack = read_pack(tmp_path / "f.npz")
    assert (pack.meta.dataset, pack.meta.protocol, len(pack.meta.labels)) == ("FER+", "ferplus", 8)
    assert pack.names == ("00000", "00001")
    assert pack.votes.tolist()[0] == [1, 7, 0, 0, 0, 0, 0, 0, 1, 1]
    stored, _ = pack.decode_pictures(np.array([0]), "grey")
    assert stored.shape[2] <= 48
    assert np.isfinite(pack.landmarks).all()

    votes = tmp_path / "fer2013new.csv"
    votes.write_text(votes.read_text().replace("fer0", "FER0"))
    assert prepare.main(options) == 0
    assert "2 pictures" in capsys.readouterr().out  # other votes: done again


def test_failed_run_leaves_the_old_file(
    tmp_path: Path, clip_frames: dict[int, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = write_ferplus(tmp_path, small_face(clip_frames[60]))
    (tmp_path / "f.npz").write_bytes(b"the old one")

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packing.shutil, "copyfileobj", fail)
    with pytest.raises(DataError, match="No space left"):
        prepare.main(options)
    assert (tmp_path / "f.npz").read_bytes() == b"the old one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.npz", "fer2013.csv", "fer2013new.csv"]


def test_bad_row_ends_the_run_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = write_ferplus(tmp_path, np.zeros((48, 48), np.uint8))
    fer = tmp_path / "fer2013.csv"
    fer.write_text(fer.read_text().replace("PublicTest", "Public"))
    assert run_entry_point(lambda: prepare.main(options)) == 2
    assert "fer2013.csv, row 2: unknown Usage 'Public'" in capsys.readouterr().err
    assert not (tmp_path / "f.npz").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["folder", "{}", "-o", "{}/mine.zip"], "mine.zip: the output must end in .npz."),
        (["folder", "{}", "-o", "{}/no/mine.npz"], "no is not a folder. Make it first."),
        (["folder", "{}/no", "-o", "{}/mine.npz"], "no does not exist. Expected"),
        (["folder", "{}", "-o", "{}/mine.npz"], "has 0 label folders"),
        (
            ["ferplus", "--fer2013", "{}/fer2013.csv", "--ferplus", "{}/b.csv", "-o", "{}/f.npz"],
            "fer2013.csv is missing. It comes from Kaggle",
        ),
        (
            ["ferplus", "--fer2013", "{}", "--ferplus", "{}/b.csv", "-o", "{}/f.npz"],
            "could not be read: Is a directory.",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_entry_point(lambda: prepare.main([o.format(tmp_path) for o in options])) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[:7]) == ("", 1, "error: ")
    assert message in err


def test_pictures_that_all_fail_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("train/a", "train/b", "valid/a"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.png").write_bytes(b"")
    options = ["folder", str(tmp_path), "-o", str(tmp_path / "m.npz"), "--max-unreadable", "1"]
    assert run_entry_point(lambda: prepare.main(options)) == 2
    assert "Nothing to pack" in capsys.readouterr().err


@pytest.mark.slow
def test_a_folder_with_too_many_unreadable_pictures_stops(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mine.npz"
    options = ["folder", str(pictures), "-o", str(output), "--max-unreadable", "0.19"]
    assert run_entry_point(lambda: prepare.main(options)) == 2
    err = capsys.readouterr().err
    assert "1 of 5 pictures are missing or unreadable, more than --max-unreadable 0.19" in err
    assert "broken.png is text, not a picture" in err
    assert list(tmp_path.iterdir()) == []
