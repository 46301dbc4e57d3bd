"""Converts between the colours of videos and BGR, with the matrix that the video states or its size
implies.

swscale does the arithmetic, on its exact paths: the fast paths are up to three levels too dark.
"""

from dataclasses import dataclass

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
    made = reformatter.reformat(
        frame,
        width,
        height,
        # 16 bits in planes: into packed ones swscale puts wrong colours with these flags.
        "bgr24" if wide is None else "gbrp16le",
        src_colorspace=_untold_matrix(frame, wide),
        interpolation=READING,
    ).to_ndarray()
    if wide is not None:
        return wide.to_bgr(np.asarray(made, np.uint16))
    return np.ascontiguousarray(made, np.uint8)


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
