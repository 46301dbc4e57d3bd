"""Draws the dark grounds under texts, and filled rectangles, with rounded corners."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.overlay.text import Colour
from app.placement.rects import Rect
from app.types import Image

GROUND_SHARE = 0.68  # of the brightness that a ground under texts takes away
CORNER_FINE = 8  # corners are drawn this many times larger and then averaged down


def darken_rect(canvas: Image, rect: Rect, *, radius: int = 0) -> None:
    """Darkens a rectangle of the canvas, in place. The part outside the canvas is left out.

    Args:
        canvas: uint8 `(H, W, 3)` BGR.
        rect: The rectangle, px.
        radius: The radius of its corners, px.

    >>> canvas = np.full((4, 4, 3), 100, np.uint8)
    >>> darken_rect(canvas, Rect(2, 0, 9, 4))
    >>> canvas[0, :, 0].tolist()
    [100, 100, 32, 32]
    """
    _on_rounded(canvas, rect, radius, _darken)


def fill_rect(canvas: Image, rect: Rect, colour: Colour, *, radius: int = 0) -> None:
    """Fills a rectangle of the canvas, in place. The part outside the canvas is left out.

    Args:
        canvas: uint8 `(H, W, 3)` BGR.
        rect: The rectangle, px.
        colour: The colour, BGR.
        radius: The radius of the corners, px.

    >>> canvas = np.zeros((1, 3, 3), np.uint8)
    >>> fill_rect(canvas, Rect(1, 0, 1, 1), (1, 2, 3))
    >>> canvas[0].tolist()
    [[0, 0, 0], [1, 2, 3], [0, 0, 0]]
    """

    def paint(part: Image) -> None:
        end = part.shape[1] - 1, part.shape[0] - 1
        cv2.rectangle(part, (0, 0), end, colour, cv2.FILLED)  # numpy takes ten times as long

    _on_rounded(canvas, rect, radius, paint)


def _darken(part: Image) -> None:
    cv2.convertScaleAbs(part, dst=part, alpha=1 - GROUND_SHARE)


@lru_cache(32)
def _quarter(radius: int) -> NDArray[np.float32]:
    """Returns the share of each pixel that lies inside the rounded top left corner, float32
    `(r, r, 1)`."""
    large = CORNER_FINE * radius
    sheet = np.zeros((large, large), np.uint8)
    cv2.circle(sheet, (large, large), large, 255, cv2.FILLED)
    small = cv2.resize(sheet, (radius, radius), interpolation=cv2.INTER_AREA)
    return np.asarray(small[..., None] / 255, np.float32)


def _on_rounded(canvas: Image, rect: Rect, radius: int, paint: Callable[[Image], None]) -> None:
    """Calls `paint` with the part of the canvas, then puts back the pixels outside its rounded
    corners. A rectangle that is cut by the canvas has no rounded corners."""
    height, width = canvas.shape[:2]
    x0, y0 = max(0, rect.x), max(0, rect.y)
    x1, y1 = min(width, rect.right), min(height, rect.bottom)
    if x0 >= x1 or y0 >= y1:
        return
    part = canvas[y0:y1, x0:x1]
    radius = min(radius, part.shape[0] // 2, part.shape[1] // 2)
    if not radius or (x1 - x0, y1 - y0) != (rect.width, rect.height):
        paint(part)
        return
    near, far = slice(0, radius), slice(-radius, None)
    places = [(near, near), (near, far), (far, near), (far, far)]
    before = np.stack([part[place] for place in places]).astype(np.float32)
    paint(part)
    after = np.stack([part[place] for place in places])
    mixed = (before + _corners(radius) * (after - before) + 0.5).astype(np.uint8)
    for place, corner in zip(places, mixed, strict=True):
        part[place] = corner


@lru_cache(32)
def _corners(radius: int) -> NDArray[np.float32]:
    """Returns the same as `_quarter` for all corners, float32 `(4, r, r, 1)`: top left, top right,
    bottom left, bottom right."""
    inside = _quarter(radius)
    return np.stack([inside, inside[:, ::-1], inside[::-1], inside[::-1, ::-1]])
