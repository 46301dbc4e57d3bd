"""Colours of videos become BGR and back with the exact arithmetic of swscale."""

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from app.frames.yuv_colour import READING, guess_colour_tags, to_bgr


def _make_noise(pix_fmt: str, size_wh: tuple[int, int]) -> VideoFrame:
    frame = VideoFrame(*size_wh, pix_fmt)
    random = np.random.default_rng(7)
    for plane in frame.planes:
        plane.update(random.integers(0, 256, plane.buffer_size, dtype=np.uint8).tobytes())
    return frame


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p", "yuv422p", "yuvj444p", "nv12", "gray"])
@pytest.mark.parametrize(
    ("stored_wh", "size_wh"),
    [
        ((64, 48), (64, 48)),
        ((1920, 1080), (1920, 1080)),
        ((64, 48), (86, 48)),  # oblong pixels
        ((64, 48), (128, 96)),
        ((63, 47), (63, 47)),
    ],
)
def test_pixels_are_those_of_the_packed_conversion(
    pix_fmt: str, stored_wh: tuple[int, int], size_wh: tuple[int, int]
) -> None:
    frame = _make_noise(pix_fmt, stored_wh)
    packed = VideoReformatter().reformat(
        frame,
        *size_wh,
        "bgr24",
        src_colorspace=guess_colour_tags(*stored_wh).matrix,
        interpolation=READING,
    )
    assert np.array_equal(to_bgr(frame, size_wh, VideoReformatter()), packed.to_ndarray())
