"""Letters on pictures: how large, on what ground, in which colours.

The letters are OpenCV's own: Latin, Cyrillic, Greek, Chinese, Japanese and Korean ones. It shows
other scripts as question marks, and those that are written from the right in the wrong order.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from app.types import Image

Colour = tuple[int, int, int]  # B, G, R

WHITE: Colour = (255, 255, 255)
SOFT_WHITE: Colour = (205, 205, 205)
BLACK: Colour = (0, 0, 0)
GROUND_SHARE = 0.68  # how dark the ground under texts and bars is
MIN_TEXT_PX = 12
LEAST_PX = 9  # where there is no room for more


class Rect(NamedTuple):
    """`x`, `y`: top left, px."""

    x: int
    y: int
    width: int
    height: int

    def inside(self, width: int, height: int) -> "Rect":
        """Moved, not cut, into a picture; one that is too large starts at its top left."""
        return self._replace(
            x=max(0, min(self.x, width - self.width)),
            y=max(0, min(self.y, height - self.height)),
        )


def text_px(width: int, height: int) -> int:
    """The size of text that reads as well in a large picture as in a small one."""
    return max(MIN_TEXT_PX, round(0.03 * min(height, 0.75 * width)))


@cache
def font() -> cv2.FontFace:
    return cv2.FontFace("sans")  # comes with OpenCV; it has letters of most scripts


@lru_cache(4096)
def text_width(text: str, size: int, weight: int) -> int:
    """Pixels that the text advances, so that a space at its end counts, too."""
    end, _ = cv2.putText(np.zeros((1, 1, 3), np.uint8), text, (0, 0), WHITE, font(), size, weight)
    return int(end[0])


def fitted(text: str, size: int, weight: int, room_px: Callable[[int], int]) -> tuple[str, int]:
    """The text, and the largest size up to `size` at which it fits into `room_px(size)`; cut where
    even the least one does not."""
    while size > LEAST_PX and text_width(text, size, weight) > room_px(size):
        size -= 1
    whole = text
    while len(text) > 1 and text_width(text, size, weight) > room_px(size):
        whole = whole[:-1]
        text = f"{whole}…"
    return text, size


def put_text(
    canvas: Image,
    text: str,
    xy: tuple[int, int],
    size: int,
    *,
    weight: int = 600,
    colour: Colour = WHITE,
) -> None:
    """`xy`: the left end of the line that the letters stand on."""
    cv2.putText(canvas, text, xy, colour, font(), size, weight)


@lru_cache(256)
def _stamp(text: str, size: int, weight: int, colour: Colour) -> tuple[Image, Image, int, int]:
    """(what the letters leave of the ground, of 255; their own light; where their top left lies
    from the left end of their line)."""
    reach = 2 * size
    shape = 2 * reach, text_width(text, size, weight) + 2 * reach, 3
    cover, light = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    put_text(cover, text, (reach, reach), size, weight=weight)
    put_text(light, text, (reach, reach), size, weight=weight, colour=colour)
    x, y, width, height = cv2.boundingRect(cover[..., 0])
    part = slice(y, y + height), slice(x, x + width)
    return 255 - cover[part], light[part].copy(), x - reach, y - reach


def stamp_text(
    canvas: Image,
    text: str,
    xy: tuple[int, int],
    size: int,
    *,
    weight: int = 600,
    colour: Colour = WHITE,
) -> None:
    """As `put_text` within a grey level, and several times as fast for texts that come again and
    again."""
    ground, light, left, top = _stamp(text, size, weight, colour)
    x, y = xy[0] + left, xy[1] + top
    height, width = light.shape[:2]
    if x < 0 or y < 0 or x + width > canvas.shape[1] or y + height > canvas.shape[0]:
        put_text(canvas, text, xy, size, weight=weight, colour=colour)
    elif width:
        part = canvas[y : y + height, x : x + width]
        cv2.multiply(part, ground, dst=part, scale=1 / 255)
        cv2.add(part, light, dst=part)


def darken(canvas: Image, rect: Rect) -> None:
    """Darkens a rectangle, as far as it lies in the picture."""
    height, width = canvas.shape[:2]
    x0, y0 = max(0, rect.x), max(0, rect.y)
    x1, y1 = min(width, rect.x + rect.width), min(height, rect.y + rect.height)
    if x0 < x1 and y0 < y1:
        part = canvas[y0:y1, x0:x1]
        cv2.convertScaleAbs(part, dst=part, alpha=1 - GROUND_SHARE)
