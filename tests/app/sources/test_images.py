"""Pictures as frames: in order, upright, and those that cannot be read in the warning."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from app.errors import SourceError
from app.sources.images import ImageSource
from app.types import Mode
from tests.support.picture_files import add_exif_orientation
from tests.support.synthetic import level_picture


def write_picture(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


def test_folder_is_read_in_the_order_of_names(tmp_path):
    for name, level in (("b.png", 2), ("a.jpg", 1), ("ü.webp", 3)):
        write_picture(tmp_path / name, level_picture(level, (30, 20)))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "inner").mkdir()
    with ImageSource([tmp_path]) as source:
        frames = list(source)
    assert [frame.source for frame in frames] == ["a.jpg", "b.png", "ü.webp"]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert {frame.time_s for frame in frames} == {0.0}
    assert (source.frame_count, source.mode) == (3, Mode.PICTURES)
    assert source.warning is None


@pytest.mark.parametrize(
    ("orientation", "shape", "white"),
    [
        (1, (48, 64), (5, 5)),
        (3, (48, 64), (-5, -5)),
        (6, (64, 48), (5, -5)),
        (8, (64, 48), (-5, 5)),
    ],
)
def test_exif_orientation_turns_a_picture_upright(tmp_path, orientation, shape, white):
    path = write_picture(tmp_path / "a.jpg", level_picture(0, (64, 48)))
    path.write_bytes(add_exif_orientation(path.read_bytes(), orientation))
    (frame,) = ImageSource([path])
    assert frame.image.shape[:2] == shape
    assert frame.image[white].min() > 240


@pytest.mark.parametrize(
    ("dtype", "channels"), [(np.uint16, 3), (np.uint8, 4), (np.uint8, 1), (np.uint16, 1)]
)
def test_any_png_becomes_bgr_of_8_bits(tmp_path, dtype, channels):
    path = tmp_path / "a.png"
    write_picture(path, np.full((9, 7, channels), np.iinfo(dtype).max // 2, dtype))
    (frame,) = ImageSource([path])
    assert frame.image.shape == (9, 7, 3)
    assert frame.image.dtype == np.uint8
    assert np.abs(frame.image.astype(int) - 127).max() <= 1


def test_pictures_that_cannot_be_read_are_left_out(tmp_path):
    good = write_picture(tmp_path / "good.png", level_picture(0, (30, 20)))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    paths = [tmp_path / "missing.png", tmp_path / "bad.png", good, tmp_path / "empty.png"]
    source = ImageSource(paths)
    assert [(frame.source, frame.index) for frame in source] == [("good.png", 0)]
    assert source.skip_reasons == {
        paths[0]: f"{paths[0]} does not exist.",
        paths[1]: f"{paths[1]} is text, not a picture.",
        paths[3]: f"{paths[3]} is empty.",
    }
    assert source.warning == (
        f"3 of 4 pictures left out: {paths[0]} does not exist. Also left out: bad.png, empty.png."
    )


def test_no_picture_at_all_is_an_error(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="is text, not a picture"):
        list(ImageSource([tmp_path]))
    with pytest.raises(SourceError, match="does not exist"):
        ImageSource([tmp_path / "missing.png"])
    (tmp_path / "inner").mkdir()
    with pytest.raises(SourceError, match="has no pictures"):
        ImageSource([tmp_path / "inner"])
    with pytest.raises(SourceError, match="No picture"):
        ImageSource([])


def test_pictures_of_one_name_are_told_apart(tmp_path):
    image = level_picture(0, (30, 20))
    paths = [
        write_picture(tmp_path / folder / name, image)
        for folder, name in (("x", "a.png"), ("y", "a.png"), ("y", "b.png"))
    ]
    source = ImageSource([*paths, paths[0]])
    assert [frame.source for frame in source] == ["x/a.png", "y/a.png", "b.png"]
    assert list(source.files.values()) == paths


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ([b"....ftypisom"], "a.png is a video. Use --video."),
        ([b"%PDF-1.7"], "a.png is a PDF"),
        ([b"", b"hello"], "No picture can be read: 2 of 2 pictures left out"),
    ],
)
def test_files_of_other_kinds_are_told_before_any_is_read(tmp_path, contents, message):
    paths = [tmp_path / name for name in ("a.png", "b.png")[: len(contents)]]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        ImageSource(paths)
    write_picture(tmp_path / "c.png", level_picture(0, (9, 9)))
    assert len(list(ImageSource([*paths, tmp_path / "c.png"]))) == 1
