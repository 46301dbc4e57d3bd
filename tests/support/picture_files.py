"""Pieces of picture files: an EXIF block and a PNG chunk."""

import struct
import zlib


def add_exif_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Adds an EXIF block, which says only the orientation, to a JPEG."""
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + bytes(7)
    exif = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


def make_png_chunk(kind: bytes, body: bytes) -> bytes:
    """Makes a PNG chunk with its length and its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
