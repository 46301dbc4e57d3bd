"""How a picture file says that its picture is turned: EXIF, else XMP; in AVIF and HEIC their own
properties.

Decoders differ in which of these they find, so they are asked for the stored picture, and it is
turned by what is read here.
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
MOST_ENTRIES, MOST_PREFIXES = 4096, 3
MAX_UNPACKED_BYTES = 1 << 20  # of one text in a PNG
MOST_NOTES = 64  # of a picture; the others are not looked at
# EXIF's types that whole numbers come in; the standard asks for SHORT, writers differ.
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q"}
_IN_XMP = re.compile(rb"tiff:Orientation(?:\s*=\s*[\"']|>)\s*([1-8])")
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"

Note = tuple[str, bytes]  # ("exif" or "xmp", what stands there)


def find_orientation(content: bytes, kind: str) -> Orientation:
    """Find how the picture in `content`, of a `kind` as `picture_header` names it, is turned.
    Damaged or missing notes give an upright orientation.

    OpenCV turns TIFF itself, whose tag is part of the format.
    """
    in_xmp: int | None = None
    try:
        if kind in ("AVIF", "HEIC"):
            return _of_properties(content)
        if kind not in _NOTES:
            return UPRIGHT
        for name, body in islice(_NOTES[kind](content), MOST_NOTES):
            if name == "xmp":
                in_xmp = in_xmp or _xmp_number(body)
            elif (number := read_exif_number(body)) is not None:
                return Orientation.from_exif(number)
    except (struct.error, IndexError, ValueError, OverflowError, zlib.error):
        return UPRIGHT
    return Orientation.from_exif(in_xmp or 1)


def crop_to_shown(image: Image, content: bytes, kind: str) -> Image:
    """Cut `image`, as it is stored, to what AVIF and HEIC say is to be seen of it (`clap`):
    encoders widen small pictures to whole blocks."""
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
    """Read the tag Orientation from an EXIF block, with or without `Exif\\0\\0` in front. None
    where it has none, or none of 1..8."""
    for _ in range(MOST_PREFIXES):
        exif = exif.removeprefix(_EXIF)
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return None
    try:
        (at,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * min(entries, MOST_ENTRIES), 12):
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
    """XMP as Adobe puts it, and EXIF or XMP in hexadecimal digits, as ImageMagick does."""
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
    """The quarter turns and mirrors of AVIF and HEIC, in their order. Their EXIF says how the
    camera was held, not what is to be done: the standard has readers leave it alone."""
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
