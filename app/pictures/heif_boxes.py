"""Reads the boxes of AVIF and HEIF files: their pictures, and the properties of each picture."""

import struct
from collections.abc import Iterator, Sequence
from functools import cached_property

MAX_BOXES = 100_000  # in one level of a file; a picture has some hundred
# Items may share bytes. All items together may have this many, or twice the file's if that is more.
MAX_SHARED_BYTES = 16 << 20

Box = tuple[bytes, int, int]  # kind, where its body begins, where it ends


def read_boxes(content: bytes, at: int, end: int) -> Iterator[Box]:
    """Yields the boxes between two places, in order, up to a damaged length."""
    for _ in range(MAX_BOXES):
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


class StillFile:
    """The items of an AVIF or HEIF file: its pictures, their tiles and their notes.

    Attributes:
        primary: The item of the picture that is to be shown; None if there is none.
        types: Maps each item to its type, such as `b"hvc1"`.

    Raises:
        struct.error, IndexError: If the file is damaged, here and in the methods.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._meta = _inside(content, _find(content, 0, len(content), b"meta"), 4)
        pitm = _find(content, *self._meta, b"pitm")
        self.primary: int | None = None
        if pitm is not None:
            self.primary = _number(content, pitm[0] + 4, 2 if content[pitm[0]] == 0 else 4)
        self.types = {item: name for item, name, _ in _item_types(content, self._meta)}

    def list_properties(self, item: int | None) -> list[tuple[bytes, bytes]]:
        """Lists the properties (kind, body) of `item`, in the order in which they apply."""
        places, numbers = self._properties
        return [
            (places[number - 1][0], self._content[slice(*places[number - 1][1:])])
            for number in numbers.get(-1 if item is None else item, [])
            if number > 0
        ]

    @cached_property
    def _properties(self) -> tuple[list[Box], dict[int, list[int]]]:
        """All properties of the file, and for each item the numbers of its own, from 1 on."""
        content = self._content
        iprp = _find(content, *self._meta, b"iprp")
        container = None if iprp is None else _find(content, *iprp, b"ipco")
        if iprp is None or container is None:
            return [], {}
        numbers: dict[int, list[int]] = {}
        for kind, at, end in read_boxes(content, *iprp):
            if kind == b"ipma":
                for item, more in _associations(content[at:end]):
                    numbers.setdefault(item, []).extend(more)
        return list(read_boxes(content, *container)), numbers

    def list_parts(self, item: int) -> list[int]:
        """Lists the items that `item` is made of, in their order."""
        place = _find(self._content, *self._meta, b"iref")
        if place is None:
            return []
        size = 2 if self._content[place[0]] == 0 else 4
        for kind, at, _ in read_boxes(self._content, *_inside(self._content, place, 4)):
            if kind == b"dimg" and _number(self._content, at, size) == item:
                count = _number(self._content, at + size, 2)
                first = at + size + 2
                return [_number(self._content, first + k * size, size) for k in range(count)]
        return []

    def read_data(self, items: Sequence[int]) -> list[bytes]:
        """Gives the bytes of each of `items`. Raises `ValueError` if these are many times the bytes
        of the file."""
        places = self._places(set(items))
        left = max(MAX_SHARED_BYTES, 2 * len(self._content))
        found = []
        for item in items:
            if item in places:
                parts = []
                for at, length in places[item]:
                    parts.append(self._content[at : at + length])
                    left -= len(parts[-1])
                    if left < 0:
                        raise ValueError(f"{len(items)} items hold more than the file")
                found.append(b"".join(parts))
        return found

    def _places(self, items: set[int]) -> dict[int, list[tuple[int, int]]]:
        """Finds the bytes of `items`: (begin, length) of each stretch."""
        content = self._content
        iloc = _find(content, *self._meta, b"iloc")
        idat = _find(content, *self._meta, b"idat")
        if iloc is None:
            return {}
        at, version = iloc[0] + 4, content[iloc[0]]
        sizes = content[at], content[at + 1]
        offset, length, base, index = (n for size in sizes for n in (size >> 4, size & 15))
        wide = 4 if version == 2 else 2
        count = _number(content, at + 2, wide)
        at += 2 + wide
        found: dict[int, list[tuple[int, int]]] = {}
        left = MAX_BOXES  # stretches, which take no room in the file where they have no numbers
        for _ in range(min(count, MAX_BOXES)):
            item = _number(content, at, wide)
            at += wide
            method = 0
            if version:
                method = _number(content, at, 2) & 15
                at += 2
            # In front of it is the number of the file that holds the bytes, which is this file.
            begin = _number(content, at + 2, base)
            stretches = _number(content, at + 2 + base, 2)
            at += 4 + base
            if method == 1:
                begin += 0 if idat is None else idat[0]
            step = (index if version else 0) + offset + length
            first = at + (index if version else 0)
            if item in items and method < 2:
                found[item] = [
                    (
                        begin + _number(content, first + k * step, offset),
                        _number(content, first + k * step + offset, length) or len(content),
                    )
                    for k in range(min(stretches, left))
                ]
                left -= len(found[item])
            at += stretches * step
        return found


def read_primary_properties(content: bytes) -> list[tuple[bytes, bytes]]:
    """Lists the properties (kind, body) of the primary picture, in the order in which they apply;
    empty if the file has none. Raises `struct.error` or `IndexError` for a damaged file."""
    still = StillFile(content)
    return still.list_properties(still.primary)


def hide_exif(content: bytes) -> bytes:
    """Hides the EXIF of a file from OpenCV 5.0, which refuses a picture whose EXIF lies behind its
    pixels, as libheif puts it. No bytes move: only the type of the item changes."""
    changed = bytearray(content)
    meta = _inside(content, _find(content, 0, len(content), b"meta"), 4)
    for _, name, at in _item_types(content, meta):
        if name == b"Exif":
            changed[at : at + 4] = b"free"
    return bytes(changed)


def _item_types(content: bytes, meta: tuple[int, int]) -> Iterator[tuple[int, bytes, int]]:
    """Yields (item, type, place of the type in the file) of each item."""
    place = _find(content, *meta, b"iinf")
    if place is None:
        return
    for kind, at, end in read_boxes(
        content, *_inside(content, place, 6 if content[place[0]] == 0 else 8)
    ):
        if kind != b"infe" or content[at] < 2:
            continue
        size = 4 if content[at] > 2 else 2
        type_at = at + 6 + size
        if type_at + 4 <= end:
            yield _number(content, at + 4, size), content[type_at : type_at + 4], type_at


def _associations(ipma: bytes) -> Iterator[tuple[int, list[int]]]:
    """Yields (item, numbers of its properties from 1 on) from the body of an `ipma` box."""
    size, step = 2 if ipma[0] < 1 else 4, 2 if ipma[3] & 1 else 1
    mask = 0x7FFF if step == 2 else 0x7F  # the highest bit is the flag "essential"
    (entries,) = struct.unpack_from(">I", ipma, 4)
    at = 8
    for _ in range(min(entries, MAX_BOXES)):
        item, count = _number(ipma, at, size), ipma[at + size]
        at += size + 1
        yield item, [_number(ipma, at + k * step, step) & mask for k in range(count)]
        at += count * step


def _find(content: bytes, at: int, end: int, kind: bytes) -> tuple[int, int] | None:
    return next(((b, e) for name, b, e in read_boxes(content, at, end) if name == kind), None)


def _inside(content: bytes, place: tuple[int, int] | None, skip: int) -> tuple[int, int]:
    """Finds the boxes inside a box that has `skip` bytes, such as a version, in front of them."""
    return (0, 0) if place is None else (place[0] + skip, place[1])


def _number(content: bytes, at: int, size: int) -> int:
    if at + size > len(content):
        raise IndexError(f"no {size} bytes at {at} of {len(content)}")
    return int.from_bytes(content[at : at + size], "big")
