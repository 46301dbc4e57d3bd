"""Parts of a picture are converted as a conversion of the whole picture converts them."""

from itertools import product

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from hypothesis import given, settings
from hypothesis import strategies as st

from app.frames.orientation import UPRIGHT, Orientation
from app.frames.yuv_colour import BT601, BT709, ColourTags, to_yuv, view_planes
from app.frames.yuv_patches import DRAWN_MARGIN_PX, MAX_SHEET_SIZES, PatchConverter
from app.frames.yuv_picture import BgrReader, YuvPicture
from app.types import Image

WIDTH, HEIGHT = 318, 182
RECTS = st.lists(
    st.tuples(
        st.integers(-30, WIDTH + 10),
        st.integers(-30, HEIGHT + 10),
        st.integers(1, 120),
        st.integers(1, 90),
    ),
    max_size=6,
)


def make_noise(
    colour: ColourTags, *, turn: Orientation = UPRIGHT, is_full_range: bool = False
) -> YuvPicture:
    frame = VideoFrame(*turn.turn_size((WIDTH, HEIGHT)), "yuv420p")
    frame.colorspace, frame.color_range = colour.tag, 1 + is_full_range
    random = np.random.default_rng(0)
    for plane in frame.planes:
        plane.update(random.integers(0, 256, plane.buffer_size, dtype=np.uint8).tobytes())
    return YuvPicture(frame, colour, BgrReader(), turn)


def mark(parts: list[tuple[int, int, int, int]], margin_px: int = 0) -> np.ndarray:
    """The pixels of parts: bool (HEIGHT, WIDTH)."""
    inside = np.zeros((HEIGHT, WIDTH), np.bool_)
    for x0, y0, x1, y1 in parts:
        top, left = max(0, y0 - margin_px), max(0, x0 - margin_px)
        inside[top : y1 + margin_px, left : x1 + margin_px] = True
    return inside


@settings(max_examples=25, deadline=None)
@given(rects=RECTS, number=st.integers(1, 8), is_full_range=st.booleans())
@pytest.mark.parametrize("colour", [BT601, BT709])
def test_parts_become_bgr_as_in_the_whole_picture(
    colour: ColourTags, rects: list[tuple[int, int, int, int]], number: int, is_full_range: bool
) -> None:
    turn = Orientation.from_exif(number)
    picture = make_noise(colour, turn=turn, is_full_range=is_full_range)
    patches = PatchConverter(picture.size_wh, colour)
    layout = patches.lay_out(rects)
    canvas, copied = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    patches.read(picture, layout, canvas)
    patches.cut(picture.make_bgr(), layout, copied)
    inside = mark(layout.parts, DRAWN_MARGIN_PX)
    assert np.array_equal(canvas[inside], picture.make_bgr()[inside])
    assert np.array_equal(canvas, copied)


@settings(max_examples=25, deadline=None)
@given(rects=RECTS)
@pytest.mark.parametrize("colour", [BT601, BT709])
def test_parts_become_planes_as_in_the_whole_picture(
    colour: ColourTags, rects: list[tuple[int, int, int, int]]
) -> None:
    picture = make_noise(colour)
    patches = PatchConverter(picture.size_wh, colour)
    layout = patches.lay_out(rects)
    random = np.random.default_rng(1)
    canvas: Image = random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    made = picture.copy_for_encoder()
    patches.write(canvas, layout, made)
    inside = mark(layout.parts)
    whole = view_planes(to_yuv(canvas, colour, VideoReformatter()))
    for plane, drawn, kept in zip(view_planes(made), whole, picture.planes, strict=True):
        here = inside[:: HEIGHT // plane.shape[0], :: WIDTH // plane.shape[1]]
        assert np.array_equal(plane[here], drawn[here])
        assert np.array_equal(plane[~here], kept[~here])


def test_parts_cover_whole_blocks_of_colour_once() -> None:
    patches = PatchConverter((64, 48), BT709)
    rects = [(3, 3, 4, 4), (4, 4, 1, 1), (-5, 40, 9, 20), (64, 0, 4, 4), (10, 10, 0, 5)]
    assert sorted(patches.lay_out(rects).parts) == [(0, 40, 4, 48), (2, 2, 8, 8)]


def test_pictures_of_both_ranges_may_follow_each_other() -> None:
    patches = PatchConverter((WIDTH, HEIGHT), BT709)
    layout = patches.lay_out([(20, 20, 60, 60)])
    for is_full_range in (False, True, False):
        picture = make_noise(BT709, is_full_range=is_full_range)
        canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        patches.read(picture, layout, canvas)
        assert np.array_equal(canvas[20:80, 20:80], picture.make_bgr()[20:80, 20:80])


def test_converters_of_many_sizes_are_not_kept() -> None:
    picture = make_noise(BT709)
    patches = PatchConverter(picture.size_wh, BT709)
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for wide, high in product(range(2, 318, 50), range(2, 182, 30)):
        patches.read(picture, patches.lay_out([(0, 0, wide, high)]), canvas)
    assert 1 < patches.kept_sizes <= MAX_SHEET_SIZES
