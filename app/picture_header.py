"""What kind of picture some bytes are and how large it will be, read from the header alone.

A file of a kilobyte can announce gigabytes of pixels; this is known before anything is decoded.
Only the kinds named here are given to a decoder at all.
"""

import struct

# Between two of these marks a JPEG has no header of a scan: parameters, not pixels.
_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG marks without a length
_SHORT, _LONG, _LONG8 = 3, 4, 16  # TIFF's kinds of whole numbers
# Decoders make room for what a part of a PNG announces; a file that was cut may lack this much.
MAX_MISSING_BYTES = 64 << 20


def header_size_wh(content: bytes) -> tuple[int, int] | None:
    """(width, height) px that the header announces, before any turning; None when `content` is no
    BMP, GIF, JPEG, PNG, PNM, TIFF, WebP or AVIF, or too damaged to say."""
    try:
        for begins, read in _KINDS:
            if content.startswith(begins):
                return read(content)
        if content[4:8] == b"ftyp":
            return _avif(content)
    except (struct.error, IndexError, ValueError):
        pass
    return None


def jpeg_scans(content: bytes) -> int:
    """How often a decoder has to go over the whole picture of a JPEG; at most this."""
    return content.count(b"\xff\xda") if content.startswith(b"\xff\xd8") else 1


def _png(content: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from(">II", content, 16)
    at = 8
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        at += 12 + length
        if at - len(content) > MAX_MISSING_BYTES:
            return None
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
        elif mark in (0xD9, 0xDA):
            return None  # pixels, or the end, before a size was said
        else:
            at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))


def _webp(content: bytes) -> tuple[int, int] | None:
    kind = content[12:16]
    if content[8:12] != b"WEBP":
        return None
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


def _avif(content: bytes) -> tuple[int, int] | None:
    """The largest of the sizes that its properties give; parts of a picture have their own."""
    if content[8:12] not in (b"avif", b"avis", b"mif1", b"msf1", b"miaf"):
        return None
    sizes = []
    at = content.find(b"ispe")
    while at >= 0:
        sizes.append(struct.unpack_from(">II", content, at + 8))
        at = content.find(b"ispe", at + 4)
    return max(sizes, key=lambda wh: wh[0] * wh[1], default=None)


_KINDS = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8\xff", _jpeg),
    (b"BM", _bmp),
    (b"GIF8", _gif),
    (b"RIFF", _webp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
    (b"II+\0", _tiff),
    (b"MM\0+", _tiff),
    *((b"P%d" % kind, _pnm) for kind in range(1, 7)),
)
