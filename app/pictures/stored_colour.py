"""Finds the colours that a picture file states, and converts them to those of a plain screen."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from app.frames.wide_colour import WideColour, choose_wide_colour
from app.pictures.chunks import read_jpeg_segments, read_png_chunks, read_webp_chunks
from app.pictures.colour_profile import ColourProfile, read_profile
from app.pictures.heif_boxes import read_primary_properties
from app.types import Image

MAX_PROFILE_BYTES = 16 << 20
BAND_PIXELS = 1 << 18  # converted at once
_JPEG_BEGINS = b"ICC_PROFILE\0"
_TIFF_PROFILE = 34675


def find_colours(content: bytes, kind: str) -> WideColour | ColourProfile | None:
    """Finds the colours that a file states; None where they are those of a plain screen, are
    missing, or are damaged. `kind` is the result of `app.pictures.header.find_kind`."""
    try:
        numbers = _numbers(content, kind)
        wide = None if numbers is None else choose_wide_colour(*numbers)
        if wide is not None:
            return wide
        if numbers is not None and kind == "PNG":
            return None  # the numbers count more than a profile
        icc = b"".join(_profile(content, kind))
    except (struct.error, IndexError, ValueError, OverflowError, zlib.error):
        return None
    return read_profile(icc) if icc else None


def make_plain(
    image: NDArray[np.uint8 | np.uint16], depth: int, colours: WideColour | ColourProfile
) -> Image:
    """Converts a decoded picture to the colours of a plain screen.

    Args:
        image: uint8 or uint16 (H, W, 3) BGR.
        depth: The number of bits of each value.
        colours: The colours of the picture.

    Returns:
        uint8 (H, W, 3) BGR.

    >>> from app.frames.wide_colour import choose_wide_colour
    >>> p3 = choose_wide_colour(12, 13)
    >>> make_plain(np.full((1, 1, 3), 1023, np.uint16), 10, p3).tolist()
    [[[255, 255, 255]]]
    """
    height, width = image.shape[:2]
    made = np.empty((height, width, 3), np.uint8)
    rows = max(1, BAND_PIXELS // width)
    most = (1 << depth) - 1
    for top in range(0, height, rows):
        band = image[top : top + rows, :, ::-1].astype(np.uint32)
        codes = ((band * 65535 + most // 2) // most).astype(np.uint16)
        made[top : top + rows] = colours.to_bgr(codes)
    return made


def find_stored_depth(content: bytes, kind: str, image: NDArray[np.uint8 | np.uint16]) -> int:
    """Finds the number of bits of each value of `image`, which was decoded from `content`.

    The codes of an AVIF, of 10 or 12 bits, are not spread over 16 bits.

    Args:
        content: The bytes of the file.
        kind: The result of `app.pictures.header.find_kind`.
        image: uint8 or uint16 (H, W, 3) BGR, decoded from the file.

    >>> find_stored_depth(b"", "PNG", np.zeros((1, 1, 3), np.uint16))
    16
    """
    if image.dtype == np.uint8:
        return 8
    if kind == "AVIF":
        for name, body in read_primary_properties(content):
            if name == b"pixi" and 8 < body[5] <= 16:
                return int(body[5])
    return 16


def _numbers(content: bytes, kind: str) -> tuple[int, int] | None:
    """Reads H.273's numbers of primaries and transfer."""
    if kind == "PNG":
        for chunk, body in read_png_chunks(content):
            if chunk == b"cICP":
                return body[0], body[1]
    if kind in ("AVIF", "HEIC"):
        for name, body in read_primary_properties(content):
            if name == b"colr" and body.startswith(b"nclx"):
                primaries, transfer = struct.unpack_from(">HH", body, 4)
                return primaries, transfer
    return None


def _profile(content: bytes, kind: str) -> Iterator[bytes]:
    """Yields the parts of the ICC profile, in order."""
    if kind == "JPEG":
        parts = {
            body[12]: body[14:]
            for mark, body in read_jpeg_segments(content)
            if mark == 0xE2 and body.startswith(_JPEG_BEGINS)
        }
        yield from (parts[number] for number in sorted(parts))
    elif kind == "PNG":
        for chunk, body in read_png_chunks(content):
            if chunk == b"iCCP":
                packed = body.partition(b"\0")[2][1:]
                yield zlib.decompressobj().decompress(packed, MAX_PROFILE_BYTES)
                return
    elif kind == "WebP":
        yield from (body for chunk, body in read_webp_chunks(content) if chunk == b"ICCP")
    elif kind in ("AVIF", "HEIC"):
        for name, body in read_primary_properties(content):
            if name == b"colr" and body[:4] in (b"prof", b"rICC"):
                yield body[4:]
                return
    elif kind == "TIFF":
        yield from _tiff_profile(content)


def _tiff_profile(content: bytes) -> Iterator[bytes]:
    order = "<" if content.startswith(b"II") else ">"
    if struct.unpack_from(order + "H", content, 2)[0] == 43:
        return  # BigTIFF, which scanners and microscopes write
    (at,) = struct.unpack_from(order + "I", content, 4)
    (entries,) = struct.unpack_from(order + "H", content, at)
    for entry in range(at + 2, at + 2 + 12 * entries, 12):
        tag, _, count, where = struct.unpack_from(order + "HHII", content, entry)
        if tag == _TIFF_PROFILE:
            yield content[where : where + min(count, MAX_PROFILE_BYTES)]
