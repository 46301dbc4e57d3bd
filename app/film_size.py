"""How large an annotated video has to be where the pictures of its source grow.

What browsers record of a call begins small and grows within seconds, as the line allows. The first
size would make a thumbnail of all that follows.
"""

import contextlib
from pathlib import Path

import av

from app.upright import SAME_SHAPE, Upright
from app.video_file import open_container

CALL_CODECS = frozenset({"vp8", "vp9"})  # whose size changes within a file, with a key frame
CALL_FORMATS = frozenset({"matroska", "webm"})


def may_grow(format_name: str, codec_name: str) -> bool:
    """True for files as browsers record them. Nothing else is worth looking through."""
    return codec_name in CALL_CODECS and bool(CALL_FORMATS & set(format_name.split(",")))


def largest_wh(path: Path, first_wh: tuple[int, int]) -> tuple[int, int]:
    """Gives the size px of the largest upright picture that has the shape of the first one. Only
    key frames are decoded, up to the first that cannot be read."""
    width, height = first_wh
    with contextlib.suppress(av.FFmpegError, OSError, IndexError), open_container(path) as found:
        stream = found.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        upright = Upright(stream)
        for frame in found.decode(stream):
            wide, high = upright.shape_of(frame).size_wh
            alike = abs(wide * height - width * high) <= SAME_SHAPE * wide * height
            if alike and wide * high > width * height:
                width, height = wide, high
    return width, height
