"""Gathers texts and bars that lie beside one another, and lays them on a picture at once.

Each pixel keeps a share of itself and gets something added, as a letter's edge does. One pass over
a panel costs less than some twenty passes over its parts.
"""

import cv2
import numpy as np

from app.overlay.text import Colour, lay_on, make_text_stamp
from app.types import Image

WHOLE = 255  # of a pixel that is kept as it is


class Stamp:
    """Collects what is laid on a rectangle of a picture. Where two letters overlap, the pixels are
    those of the stronger one; a bar covers the track that it lies on.

    Args:
        width: The width in px.
        height: The height in px.

    >>> stamp = Stamp(4, 1)
    >>> stamp.lighten((0, 0, 3, 1), 10)
    >>> stamp.fill((1, 0, 1, 1), (7, 8, 9))
    >>> canvas = np.full((1, 4, 3), 100, np.uint8)
    >>> stamp.lay_on(canvas, (0, 0))
    >>> canvas[0, :, 0].tolist()
    [110, 7, 110, 100]
    """

    def __init__(self, width: int, height: int) -> None:
        self._keep = np.full((height, width, 3), WHOLE, np.uint8)
        self._add = np.zeros((height, width, 3), np.uint8)

    def fill(self, xywh: tuple[int, int, int, int], colour: Colour) -> None:
        """Fills a rectangle (x, y, width, height in px) with a colour, BGR."""
        x, y, width, height = xywh
        if width > 0 and height > 0:
            end = x + width - 1, y + height - 1
            cv2.rectangle(self._keep, (x, y), end, (0, 0, 0), cv2.FILLED)
            cv2.rectangle(self._add, (x, y), end, colour, cv2.FILLED)

    def lighten(self, xywh: tuple[int, int, int, int], light: int) -> None:
        """Makes a rectangle (x, y, width, height in px) brighter by `light` of 255."""
        x, y, width, height = xywh
        if width > 0 and height > 0:
            end = x + width - 1, y + height - 1
            cv2.rectangle(self._add, (x, y), end, (light, light, light), cv2.FILLED)

    def put_text(
        self, text: str, xy: tuple[int, int], size: int, *, weight: int, colour: Colour
    ) -> None:
        """Adds a text. Takes what `app.overlay.text.put_text` takes."""
        keep, add, left, top = make_text_stamp(text, size, weight, colour)
        height, width = self._keep.shape[:2]
        x, y = xy[0] + left, xy[1] + top
        x0, y0 = max(0, x), max(0, y)
        x1, y1 = min(width, x + keep.shape[1]), min(height, y + keep.shape[0])
        if x0 < x1 and y0 < y1:
            cut = slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)
            here = self._keep[y0:y1, x0:x1], self._add[y0:y1, x0:x1]
            cv2.min(here[0], keep[cut], dst=here[0])
            cv2.max(here[1], add[cut], dst=here[1])

    def lay_on(self, canvas: Image, xy: tuple[int, int]) -> None:
        """Lays the stamp on a canvas, uint8 `(H, W, 3)` BGR, in place. Parts outside the canvas are
        left out. `xy` is the place of its top left corner, px."""
        lay_on(canvas, self._keep, self._add, xy)
