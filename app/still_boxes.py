"""Reads the boxes of AVIF and HEIF files: what holds for the picture that is to be shown."""

import struct
from collections.abc import Iterator

MOST_BOXES = 100_000  # in one level of a file; a picture has some hundred

Box = tuple[bytes, int, int]  # kind, where its body begins, where it ends


def boxes(content: bytes, at: int, end: int) -> Iterator[Box]:
    """Give the boxes between two places, in order; a damaged length ends them."""
    for _ in range(MOST_BOXES):
        if at + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", content, at)
        body = at + 8
        if length == 1 and body + 8 <= end:
            (length,) = struct.unpack_from(">Q", content, body)
            body += 8
        elif length == 0:
            length = end - at
        if at + length < body:
            return
        yield kind, body, min(at + length, end)
        at += length


def primary_properties(content: bytes) -> list[tuple[bytes, bytes]]:
    """List the properties (kind, body) of the primary picture, in the order in which they apply;
    empty where the file has none. Raises `struct.error` or `IndexError` where it is damaged."""
    meta = _inside(content, _find(content, 0, len(content), b"meta"), 4)
    primary = _find(content, *meta, b"pitm")
    iprp = _find(content, *meta, b"iprp")
    if primary is None or iprp is None:
        return []
    item = _number(content, primary[0] + 4, 2 if content[primary[0]] == 0 else 4)
    container = _find(content, *iprp, b"ipco")
    if container is None:
        return []
    properties = [(kind, content[at:end]) for kind, at, end in boxes(content, *container)]
    found: list[tuple[bytes, bytes]] = []
    for kind, at, _ in boxes(content, *iprp):
        if kind == b"ipma":
            numbers = _associations(content, at).get(item, [])
            found += [properties[number - 1] for number in numbers if number > 0]
    return found


def without_exif(content: bytes) -> bytes:
    """Hide a file's EXIF from a decoder that gives the picture up where it finds it damaged, as
    libavif does with the EXIF of older writers. Nothing moves: the note only changes its kind."""
    changed = bytearray(content)
    meta = _inside(content, _find(content, 0, len(content), b"meta"), 4)
    items = _find(content, *meta, b"iinf")
    if items is not None:
        head = 6 if content[items[0]] == 0 else 8
        for kind, at, end in boxes(content, *_inside(content, items, head)):
            type_at = at + (10 if content[at] > 2 else 8)
            if kind == b"infe" and content[type_at : min(type_at + 4, end)] == b"Exif":
                changed[type_at : type_at + 4] = b"free"
    return bytes(changed)


def _associations(content: bytes, at: int) -> dict[int, list[int]]:
    """Item -> numbers of its properties, counted from 1, as an `ipma` box has them."""
    version, wide = content[at], bool(content[at + 3] & 1)
    (entries,) = struct.unpack_from(">I", content, at + 4)
    at += 8
    found: dict[int, list[int]] = {}
    for _ in range(min(entries, MOST_BOXES)):
        size = 2 if version < 1 else 4
        item = _number(content, at, size)
        count = content[at + size]
        at += size + 1
        step = 2 if wide else 1
        mask = 0x7FFF if wide else 0x7F  # the highest bit says "essential"
        found[item] = [_number(content, at + k * step, step) & mask for k in range(count)]
        at += count * step
    return found


def _find(content: bytes, at: int, end: int, kind: bytes) -> tuple[int, int] | None:
    return next(((b, e) for name, b, e in boxes(content, at, end) if name == kind), None)


def _inside(content: bytes, place: tuple[int, int] | None, skip: int) -> tuple[int, int]:
    """The boxes of a box that has a version in front of them."""
    return (0, 0) if place is None else (place[0] + skip, place[1])


def _number(content: bytes, at: int, size: int) -> int:
    if at + size > len(content):
        raise IndexError
    return int.from_bytes(content[at : at + size], "big")
