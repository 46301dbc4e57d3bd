"""Converts HDR video (HLG and PQ of BT.2100) and wide colour spaces to BT.709.

Newer phones film in such colours. Taken for BT.709, their pictures are dull and grey, and faces are
read wrongly. The conversion works on light: codes become light, wide primaries become those of
BT.709, and light becomes codes again. The brightest light is bent under the white of a plain screen
as in BT.2390.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from numpy.typing import NDArray

from app.types import Floats, Image

CODES = 1 << 16
BAND_PIXELS = 1 << 15  # converted at once: the arrays in between stay in the cache
SCREEN_GAMMA = 2.4  # of a plain screen, BT.1886
PEAK_NITS = 1000.0  # the brightest light that is told apart; HLG's nominal peak
# The light that becomes the white of a plain screen. Programs put white at 100 nits or, as in
# BT.2408, at 203; this is in between, so that the faces of both are neither dark nor washed out.
WHITE_NITS = 140.0
# BT.2100: HLG's inverse OETF and system gamma.
HLG_A = 0.17883277
HLG_B = 0.28466892
HLG_C = 0.55991073
HLG_GAMMA = 1.2
# BT.2100: PQ's EOTF.
PQ_M1 = 2610 / 16384
PQ_M2 = 128 * 2523 / 4096
PQ_C1 = 3424 / 4096
PQ_C2 = 32 * 2413 / 4096
PQ_C3 = 32 * 2392 / 4096
PQ_NITS = 10_000.0

TRANSFERS = {int(ColorTrc.SMPTE2084): "PQ", int(ColorTrc.ARIB_STD_B67): "HLG"}
# CIE x and y: of whites, and of red, green and blue (H.273).
D65 = (0.3127, 0.3290)
DCI_WHITE = (0.314, 0.351)
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
BT709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65)
PRIMARIES = {
    int(ColorPrimaries.BT2020): (
        "BT.2020",
        ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    ),
    int(ColorPrimaries.SMPTE431): ("DCI-P3", (*P3, DCI_WHITE)),
    int(ColorPrimaries.SMPTE432): ("Display P3", (*P3, D65)),
}


@dataclass(frozen=True, slots=True)
class WideColour:
    """Colours that a plain screen cannot show as they are.

    `transfer` is "PQ" or "HLG", or None for the curve of a plain screen; `primaries` is the number
    in H.273.
    """

    transfer: str | None
    primaries: int

    def __str__(self) -> str:
        name = PRIMARIES[self.primaries][0] if self.primaries in PRIMARIES else "BT.709 primaries"
        return f"{self.transfer}, {name}" if self.transfer else name

    @property
    def is_hdr(self) -> bool:
        """True for the curves of HDR, False for wide primaries alone."""
        return self.transfer is not None

    def to_bgr(self, codes: NDArray[np.uint16]) -> Image:
        """Converts a picture.

        Args:
            codes: uint16 (H, W, 3) RGB over the whole range.

        Returns:
            uint8 (H, W, 3) BGR of BT.709.
        """
        height, width = codes.shape[:2]
        made = np.empty((height, width, 3), np.uint8)
        rows = max(1, BAND_PIXELS // width)
        for top in range(0, height, rows):
            made[top : top + rows] = self._band(codes[top : top + rows])
        return made

    def _band(self, codes: NDArray[np.uint16]) -> Image:
        light = np.asarray(cv2.LUT(codes, _light(self.transfer)), np.float32)
        if self.transfer == "HLG":
            # The screen's own gamma: by the brightness of all three, so that hues stay.
            brightness = cv2.transform(light, _weights(self.primaries))
            light *= np.asarray(cv2.pow(brightness, HLG_GAMMA - 1))[..., np.newaxis]
        plain = np.maximum(cv2.transform(light, _to_bt709(self.primaries)), 0)
        # The root has as many steps in the dark as codes have.
        steps = np.minimum(np.sqrt(plain) * np.float32(CODES - 1), CODES - 1).astype(np.uint16)
        return np.asarray(cv2.LUT(steps, _shown(self.is_hdr)), np.uint8)


def find_wide_colour(frame: VideoFrame) -> WideColour | None:
    """Finds the wide colours that `frame` states; None where they are those of a plain screen."""
    return choose_wide_colour(frame.color_primaries, frame.color_trc)


def choose_wide_colour(primaries: int, transfer: int) -> WideColour | None:
    """Makes the colours of H.273's numbers of primaries and transfer; None where these are of a
    plain screen.

    >>> str(choose_wide_colour(9, 18)), choose_wide_colour(1, 1)
    ('HLG, BT.2020', None)
    """
    curve = TRANSFERS.get(transfer)
    if curve is None and primaries not in PRIMARIES:
        return None
    if curve is not None and primaries == ColorPrimaries.UNSPECIFIED:
        primaries = int(ColorPrimaries.BT2020)  # BT.2100 has no others
    return WideColour(curve, primaries)


@lru_cache
def _light(transfer: str | None) -> Floats:
    """Gives the light of each code, float32 (CODES,). 1 is `PEAK_NITS`, or without a transfer the
    screen's white."""
    code = np.linspace(0, 1, CODES)
    if transfer == "PQ":
        light = decode_pq(code) / PEAK_NITS
    elif transfer == "HLG":
        high = (np.exp((code - HLG_C) / HLG_A) + HLG_B) / 12
        light = np.where(code <= 0.5, code**2 / 3, high)
    else:
        light = code**SCREEN_GAMMA
    return np.minimum(light, 1).astype(np.float32)


@lru_cache
def _shown(hdr: bool) -> Image:
    """Gives the code of a plain screen, uint8 (CODES,), for each root of light."""
    light = np.linspace(0, 1, CODES) ** 2
    if hdr:
        light = roll_off(PEAK_NITS * light) / WHITE_NITS
    return np.rint(255 * np.clip(light, 0, 1) ** (1 / SCREEN_GAMMA)).astype(np.uint8)


def roll_off(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bends light under `WHITE_NITS` by the curve of ITU-R BT.2390 (EETF): in PQ's steps the lower
    part stays as it is, and a smooth knee takes in the rest.

    Args:
        nits: Light of up to `PEAK_NITS`, of any shape.

    Returns:
        Light of up to `WHITE_NITS`, of the same shape.

    >>> roll_off(np.array([1.0, PEAK_NITS])).round(2).tolist()
    [1.0, 140.0]
    """
    peak = encode_pq(np.array(PEAK_NITS))
    code, white = encode_pq(nits) / peak, float(encode_pq(np.array(WHITE_NITS)) / peak)
    knee = 1.5 * white - 0.5
    t = np.clip((code - knee) / (1 - knee), 0, 1)
    bent = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (3 * t**2 - 2 * t**3) * white
    )
    return decode_pq(np.where(code < knee, code, bent) * peak)


def decode_pq(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gives the light of PQ's codes (SMPTE ST 2084).

    Args:
        code: Codes 0..1, of any shape.

    Returns:
        Light in nits, 0 to 10,000, of the same shape.

    >>> decode_pq(np.array([0.0, 0.5, 1.0])).round(1).tolist()
    [0.0, 92.2, 10000.0]
    """
    root = code ** (1 / PQ_M2)
    nits: NDArray[np.float64] = PQ_NITS * (
        np.maximum(root - PQ_C1, 0) / (PQ_C2 - PQ_C3 * root)
    ) ** (1 / PQ_M1)
    return nits


def encode_pq(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gives PQ's codes of light (SMPTE ST 2084), the inverse of `decode_pq`.

    Args:
        nits: Light, 0 to 10,000, of any shape.

    Returns:
        Codes 0..1 of the same shape.

    >>> encode_pq(np.array([92.2])).round(2).tolist()
    [0.5]
    """
    power = (nits / PQ_NITS) ** PQ_M1
    code: NDArray[np.float64] = ((PQ_C1 + PQ_C2 * power) / (1 + PQ_C3 * power)) ** PQ_M2
    return code


@lru_cache
def _to_bt709(primaries: int) -> Floats:
    """Makes the matrix (3, 3) from light in RGB of `primaries` to light in BGR of BT.709."""
    known = PRIMARIES[primaries][1] if primaries in PRIMARIES else BT709
    matrix = np.linalg.solve(_to_xyz((*BT709[:3], known[3])), _to_xyz(known))
    return matrix[::-1].astype(np.float32)


@lru_cache
def _weights(primaries: int) -> Floats:
    """Gives the share of each colour in the brightness, (1, 3)."""
    known = PRIMARIES[primaries][1] if primaries in PRIMARIES else BT709
    return _to_xyz(known)[1:2].astype(np.float32)


def _to_xyz(chromaticities: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Makes the matrix (3, 3) from light in RGB to CIE XYZ, with Y of 1 for white. `chromaticities`
    are the CIE (x, y) of red, green, blue and white."""
    columns = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in chromaticities]
    colours, white = np.stack(columns[:3], axis=1), columns[3]
    matrix: NDArray[np.float64] = colours * np.linalg.solve(colours, white)
    return matrix
