"""Finds how the picture in a file is turned: by EXIF, or else XMP; in AVIF and HEIC by their own
properties.

Decoders differ in the notes that they find. They are therefore asked for the stored picture, which
is turned as this module says.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from math import floor

import numpy as np

from app.frames.orientation import UPRIGHT, Orientation
from app.pictures.chunks import read_jpeg_segments, read_png_chunks, read_webp_chunks
from app.pictures.heif_boxes import read_primary_properties
from app.types import Image

ORIENTATION = 0x0112  # EXIF's and TIFF's tag
MAX_ENTRIES = 4096  # of an EXIF block; a camera writes some dozen
MAX_PREFIXES = 3  # of one EXIF block: some writers repeat "Exif"
MAX_UNPACKED_BYTES = 1 << 20  # of one text in a PNG
MAX_NOTES = 64  # of a picture; the others are not looked at
# EXIF's types of whole numbers. The standard asks for SHORT, but writers differ.
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q"}
_IN_XMP = re.compile(rb"tiff:Orientation(?:\s*=\s*[\"']|>)\s*([1-8])")
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"

Note = tuple[str, bytes]  # ("exif" or "xmp", its bytes)


def find_orientation(content: bytes, kind: str) -> Orientation:
    """Finds the orientation of the picture in a file. Damaged or missing notes give an upright
    orientation.

    `kind` is the result of `app.pictures.header.find_kind`. A TIFF counts as upright, because
    OpenCV turns it: its tag is part of the format.
    """
    in_xmp: int | None = None
    try:
        if kind in ("AVIF", "HEIC"):
            return _of_properties(content)
        if kind not in _NOTES:
            return UPRIGHT
        for name, body in islice(_NOTES[kind](content), MAX_NOTES):
            if name == "xmp":
                in_xmp = in_xmp or _xmp_number(body)
            elif (number := read_exif_number(body)) is not None:
                return Orientation.from_exif(number)
    except (struct.error, IndexError, ValueError, OverflowError, zlib.error):
        return UPRIGHT
    return Orientation.from_exif(in_xmp or 1)


def crop_to_shown(image: Image, content: bytes, kind: str) -> Image:
    """Cuts a stored picture to the part that AVIF and HEIC want to be shown (`clap`).

    Encoders widen small pictures to whole blocks, and note the part that is the picture.

    Args:
        image: uint8 (H, W, 3) as stored.
        content: The bytes of the file.
        kind: The result of `app.pictures.header.find_kind`.

    Returns:
        uint8 (h, w, 3), contiguous; `image` itself where the file does not want a part.

    >>> whole = np.zeros((2, 2, 3), np.uint8)
    >>> crop_to_shown(whole, b"", "PNG") is whole
    True
    """
    if kind not in ("AVIF", "HEIC"):
        return image
    try:
        for name, body in read_primary_properties(content):
            if name == b"clap":
                numbers = struct.unpack_from(">IIIIiIiI", body)
                wide, high, right, down = (Fraction(*numbers[at : at + 2]) for at in range(0, 8, 2))
                height, width = image.shape[:2]
                left = floor(right + Fraction(width - 1, 2) - (wide - 1) / 2)
                top = floor(down + Fraction(height - 1, 2) - (high - 1) / 2)
                bottom, right_end = max(0, top + floor(high)), max(0, left + floor(wide))
                inside = image[max(0, top) : bottom, max(0, left) : right_end]
                return np.ascontiguousarray(inside) if inside.size else image
    except (struct.error, IndexError, OverflowError, ZeroDivisionError):
        pass
    return image


def read_exif_number(exif: bytes) -> int | None:
    """Reads the tag Orientation from an EXIF block, with or without `Exif\\0\\0` in front. None
    where the tag is missing or not within 1..8."""
    for _ in range(MAX_PREFIXES):
        exif = exif.removeprefix(_EXIF)
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return None
    try:
        (at,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * min(entries, MAX_ENTRIES), 12):
            tag, form = struct.unpack_from(order + "HH", exif, entry)
            if tag == ORIENTATION and form in _WHOLE_NUMBERS:
                letter = order + _WHOLE_NUMBERS[form]
                where = entry + 8
                if struct.calcsize(letter) > 4:
                    (where,) = struct.unpack_from(order + "I", exif, where)
                number = int(struct.unpack_from(letter, exif, where)[0])
                return number if 1 <= number <= 8 else None
    except (struct.error, OverflowError):
        pass
    return None


def _xmp_number(xmp: bytes) -> int | None:
    found = _IN_XMP.search(xmp)
    return None if found is None else int(found[1])


def _in_jpeg(content: bytes) -> Iterator[Note]:
    for mark, body in read_jpeg_segments(content):
        if mark == 0xE1 and body.startswith(_EXIF):
            yield "exif", body
        elif mark == 0xE1 and body.startswith(_XMP):
            yield "xmp", body


def _in_png(content: bytes) -> Iterator[Note]:
    for chunk, body in read_png_chunks(content):
        if chunk == b"eXIf":
            yield "exif", body
        elif chunk in (b"tEXt", b"zTXt", b"iTXt"):
            yield from _png_text(chunk, body)


def _png_text(chunk: bytes, body: bytes) -> Iterator[Note]:
    """Finds XMP as Adobe writes it, and EXIF or XMP in hexadecimal digits as ImageMagick does."""
    key, _, text = body.partition(b"\0")
    packed = chunk == b"zTXt"
    if chunk == b"iTXt":
        packed = text[:1] == b"\1"
        text = text[2:].split(b"\0", 2)[2]  # behind language and translated key
    elif packed:
        text = text[1:]
    if key == b"XML:com.adobe.xmp":
        yield "xmp", _unpacked(text) if packed else text
    elif key in (b"Raw profile type exif", b"Raw profile type APP1", b"Raw profile type xmp"):
        lines = (_unpacked(text) if packed else text).split(b"\n", 3)
        yield "xmp" if key.endswith(b"xmp") else "exif", bytes.fromhex(lines[3].decode("ascii"))


def _unpacked(text: bytes) -> bytes:
    return zlib.decompressobj().decompress(text, MAX_UNPACKED_BYTES)


def _in_webp(content: bytes) -> Iterator[Note]:
    for chunk, body in read_webp_chunks(content):
        if chunk == b"EXIF":
            yield "exif", body
        elif chunk == b"XMP ":
            yield "xmp", body


def _of_properties(content: bytes) -> Orientation:
    """Combines the quarter turns and mirrors of AVIF and HEIC, in their order. Their EXIF tells how
    the camera was held, and the standard asks readers to ignore it."""
    orientation = UPRIGHT
    for name, body in read_primary_properties(content):
        if name == b"irot":
            orientation = orientation.then(Orientation.from_quarter_turns(body[0] & 3))
        elif name == b"imir":
            left_right = bool(body[0] & 1)
            mirror = Orientation(mirrors_x=left_right, mirrors_y=not left_right)
            orientation = orientation.then(mirror)
    return orientation


_NOTES: dict[str, Callable[[bytes], Iterator[Note]]] = {
    "JPEG": _in_jpeg,
    "PNG": _in_png,
    "WebP": _in_webp,
}
