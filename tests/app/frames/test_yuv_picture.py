"""Pictures stay in their planes exactly where showing them needs a plain conversion alone."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace

from app.frames.planar_frame import PlanarFrame
from app.frames.upright import UprightConverter
from app.frames.yuv_colour import BT601, BT709, ColourTags, view_planes
from app.frames.yuv_picture import BgrReader, YuvPicture
from app.sources.video import VideoSource
from app.types import Frame
from tests.support.synthetic import noise_picture, write_video


def read_first(path: Path, **words: Any) -> Frame:
    write_video(path, **{"frames": 2, "picture": noise_picture, **words})
    with VideoSource(path) as source:
        return next(iter(source))


@pytest.mark.parametrize(
    ("words", "colour"),
    [
        ({}, BT601),  # says nothing, and is small
        ({"size_wh": (1280, 720)}, BT709),
        ({"matrix": (Colorspace.ITU709, 1)}, BT709),
        ({"matrix": (Colorspace.ITU601, 5)}, BT601),
        ({"matrix": (Colorspace.ITU601, 6), "size_wh": (1280, 720)}, BT601),
    ],
)
def test_plain_pictures_stay_in_the_planes_that_the_file_tells(
    words: dict[str, Any], colour: ColourTags, tmp_path: Path
) -> None:
    frame = read_first(tmp_path / "clip.mp4", **words)
    assert isinstance(frame, PlanarFrame)
    assert frame.yuv is not None
    assert frame.yuv.colour == colour


@pytest.mark.parametrize(
    "words",
    [
        {"size_wh": (63, 48)},
        {"size_wh": (63, 48), "rotation": 90},
        {"size_wh": (64, 47)},
        {"pixel_aspect": Fraction(4, 3)},
        {"interlaced": True},
        {"pix_fmt": "yuv444p"},
        {"pix_fmt": "yuv420p10le"},
        {"matrix": (Colorspace.SMPTE240M, 7)},
        {"matrix": (Colorspace.FCC, 4)},
    ],
)
def test_all_other_pictures_are_made_at_once(words: dict[str, Any], tmp_path: Path) -> None:
    odd = {"codec": "ffv1"} if "size_wh" in words else {}
    frame = read_first(tmp_path / f"clip.{'mkv' if odd else 'mp4'}", **words, **odd)
    assert type(frame) is Frame


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize(
    "words",
    [{}, {"mirrored": True}, {"matrix": (Colorspace.ITU601, 5), "full_range": True}],
)
def test_turned_and_full_pictures_have_the_pixels_of_a_picture_that_is_made_at_once(
    rotation: int, words: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {**words, "rotation": rotation, "size_wh": (96, 48)}
    frame = read_first(tmp_path / "clip.mp4", **words)
    assert isinstance(frame, PlanarFrame)
    assert frame.yuv is not None
    assert frame.size_wh == ((48, 96) if rotation % 180 else (96, 48))
    assert frame.yuv.is_full_range is ("full_range" in words)
    monkeypatch.setattr(UprightConverter, "keep_picture", UprightConverter.make_picture)
    made = read_first(tmp_path / "again.mp4", **words)
    assert type(made) is Frame
    assert np.array_equal(frame.image, made.image)


def make_frame() -> tuple[PlanarFrame, YuvPicture]:
    decoded = VideoFrame.from_ndarray(noise_picture(0, (64, 48)), format="bgr24")
    yuv = YuvPicture(decoded.reformat(format="yuv420p"), BT601, BgrReader())
    return PlanarFrame(None, 7, 0.5, "clip.mp4", damaged=True, yuv=yuv), yuv


def test_image_is_converted_when_it_is_asked_for_and_kept() -> None:
    frame, yuv = make_frame()
    assert (frame.size_wh, frame.image_bytes) == ((64, 48), 64 * 48 * 3)
    assert not frame.has_image
    with ThreadPoolExecutor(4) as threads:
        images = list(threads.map(lambda _: frame.image, range(8)))
    assert frame.has_image
    assert all(np.array_equal(image, yuv.make_bgr()) for image in images)
    assert frame.image is frame.image


def test_frame_with_another_image_has_no_planes() -> None:
    frame, _ = make_frame()
    other = replace(frame, image=np.zeros((48, 64, 3), np.uint8))
    assert isinstance(other, PlanarFrame)
    assert other.yuv is None
    assert not other.image.any()
    assert other.size_wh == (64, 48)


def test_pickled_frame_has_its_image() -> None:
    frame, _ = make_frame()
    copy = pickle.loads(pickle.dumps(frame))
    assert type(copy) is Frame
    assert (copy.index, copy.time_s, copy.source, copy.damaged) == (7, 0.5, "clip.mp4", True)
    assert np.array_equal(copy.image, frame.image)


def test_frame_has_an_image_or_planes() -> None:
    _, yuv = make_frame()
    for image, planes in ((None, None), (yuv.make_bgr(), yuv)):
        with pytest.raises(ValueError, match="an image or of planes"):
            PlanarFrame(image, 0, 0.0, "clip.mp4", yuv=planes)


def test_copy_shares_nothing_with_the_decoder() -> None:
    _, yuv = make_frame()
    copy = view_planes(yuv.copy_for_encoder())
    for mine, theirs in zip(copy, yuv.planes, strict=True):
        assert np.array_equal(mine, theirs)
        assert not np.shares_memory(mine, theirs)


@pytest.mark.parametrize("size_wh", [(64, 48), (128, 64), (64, 192)])
def test_sheets_have_their_own_memory_and_the_colours_of_the_picture(
    size_wh: tuple[int, int],
) -> None:
    _, yuv = make_frame()
    before = [plane.copy() for plane in yuv.planes]
    sheet = yuv.make_sheet(size_wh)
    assert (sheet.width, sheet.height, sheet.format.name) == (*size_wh, "yuv420p")
    assert (sheet.colorspace, sheet.color_range) == (BT601.tag, 1)
    for plane in view_planes(sheet):
        plane[:] = 0
    assert all(np.array_equal(*pair) for pair in zip(yuv.planes, before, strict=True))
