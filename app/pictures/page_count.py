"""Counts the pictures in a file: frames of an animation, pages of a scan."""

import struct
from collections.abc import Callable

from app.pictures.chunks import read_png_chunks, read_webp_chunks

MAX_PAGES = 10_000
# Entries of TIFF's directories that are looked at: in one of them, and in all.
MAX_ENTRIES = 4096
MAX_TOTAL_ENTRIES = 200_000
_NOT_A_PAGE = 1 | 4  # TIFF's NewSubfileType: a smaller copy, or a mask
_NEW_SUBFILE_TYPE = 254


def count_pictures(content: bytes, kind: str) -> int:
    """Counts the pictures in a file; 1 where the file is damaged.

    `kind` is the result of `app.pictures.header.find_kind`. A second JPEG behind the first does not
    count: phones keep brightness or depth there.
    """
    count = _COUNTS.get(kind)
    if count is None:
        return 1
    try:
        return max(1, count(content))
    except (struct.error, IndexError, OverflowError):
        return 1


def _png(content: bytes) -> int:
    for kind, body in read_png_chunks(content):
        if kind == b"acTL":
            return int(struct.unpack_from(">I", body)[0])
        if kind == b"IDAT":
            break
    return 1


def _webp(content: bytes) -> int:
    return sum(kind == b"ANMF" for kind, _ in read_webp_chunks(content))


def _gif(content: bytes) -> int:
    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    pictures, at = 0, 13 + table(content[10])
    while content[at] != 0x3B:
        if content[at] == 0x2C:
            pictures += 1
            at += 11 + table(content[at + 9])
        else:  # an extension block
            at += 2
        while content[at]:  # blocks, each with its length in front
            at += 1 + content[at]
        at += 1
        if at >= len(content):  # cut short
            break
    return pictures


def _tiff(content: bytes) -> int:
    order = "<" if content.startswith(b"II") else ">"
    big = struct.unpack_from(order + "H", content, 2)[0] == 43
    place, number, size = ("Q", "Q", 20) if big else ("I", "H", 12)
    (at,) = struct.unpack_from(order + place, content, 8 if big else 4)
    pages, seen, left = 0, set[int](), MAX_TOTAL_ENTRIES
    while at and at not in seen and len(seen) < MAX_PAGES and left > 0:
        seen.add(at)
        (entries,) = struct.unpack_from(order + number, content, at)
        at += struct.calcsize(order + number)
        kind, looked_at = 0, min(entries, MAX_ENTRIES)
        left -= looked_at
        for entry in range(at, at + size * looked_at, size):
            if struct.unpack_from(order + "H", content, entry)[0] == _NEW_SUBFILE_TYPE:
                (kind,) = struct.unpack_from(order + "I", content, entry + size - (8 if big else 4))
                break
        pages += not kind & _NOT_A_PAGE
        (at,) = struct.unpack_from(order + place, content, at + size * entries)
    return pages


_COUNTS: dict[str, Callable[[bytes], int]] = {
    "PNG": _png,
    "WebP": _webp,
    "GIF": _gif,
    "TIFF": _tiff,
}
