"""Reads the kind and the size of a picture from its header alone.

A file of a kilobyte can announce gigabytes of pixels, so the size is read before anything is
decoded. No other kinds than those named here are given to a decoder.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from app.pictures.chunks import JPEG_END, JPEG_SCAN

# The marks of a JPEG between 0xC0 and 0xCF that carry parameters and no size.
_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG marks without a length
_MARK = re.compile(rb"\xff[^\x00\xff]")
# TIFF's kinds of whole numbers.
_SHORT = 3
_LONG = 4
_LONG8 = 16
# Decoders reserve the memory that a chunk of a PNG announces; a file that was cut may lack up to
# this much.
MAX_MISSING_BYTES = 64 << 20
STILL_BRANDS = frozenset({b"avif", b"heic", b"heix", b"heim", b"heis", b"mif1"})
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})


@dataclass(frozen=True, slots=True)
class Header:
    """The kind and the size that the first bytes of a picture announce. `size_wh` is width and
    height in pixels before any turning."""

    kind: str
    size_wh: tuple[int, int]


def read_header(content: bytes) -> Header | None:
    """Reads the header of a picture; None if `content` is of no kind that is read here, or is too
    damaged to give its size.

    >>> read_header(b"GIF89a" + bytes([64, 0, 48, 0]))
    Header(kind='GIF', size_wh=(64, 48))
    """
    read = _KINDS.get(find_kind(content) or "")
    if read is None:
        return None
    try:
        size_wh = read(content)
    except (struct.error, IndexError, ValueError, OverflowError):
        return None
    return None if size_wh is None else Header(find_kind(content) or "", size_wh)


def find_kind(content: bytes) -> str | None:
    """Names the kind that the first bytes claim; None if it is none of the kinds read here."""
    for kind, begins in _SIGNATURES:
        if content.startswith(begins):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        brands = _brands(content)
        if {b"avif", b"avis"} & brands:
            return "AVIF"
        if HEIC_BRANDS & brands:
            return "HEIC"
    return None


def is_still(content: bytes) -> bool:
    """Tells whether `content` begins as an AVIF or HEIC that is a picture rather than a sequence.
    libav opens such pictures as videos, and gives one tile of a grid of tiles."""
    return content[4:8] == b"ftyp" and content[8:12] in STILL_BRANDS


def _brands(content: bytes) -> set[bytes]:
    """Lists the brands of an ISO media file, which name the standards that can read it."""
    end = min(int.from_bytes(content[:4], "big"), 256)
    return {content[at : at + 4] for at in (8, *range(16, end, 4))}


def count_jpeg_scans(content: bytes) -> int:
    """Counts how often a decoder goes over the whole picture of a JPEG; 1 for other kinds.

    The count ends at the end of the picture. Phones put a video, a depth map or a second JPEG
    behind the end.
    """
    if not content.startswith(b"\xff\xd8"):
        return 1
    scans, at = 0, 2
    while mark := _MARK.search(content, at):
        kind, at = content[mark.end() - 1], mark.end()
        if kind == JPEG_END:
            break
        scans += kind == JPEG_SCAN
        if kind not in _ALONE:  # a segment, whose bytes are no marks
            at += max(2, int.from_bytes(content[at : at + 2], "big"))
    return max(1, scans)


def _png(content: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from(">II", content, 16)
    at = 8
    while at + 8 <= len(content):
        length, chunk = struct.unpack_from(">I4s", content, at)
        at += 12 + length
        if at - len(content) > MAX_MISSING_BYTES:
            return None
        if chunk == b"IEND":
            break  # bytes behind the end are no part of the picture
    return width, height


def _gif(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", content, 6)
    return width, height


def _bmp(content: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", content, 18)
    return abs(width), abs(height)  # height is negative where the first row is the top one


def _jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while True:
        at = content.index(b"\xff", at)  # decoders step over bytes that are no mark
        mark = content[at + 1]
        if mark in (0x00, 0xFF):
            at += 1
        elif mark in _ALONE:
            at += 2
        elif mark in range(0xC0, 0xD0) and mark not in _NO_FRAME:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        elif mark in (JPEG_END, JPEG_SCAN):
            return None  # the pixels or the end came before a size
        else:
            at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))


def _webp(content: bytes) -> tuple[int, int] | None:
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff(content: bytes) -> tuple[int, int] | None:
    """Reads the first directory of the usual form or of BigTIFF, in both byte orders."""
    order = "<" if content.startswith(b"II") else ">"
    big = struct.unpack_from(order + "H", content, 2)[0] == 43
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)
    (entries,) = struct.unpack_from(order + ("Q" if big else "H"), content, at)
    at += 8 if big else 2
    sides: dict[int, int] = {}
    for _ in range(min(entries, 4096)):
        tag, kind = struct.unpack_from(order + "HH", content, at)
        if tag in (256, 257):
            form = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}.get(kind)
            if form is None:
                return None
            (sides[tag],) = struct.unpack_from(order + form, content, at + (12 if big else 8))
        at += 20 if big else 12
    return (sides[256], sides[257]) if len(sides) == 2 else None


def _pnm(content: bytes) -> tuple[int, int] | None:
    """Reads the numbers after the mark (P1 to P6), with comments between them."""
    numbers: list[int] = []
    for line in content[2:4096].splitlines():
        words = line.partition(b"#")[0].split()
        numbers += [int(word) for word in words[: 2 - len(numbers)]]
        if len(numbers) == 2:
            return numbers[0], numbers[1]
    return None


def _still(content: bytes) -> tuple[int, int] | None:
    """Gives the largest of the sizes in the properties; parts of a picture have their own sizes."""
    sizes = []
    at = content.find(b"ispe")
    while at >= 0:
        sizes.append(struct.unpack_from(">II", content, at + 8))
        at = content.find(b"ispe", at + 4)
    return max(sizes, key=lambda wh: wh[0] * wh[1], default=None)


_SIGNATURES = (
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("JPEG", b"\xff\xd8\xff"),
    ("BMP", b"BM"),
    ("GIF", b"GIF8"),
    ("TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    ("PNM", tuple(b"P%d" % kind for kind in range(1, 7))),
)
_KINDS: dict[str, Callable[[bytes], tuple[int, int] | None]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "BMP": _bmp,
    "GIF": _gif,
    "TIFF": _tiff,
    "PNM": _pnm,
    "WebP": _webp,
    "AVIF": _still,
    "HEIC": _still,
}
