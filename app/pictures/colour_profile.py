"""Reads the ICC profiles of RGB pictures, and converts their colours to sRGB.

Phones and cameras store photos in Display P3, Adobe RGB and the like. Their profiles have three
primaries and curves, which are understood here; tables of printers and scanners are not.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.types import Floats, Image

CODES = 1 << 16
MAX_SRGB_LEVELS = 2.0  # a profile that moves no colour by more is taken for sRGB
WHITE_TOLERANCE = 0.05  # of the sum of the primaries against white; beyond it the profile is wrong
D50 = np.array([0.9642, 1.0, 0.8249])
# From light in sRGB to CIE XYZ at D50, as profiles have it (IEC 61966-2-1, Bradford).
SRGB_TO_XYZ = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
# ICC's kinds of formula: how many numbers each has.
_PARAMETERS = (1, 3, 4, 5, 7)


@dataclass(frozen=True, slots=True, eq=False)
class ColourProfile:
    """The colours of an ICC profile.

    `curves`, float32 (3, CODES), are the light 0..1 of each code of red, green and blue. `matrix`,
    float32 (3, 3), leads from light in the profile's RGB to light in BGR of sRGB.
    """

    curves: Floats
    matrix: Floats

    def to_bgr(self, codes: NDArray[np.uint16]) -> Image:
        """Converts a picture.

        Args:
            codes: uint16 (H, W, 3) RGB over the whole range.

        Returns:
            uint8 (H, W, 3) BGR of sRGB.
        """
        light = np.dstack([cv2.LUT(codes[..., k], self.curves[k]) for k in range(3)])
        plain = np.clip(cv2.transform(light, self.matrix), 0, 1)
        # The root has as many steps in the dark as codes have.
        steps = np.rint(np.sqrt(plain) * np.float32(CODES - 1)).astype(np.uint16)
        return np.asarray(cv2.LUT(steps, _SHOWN), np.uint8)

    def is_srgb(self) -> bool:
        """Tells whether the profile moves no colour by more than `MAX_SRGB_LEVELS` of 255."""
        levels = np.linspace(0, 255, 9).round().astype(np.uint8)
        grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 9, 3)
        moved = self.to_bgr(grid.astype(np.uint16) * 257)[..., ::-1].astype(int) - grid
        return bool(np.abs(moved).max() <= MAX_SRGB_LEVELS)


@lru_cache(8)
def read_profile(icc: bytes) -> ColourProfile | None:
    """Reads an ICC profile. None where the profile is that of sRGB, is of a kind that is not
    understood, or is damaged."""
    try:
        with np.errstate(all="ignore"):  # infinite and missing numbers are refused later
            profile = _read(icc)
    except (struct.error, IndexError, ValueError, OverflowError):
        return None
    return None if profile is None or profile.is_srgb() else profile


def _read(icc: bytes) -> ColourProfile | None:
    if icc[16:20] != b"RGB " or icc[20:24] != b"XYZ " or icc[36:40] != b"acsp":
        return None
    (count,) = struct.unpack_from(">I", icc, 128)
    tags: dict[bytes, bytes] = {}
    for at in range(132, 132 + 12 * min(count, 200), 12):
        name, begin, size = struct.unpack_from(">4sII", icc, at)
        tags[name] = icc[begin : begin + size]
    names = [b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"]
    if not all(name in tags for name in names):
        return None
    to_xyz = np.stack([_numbers(tags[name], 8, 3) for name in names[:3]], axis=1)
    if np.abs(to_xyz.sum(axis=1) - D50).max() > WHITE_TOLERANCE:
        return None
    curves = np.stack([_curve(tags[name]) for name in names[3:]])
    matrix = np.linalg.solve(SRGB_TO_XYZ, to_xyz)[::-1]
    return ColourProfile(curves.astype(np.float32), np.ascontiguousarray(matrix, np.float32))


def _numbers(body: bytes, at: int, count: int) -> NDArray[np.float64]:
    """Reads numbers of ICC's s15Fixed16."""
    return np.array(struct.unpack_from(f">{count}i", body, at)) / 65536


def _curve(body: bytes) -> NDArray[np.float64]:
    """Reads a curve as the light of each code, (CODES,). Raises `ValueError` for another tag."""
    code = np.linspace(0, 1, CODES)
    if body.startswith(b"curv"):
        (count,) = struct.unpack_from(">I", body, 8)
        if count == 0:
            return code
        values = np.frombuffer(body, ">u2", min(count, CODES), 12)
        if count == 1:
            light = code ** (float(values[0]) / 256)
        else:
            light = np.interp(code, np.linspace(0, 1, len(values)), values / 65535)
    elif body.startswith(b"para"):
        (kind,) = struct.unpack_from(">H", body, 8)
        light = _formula(kind, _numbers(body, 12, _PARAMETERS[kind]), code)
    else:
        raise ValueError(f"an unknown kind of curve: {body[:4]!r}")
    if not np.isfinite(light).all() or light[-1] - light[0] < 0.5:
        raise ValueError(f"a curve that does not rise: it ends at {light[-1]}")
    return np.clip(light, 0, 1)


def _formula(
    kind: int, numbers: NDArray[np.float64], code: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Computes one of ICC's formulas 0 to 4 for `code` 0..1."""
    g, a, b, c, d, e, f = np.pad(numbers, (0, 7 - len(numbers))).tolist()
    if kind == 0:
        return np.asarray(code**g)
    powered = np.maximum(a * code + b, 0) ** g
    if kind == 1:  # (aX + b)^g from -b / a on
        return np.asarray(np.where(a * code + b >= 0, powered, 0))
    if kind == 2:
        return np.asarray(np.where(a * code + b >= 0, powered + c, c))
    below = c * code + (f if kind == 4 else 0)
    return np.asarray(np.where(code >= d, powered + (e if kind == 4 else 0), below))


def _shown() -> Image:
    """Gives the code of sRGB, uint8 (CODES,), for each root of light."""
    light = np.linspace(0, 1, CODES) ** 2
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * code), np.uint8)


_SHOWN = _shown()
