"""ICC profiles of wide colour spaces, and what LittleCMS makes of them."""

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageCms

# The primaries' CIE XYZ at D50, as makers' profiles have them.
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
WIDE = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def pack_fixed(*numbers: float) -> bytes:
    """Packs numbers as ICC stores them, in 16.16 fixed point."""
    return struct.pack(f">{len(numbers)}i", *(round(65536 * number) for number in numbers))


SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + pack_fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
GAMMA_22 = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(2.19921875 * 256))
TABLE_18 = b"curv\0\0\0\0" + struct.pack(
    ">I256H", 256, *(65535 * (np.arange(256) / 255) ** 1.8).astype(int)
)
POWER_18 = b"para\0\0\0\0\0\0\0\0" + pack_fixed(1.8)
LINEAR = b"curv" + bytes(8)


def make_profile(primaries: Sequence[Sequence[float]], curve: bytes) -> bytes:
    """Makes an ICC profile of version 2 with three primaries and one curve."""
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {
        b"desc": text,
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": pack_xyz(0.9642, 1, 0.8249),
    }
    for name, three in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True):
        tags[name] = pack_xyz(*three)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, data = b"", b""
    begin = 132 + 12 * len(tags)
    for name, body in tags.items():
        table += struct.pack(">4sII", name, begin + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = bytes(4) + b"test" + b"\x04\x20\0\0" + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += pack_fixed(0.9642, 1, 0.8249) + bytes(48)
    body = head + struct.pack(">I", len(tags)) + table + data
    return struct.pack(">I", len(body)) + body[4:]


def pack_xyz(*three: float) -> bytes:
    """Packs a tag of one CIE XYZ colour."""
    return b"XYZ " + bytes(4) + pack_fixed(*three)


PROFILES = {
    "Display P3": make_profile(P3, SRGB_CURVE),
    "Adobe RGB": make_profile(ADOBE, GAMMA_22),
    "wide, a table": make_profile(WIDE, TABLE_18),
    "wide, a power": make_profile(WIDE, POWER_18),
    "light": make_profile(SRGB, LINEAR),
}


def convert_by_littlecms(rgb: np.ndarray, icc: bytes) -> np.ndarray:
    """Converts a picture, uint8 (H, W, 3), from a profile to sRGB with LittleCMS."""
    made = ImageCms.profileToProfile(
        Image.fromarray(rgb),
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    return np.asarray(made)
