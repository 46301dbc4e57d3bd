"""Between a video's colours and BGR, with the matrix that the video says or that its size implies.

swscale does the arithmetic, on its exact paths: the fast ones are up to three levels too dark.
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
    """What a stream says of its colours: `tag` is the number of ITU-T H.273 for the matrix, the
    primaries and the transfer curve alike."""

    matrix: Colorspace
    tag: int


BT709 = ColourTags(Colorspace.ITU709, 1)
BT601 = ColourTags(Colorspace.ITU601, 6)
LIMITED_RANGE = 1


def guess_colour_tags(width: int, height: int) -> ColourTags:
    """What players assume of a picture that does not say: BT.709 from 720 lines on."""
    return BT709 if height >= 720 or width >= 1280 else BT601


def to_bgr(
    frame: VideoFrame,
    size_wh: tuple[int, int],
    reformatter: VideoReformatter,
    wide: WideColour | None = None,
) -> Image:
    """Makes uint8 (H, W, 3) BGR of BT.709 from a decoded frame, whose colours are `wide`, scaled if
    it is not of `size_wh`."""
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
    """Of a frame that does not say it; None where it does."""
    if frame.colorspace != UNSPECIFIED or frame.format.is_rgb:
        return None
    if wide is not None and wide.primaries == BT2020_PRIMARIES:
        return Colorspace.BT2020
    return guess_colour_tags(frame.width, frame.height).matrix


def to_yuv(
    image: Image, colour: ColourTags, reformatter: VideoReformatter, pix_fmt: str = "yuv420p"
) -> VideoFrame:
    """uint8 (H, W, 3) BGR with even sides as a limited-range frame for the encoder, in one of its
    4:2:0 layouts."""
    return reformatter.reformat(
        VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24"),
        format=pix_fmt,
        dst_colorspace=colour.matrix,
        dst_color_range=ColorRange.MPEG,
        interpolation=WRITING,
    )
