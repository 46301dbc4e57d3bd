"""What kind of picture some bytes are and how large it will be, read from the header alone.

A file of a kilobyte can announce gigabytes of pixels; this is known before anything is decoded.
Only the kinds named here are given to a decoder at all.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from app.pictures.chunks import JPEG_END, JPEG_SCAN

# Between two of these marks a JPEG has no header of a scan: parameters, not pixels.
_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG marks without a length
_MARK = re.compile(rb"\xff[^\x00\xff]")
_SHORT, _LONG, _LONG8 = 3, 4, 16  # TIFF's kinds of whole numbers
# Decoders make room for what a part of a PNG announces; a file that was cut may lack this much.
MAX_MISSING_BYTES = 64 << 20
STILL_BRANDS = frozenset({b"avif", b"heic", b"heix", b"heim", b"heis", b"mif1"})
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture's first bytes announce. `size_wh` px is before any turning."""

    kind: str
    size_wh: tuple[int, int]


def read_header(content: bytes) -> Header | None:
    """Read the header of a picture; None when `content` is of no kind that is read, or too damaged
    to say its size."""
    read = _KINDS.get(find_kind(content) or "")
    if read is None:
        return None
    try:
        size_wh = read(content)
    except (struct.error, IndexError, ValueError, OverflowError):
        return None
    return None if size_wh is None else Header(find_kind(content) or "", size_wh)


def find_kind(content: bytes) -> str | None:
    """Name the kind that the first bytes claim; None when it is none of those that are read."""
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
    """Tell whether `content` begins as an AVIF or HEIC that is a picture rather than a sequence.
    libav opens those as videos, and of a grid of tiles it gives one."""
    return content[4:8] == b"ftyp" and content[8:12] in STILL_BRANDS


def _brands(content: bytes) -> set[bytes]:
    """What an ISO media file says that it can be read as: its own brand first, then others."""
    end = min(int.from_bytes(content[:4], "big"), 256)
    return {content[at : at + 4] for at in (8, *range(16, end, 4))}


def count_jpeg_scans(content: bytes) -> int:
    """Count how often a decoder goes over the whole picture of a JPEG; 1 for other kinds.

    The count ends where the picture ends. Phones put a video, a depth map or a second JPEG behind
    it, whose bytes say nothing about the picture.
    """
    if not content.startswith(b"\xff\xd8"):
        return 1
    scans, at = 0, 2
    while mark := _MARK.search(content, at):
        kind, at = content[mark.end() - 1], mark.end()
        if kind == JPEG_END:
            break
        scans += kind == JPEG_SCAN
        if kind not in _ALONE:  # a segment: what it holds is no mark
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
            break  # what is behind the end is not the picture's
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
        at = content.index(b"\xff", at)  # decoders step over what is no mark
        mark = content[at + 1]
        if mark in (0x00, 0xFF):
            at += 1
        elif mark in _ALONE:
            at += 2
        elif mark in range(0xC0, 0xD0) and mark not in _NO_FRAME:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        elif mark in (JPEG_END, JPEG_SCAN):
            return None  # pixels, or the end, before a size was said
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
    """The first directory's. Both the usual form and BigTIFF, in both byte orders."""
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
    """P1 to P6: numbers after the mark, with comments between them."""
    numbers: list[int] = []
    for line in content[2:4096].splitlines():
        words = line.partition(b"#")[0].split()
        numbers += [int(word) for word in words[: 2 - len(numbers)]]
        if len(numbers) == 2:
            return numbers[0], numbers[1]
    return None


def _still(content: bytes) -> tuple[int, int] | None:
    """The largest of the sizes that its properties give; parts of a picture have their own."""
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
