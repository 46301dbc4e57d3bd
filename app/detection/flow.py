"""Moves a face with the picture between two looks of a live stream, by phase correlation.

Two small grey pictures of one place, taken a few frames apart, differ mostly by a shift where a
head moves. The phase of their spectra gives this shift, to a fraction of a pixel (Kuglin and Hines,
"The Phase Correlation Image Alignment Method", 1975), in a tenth of the time of a look.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.types import Face, Floats, Image

PATCH_SIDE_PX = 64  # of the small pictures
REACH = 1.2  # side of the place that they show, in sides of the box
MAX_INSET = 0.25  # of the place's side, by which it may be moved into the frame
MIN_RESPONSE = 0.15  # share of the spectrum's power in one peak, below which nothing is known
MAX_SHIFT = 0.2  # of the patch's side; a larger shift is none
# Mean difference of grey levels of the face at two times, after the shift, that tells of a change.
CHANGED_GREY = 12.0


@dataclass(frozen=True, slots=True)
class Patch:
    """A small grey picture of a square place: `grey (64, 64)` float32, the place's left top corner
    and side in px."""

    grey: Floats
    left: int
    top: int
    side_px: int


@dataclass(frozen=True, slots=True)
class Shift:
    """The way `x`, `y` in px from one patch to another, and whether the face changed meanwhile."""

    x: float
    y: float
    has_changed: bool


def cut_patch(image: Image, face: Face, moved_xy: tuple[float, float] = (0.0, 0.0)) -> Patch | None:
    """Cuts the patch of a face out of a frame.

    Args:
        image: uint8 (H, W, 3) BGR.
        face: The face.
        moved_xy: The way (x, y) in px that the face has moved since.

    Returns:
        The patch, whose place is moved into the frame where the face is at an edge; None where the
        face is hardly in the frame, or the frame is too small.

    >>> face = Face((20, 20, 60, 60), np.zeros((6, 2), np.float32), 0.9)
    >>> patch = cut_patch(np.full((80, 80, 3), 90, np.uint8), face)
    >>> patch.left, patch.top, patch.side_px, float(patch.grey.mean())
    (16, 16, 48, 90.0)
    """
    x0, y0, x1, y1 = face.box_xyxy
    side = max(8, round(REACH * max(x1 - x0, y1 - y0)))
    height, width = image.shape[:2]
    x, y = (x0 + x1 - side) / 2 + moved_xy[0], (y0 + y1 - side) / 2 + moved_xy[1]
    left, top = max(0, min(round(x), width - side)), max(0, min(round(y), height - side))
    if side > min(width, height) or max(abs(left - x), abs(top - y)) > MAX_INSET * side:
        return None
    step = max(1, side // PATCH_SIDE_PX)
    green = np.ascontiguousarray(image[top : top + side : step, left : left + side : step, 1])
    small = cv2.resize(green, (PATCH_SIDE_PX, PATCH_SIDE_PX), interpolation=cv2.INTER_LINEAR)
    grey = cv2.blur(small, (3, 3))  # against the camera's noise
    return Patch(grey.astype(np.float32), left, top, side)


def measure_shift(before: Patch, after: Patch) -> Shift | None:
    """Measures the way of a face from one patch to another of the same side.

    Returns:
        The shift; None where the patches have too little in common, or another side.

    >>> dots = np.random.default_rng(0).uniform(0, 255, (64, 64)).astype(np.float32)
    >>> one = Patch(cv2.GaussianBlur(dots, None, 2), 10, 10, 128)
    >>> shift = measure_shift(one, Patch(np.roll(one.grey, 3, axis=1), 11, 10, 128))
    >>> 5 < shift.x < 8, abs(shift.y) < 1, shift.has_changed
    (True, True, False)
    """
    if before.side_px != after.side_px:
        return None
    (x, y), response = cv2.phaseCorrelate(before.grey, after.grey, _make_window())
    if response < MIN_RESPONSE or max(abs(x), abs(y)) > MAX_SHIFT * PATCH_SIDE_PX:
        return None
    back = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    aligned = cv2.warpAffine(
        after.grey,
        back,
        (PATCH_SIDE_PX, PATCH_SIDE_PX),
        flags=flags,
        borderMode=cv2.BORDER_REPLICATE,
    )
    edge = PATCH_SIDE_PX // 5  # the middle is the face itself
    change = (aligned - before.grey)[edge:-edge, edge:-edge]
    scale = before.side_px / PATCH_SIDE_PX
    return Shift(
        after.left - before.left + x * scale,
        after.top - before.top + y * scale,
        float(np.abs(change - change.mean()).mean()) > CHANGED_GREY,
    )


@cache
def _make_window() -> NDArray[np.float32]:
    """Makes the window that fades the patch out towards its edges."""
    return cv2.createHanningWindow((PATCH_SIDE_PX, PATCH_SIDE_PX), cv2.CV_32F).astype(np.float32)
