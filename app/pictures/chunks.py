"""Reads the parts that picture files are made of, one after the other."""

import struct
from collections.abc import Iterator

JPEG_SCAN = 0xDA  # the mark in front of the pixels
JPEG_END = 0xD9


def read_jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields (mark, body) of the segments of a JPEG in front of its pixels, up to damaged bytes."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        mark = content[at + 1]
        if mark == 0xFF:  # padding
            at += 1
            continue
        if mark in (JPEG_SCAN, JPEG_END):
            return
        length = max(2, int.from_bytes(content[at + 2 : at + 4], "big"))
        yield mark, content[at + 4 : at + 2 + length]
        at += 2 + length


def read_png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields (kind, body) of the chunks of a PNG, up to the end of its picture."""
    at = 8
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        if kind == b"IEND":
            return
        yield kind, content[at + 8 : at + 8 + length]
        at += 12 + length


def read_webp_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields (kind, body) of the chunks of a WebP."""
    at = 12
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        yield kind, content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
