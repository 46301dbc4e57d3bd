"""Finds the sizes that a recorded call goes through, before it is read.

A call that a browser records begins small and grows within seconds, as the line allows. All of the
video is read at the largest of its sizes: people keep their numbers and their places, and the
annotated video is no thumbnail. Only the headers of key frames are read.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

import av

from app.frames.stored_shape import MAX_FRAME_PIXELS
from app.sources.video_container import open_container, read_packets

CALL_FORMATS = frozenset({"matroska", "webm"})
MAX_GROWTH_S = 120  # by then a call has the size that its line allows
MAX_SIZES = 64  # a call has a handful


def find_call_sizes_wh(path: Path, format_name: str, codec_name: str) -> set[tuple[int, int]]:
    """Reads the sizes in pixels of the key frames in the first `MAX_GROWTH_S` seconds of a file.

    Args:
        path: The video file.
        format_name: libav's names of its format, separated by commas.
        codec_name: libav's name of its codec.

    Returns:
        The pairs (width, height). The set is empty unless the file is such as browsers record of a
        call: VP8 or VP9 in WebM or Matroska.
    """
    read_size = SIZE_READERS.get(codec_name)
    found: set[tuple[int, int]] = set()
    if read_size is None or not CALL_FORMATS & set(format_name.split(",")):
        return found
    with (
        contextlib.suppress(av.FFmpegError, OSError, IndexError),
        open_container(path) as container,
    ):
        for packet in read_packets(container, container.streams.video[0]):
            if packet.pts is not None and packet.pts * packet.time_base > MAX_GROWTH_S:
                break
            if packet.is_keyframe and packet.size and len(found) < MAX_SIZES:
                size_wh = read_size(bytes(packet))
                if size_wh is not None and 0 < size_wh[0] * size_wh[1] <= MAX_FRAME_PIXELS:
                    found.add(size_wh)
    return found


def read_vp8_size_wh(frame: bytes) -> tuple[int, int] | None:
    """Reads (width, height) in pixels from a key frame of VP8 (RFC 6386, 9.1); None where `frame`
    is none.

    >>> read_vp8_size_wh(bytes.fromhex("100000 9d012a 8002 e001"))
    (640, 480)
    """
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = (int.from_bytes(frame[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return width, height


def read_vp9_size_wh(frame: bytes) -> tuple[int, int] | None:
    """Reads (width, height) in pixels from a key frame of VP9 (bitstream specification, 6.2); None
    where `frame` is none, or is of a profile that no browser records."""
    bits = int.from_bytes(frame[:16].ljust(16, b"\0"), "big")
    at = 128

    def take(count: int) -> int:
        nonlocal at
        at -= count
        return bits >> at & ((1 << count) - 1)

    if take(2) != 2 or take(2) != 0:  # the mark of a frame, profile 0
        return None
    if take(1) or take(1):  # show_existing_frame, or a frame that is no key frame
        return None
    take(2)  # show_frame, error_resilient_mode
    if take(24) != 0x498342:
        return None
    is_rgb = take(3) == 7
    if is_rgb:
        return None
    take(1)  # color_range
    return take(16) + 1, take(16) + 1


SIZE_READERS: dict[str, Callable[[bytes], tuple[int, int] | None]] = {
    "vp8": read_vp8_size_wh,
    "vp9": read_vp9_size_wh,
}
