"""Converts between the colours of videos and BGR, with the matrix that the video states or its size
implies.

swscale does the arithmetic, on its exact paths: the fast paths are up to three levels too dark.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from app.frames.wide_colour import WideColour
from app.types import Image

UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
BT2020_PRIMARIES = 9
READING = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
WRITING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


@dataclass(frozen=True, slots=True)
class ColourTags:
    """The colours that a stream states: swscale's `matrix`, and as `tag` the number of ITU-T H.273
    for the matrix, the primaries and the transfer curve alike."""

    matrix: Colorspace
    tag: int


BT709 = ColourTags(Colorspace.ITU709, 1)
BT601 = ColourTags(Colorspace.ITU601, 6)
LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG
FULL_RANGE = 2  # AVCOL_RANGE_JPEG


def guess_colour_tags(width: int, height: int) -> ColourTags:
    """Guesses the colours of a picture that does not state them, as players do: BT.709 from 720
    lines on. `width` and `height` are in pixels.

    >>> guess_colour_tags(1920, 1080).tag, guess_colour_tags(640, 480).tag
    (1, 6)
    """
    return BT709 if height >= 720 or width >= 1280 else BT601


def to_bgr(
    frame: VideoFrame,
    size_wh: tuple[int, int],
    reformatter: VideoReformatter,
    wide: WideColour | None = None,
) -> Image:
    """Converts a decoded frame to BGR of BT.709.

    Args:
        frame: The decoded frame.
        size_wh: Width and height in pixels of the result; other frames are scaled.
        reformatter: The converter, which keeps its tables between frames of one kind.
        wide: The wide colours of the frame; None for those of a plain screen.

    Returns:
        uint8 (height, width, 3) BGR.

    >>> grey = VideoFrame.from_ndarray(np.full((4, 4, 3), 90, np.uint8), format="bgr24")
    >>> to_bgr(grey, (2, 2), VideoReformatter())[0, 0].tolist()
    [90, 90, 90]
    """
    width, height = size_wh
    # Into planes swscale converts twice as fast as into packed pixels. Both give the same pixels,
    # but for the last column of odd widths (one level, in one pixel of a thousand).
    in_planes = wide is None and not (frame.format.is_rgb or frame.width % 2 or frame.height % 2)
    made = reformatter.reformat(
        frame,
        width,
        height,
        # 16 bits in planes: into packed ones swscale puts wrong colours with these flags.
        "gbrp16le" if wide is not None else "gbrp" if in_planes else "bgr24",
        src_colorspace=_untold_matrix(frame, wide),
        interpolation=READING,
    )
    if in_planes:
        green, blue, red = view_planes(made)
        return np.asarray(cv2.merge([blue, green, red]), np.uint8)
    if wide is not None:
        return wide.to_bgr(np.asarray(made.to_ndarray(), np.uint16))
    return np.ascontiguousarray(made.to_ndarray(), np.uint8)


def view_planes(frame: VideoFrame) -> list[Image]:
    """Views the planes of a frame of 8 bits as arrays, which share the frame's memory.

    Returns:
        For each plane uint8 (height, width) in its own pixels: in 4:2:0 the planes of the colours
        are half as large, rounded up.

    >>> [plane.shape for plane in view_planes(VideoFrame(6, 4, "yuv420p"))]
    [(4, 6), (2, 3), (2, 3)]
    """
    views: list[Image] = []
    for plane in frame.planes:
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        views.append(lines[: plane.height, : plane.width])
    return views


def _untold_matrix(frame: VideoFrame, wide: WideColour | None) -> Colorspace | None:
    """Guesses the matrix of a frame that does not state it; None where the frame does."""
    if frame.colorspace != UNSPECIFIED or frame.format.is_rgb:
        return None
    if wide is not None and wide.primaries == BT2020_PRIMARIES:
        return Colorspace.BT2020
    return guess_colour_tags(frame.width, frame.height).matrix


def to_yuv(
    image: Image, colour: ColourTags, reformatter: VideoReformatter, pix_fmt: str = "yuv420p"
) -> VideoFrame:
    """Converts a picture to a limited-range frame for the encoder.

    Args:
        image: uint8 (H, W, 3) BGR with even sides.
        colour: The colours of the frame.
        reformatter: The converter, which keeps its tables between pictures of one size.
        pix_fmt: libav's name of a 4:2:0 layout.

    >>> frame = to_yuv(np.zeros((2, 2, 3), np.uint8), BT709, VideoReformatter())
    >>> frame.to_ndarray().tolist()  # black is 16, and no colour is 128
    [[16, 16], [16, 16], [128, 128]]
    """
    return reformatter.reformat(
        VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24"),
        format=pix_fmt,
        dst_colorspace=colour.matrix,
        dst_color_range=ColorRange.MPEG,
        interpolation=WRITING,
    )
