"""Planes are turned and taken to limited range as good as a conversion by way of BGR does it."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from app.defaults import PORTRAIT_CLIP
from app.frames.orientation import UPRIGHT, Orientation
from app.frames.plane_steps import CENTRE, LEFT, PlaneSteps, Siting
from app.frames.stored_shape import Shape
from app.frames.yuv_colour import BT601, to_bgr, to_yuv, view_planes
from app.frames.yuv_picture import BgrReader, YuvPicture, find_yuv_picture
from app.types import Image

NUMBERS = range(1, 9)  # of EXIF


def measure_psnr_db(one: Image, other: Image) -> float:
    error = np.square(one.astype(float) - other).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.fixture(scope="module")
def decoded() -> VideoFrame:
    with av.open(str(PORTRAIT_CLIP)) as container:
        return next(container.decode(video=0))


def store(decoded: VideoFrame, *, is_full_range: bool) -> VideoFrame:
    """A frame of the same picture, with colours in the same place."""
    if not is_full_range:
        return decoded
    made = VideoReformatter().reformat(
        decoded, dst_color_range=ColorRange.JPEG, interpolation=Interpolation.ACCURATE_RND
    )
    made.color_range = ColorRange.JPEG
    return made


def keep(frame: VideoFrame, orientation: Orientation) -> YuvPicture:
    size_wh = (frame.width, frame.height)
    yuv = find_yuv_picture(frame, Shape(size_wh, Fraction(1), size_wh, orientation), BgrReader())
    assert yuv is not None
    return yuv


def show(planes: Sequence[Image], like: YuvPicture, stored: VideoFrame) -> Image:
    """The picture of upright planes, as a player shows it that looks for colours on the left."""
    height, width = planes[0].shape
    frame = YuvPicture(stored, like.colour, BgrReader()).make_sheet((width, height))
    for target, plane in zip(view_planes(frame), planes, strict=True):
        target[:] = plane
    return to_bgr(frame, (width, height), VideoReformatter())


@pytest.mark.parametrize(("number", "is_full_range"), [*product(NUMBERS, [False, True])])
def test_an_encoder_gets_the_picture_that_stages_see(
    number: int, is_full_range: bool, decoded: VideoFrame
) -> None:
    orientation = Orientation.from_exif(number)
    frame = store(decoded, is_full_range=is_full_range)
    yuv = keep(frame, orientation)
    assert (yuv.is_full_range, yuv.size_wh) == (is_full_range, orientation.turn_size((640, 480)))
    image = yuv.make_bgr()
    plain = to_bgr(frame, (640, 480), VideoReformatter())
    assert np.array_equal(image, orientation.apply(plain))
    made = view_planes(yuv.copy_for_encoder())
    by_bgr = view_planes(to_yuv(image, yuv.colour, VideoReformatter()))
    for mine, other in zip(made, by_bgr, strict=True):
        assert mine.shape == other.shape
        assert measure_psnr_db(mine, other) >= 45
    kept = measure_psnr_db(show(made, yuv, decoded), image)
    assert kept >= 45
    if not is_full_range:  # else both are rounded to limited range
        assert kept > measure_psnr_db(show(by_bgr, yuv, decoded), image)


@pytest.mark.parametrize("siting", [LEFT, CENTRE])
def test_full_range_becomes_the_nearest_limited_value(siting: Siting) -> None:
    full = np.arange(256, dtype=np.uint8).reshape(16, 16)
    flat = [np.full((8, 8), value, np.uint8) for value in (0, 255)]
    made = [np.empty((16, 16), np.uint8), *np.empty((2, 8, 8), np.uint8)]
    PlaneSteps(UPRIGHT, True, siting).write([full, *flat], made)
    assert np.array_equal(made[0], np.rint(full * (219 / 255) + 16))
    assert [np.unique(plane).tolist() for plane in made[1:]] == [[16], [240]]


def test_colours_move_to_the_left_of_their_block() -> None:
    ramp = np.broadcast_to(np.arange(8, 168, 8, dtype=np.uint8), (20, 20))
    planes = [np.zeros((40, 40), np.uint8), ramp, ramp.T]
    for number, siting, levels in (
        (1, LEFT, (0, 0)),
        (1, CENTRE, (-2, 0)),  # a quarter of a colour's width further left
        (3, LEFT, (4, 0)),  # half of it, along a ramp that now falls
        (6, LEFT, (2, 2)),
    ):
        turn = Orientation.from_exif(number)
        made = [np.empty(plane.shape, np.uint8) for plane in planes]
        PlaneSteps(turn, False, siting).write(planes, made)
        turned = [turn.apply(np.ascontiguousarray(plane)) for plane in planes]
        moved = [int(one[9, 9]) - int(other[9, 9]) for one, other in zip(made, turned, strict=True)]
        assert tuple(moved[1:]) == levels, number


def test_place_of_the_colours_is_measured(decoded: VideoFrame) -> None:
    assert BgrReader().find_siting(decoded) == LEFT
    grey = np.full((16, 16, 3), 90, np.uint8)
    coder = av.CodecContext.create("mjpeg", "w")
    coder.width, coder.height, coder.pix_fmt = 16, 16, "yuvj420p"
    coder.time_base = Fraction(1, 25)
    frame = VideoFrame.from_ndarray(grey, format="bgr24").reformat(format="yuvj420p")
    packets = [*coder.encode(frame), *coder.encode(None)]
    (jpeg,) = av.CodecContext.create("mjpeg", "r").decode(packets[0])
    assert BgrReader().find_siting(jpeg) == CENTRE
    assert keep(jpeg, UPRIGHT).colour == BT601
