"""Draws letters on pictures, and the dark grounds under them.

The letters are OpenCV's own: Latin, Greek, Cyrillic, Chinese, Japanese and Korean ones. What it has
no letters for is shown as a question mark. Everything here may be called from several threads.
"""

import threading
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.placement.rects import Rect
from app.types import Image

Colour = tuple[int, int, int]  # B, G, R

WHITE: Colour = (255, 255, 255)
SOFT_WHITE: Colour = (225, 225, 225)
BLACK: Colour = (0, 0, 0)
GROUND_SHARE = 0.68  # how dark the ground under texts and bars is
MIN_TEXT_PX = 12
LEAST_PX = 9  # where there is no room for more
MAX_LETTERS = 160  # of one line of text; longer ones are cut
UNKNOWN = "?"

# The scripts that there are letters for: first and last code point.
SCRIPTS = (
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x024F),  # Latin
    (0x0370, 0x03FF),  # Greek
    (0x0400, 0x052F),  # Cyrillic
    (0x1E00, 0x1EFF),  # Latin, Vietnamese
    (0x2010, 0x2027),  # dashes, quotes, dots
    (0x2030, 0x205E),
    (0x20A0, 0x20BF),  # currencies
    (0x3000, 0x30FF),  # Chinese and Japanese punctuation, Hiragana, Katakana
    (0x3130, 0x318F),  # Korean letters
    (0x4E00, 0x9FFF),  # Chinese and Japanese
    (0xAC00, 0xD7A3),  # Korean syllables
    (0xFF01, 0xFFEE),  # wide and narrow forms
)
# OpenCV's zero has a stroke through it; ours is its capital O, as narrow as a digit.
ZERO_WIDTH_SHARE = 0.87  # of the O's width
FINE = 4  # how much larger it is drawn before it is averaged down

# A font object takes on the size and weight of each text that is drawn with it: one at a time.
_lock = threading.Lock()


def choose_text_px(width: int, height: int) -> int:
    """Returns the size of text that reads as well in a large picture as in a small one."""
    return max(MIN_TEXT_PX, round(0.03 * min(height, 0.75 * width)))


@lru_cache(4096)
def replace_undrawable(text: str) -> str:
    """Returns a text of bounded length in letters that there are; `UNKNOWN` for all others."""
    composed = unicodedata.normalize("NFC", text)
    letters = [
        letter
        if letter.isprintable() and any(low <= ord(letter) <= high for low, high in SCRIPTS)
        else UNKNOWN
        for letter in composed[: MAX_LETTERS + 1]
        if unicodedata.category(letter) not in ("Mn", "Me", "Cf")
    ]
    if len(composed) > MAX_LETTERS:
        letters[MAX_LETTERS - 1 :] = "…"
    return "".join(letters)


@cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")  # comes with OpenCV; it has letters of most scripts


def _advance(canvas: Image, text: str, xy: tuple[int, int], size: int, weight: int) -> int:
    """Draws in white, and returns where the next letter would stand."""
    with _lock:
        end, _ = cv2.putText(canvas, text, xy, WHITE, _font(), size, weight)
    return int(end[0])


@lru_cache(4096)
def measure_text(text: str, size: int, weight: int) -> int:
    """Returns the pixels that a text advances, so that a space at its end counts, too."""
    return _advance(np.zeros((1, 1, 3), np.uint8), replace_undrawable(text), (0, 0), size, weight)


def fit_text(text: str, size: int, weight: int, room_px: Callable[[int], int]) -> tuple[str, int]:
    """Returns the text and the largest size up to `size` at which it fits into `room_px(size)`; cut
    where even the least size does not."""
    text = replace_undrawable(text)
    while size > LEAST_PX and measure_text(text, size, weight) > room_px(size):
        size -= 1
    return shorten_text(text, size, weight, room_px(size)), size


@lru_cache(1024)
def shorten_text(text: str, size: int, weight: int, room_px: int) -> str:
    """Returns the text, or as much of its beginning as fits with "…" behind it."""
    text = whole = replace_undrawable(text)
    while len(whole) > 1 and measure_text(text, size, weight) > room_px:
        whole = whole[:-1]
        text = f"{whole.rstrip()}…"
    return text


@lru_cache(512)
def _mask(text: str, size: int, weight: int) -> tuple[NDArray[np.uint8], int, int]:
    """Returns how much of each pixel the letters cover `(h, w)`, of 255, and where the top left
    lies from the left end of the line that they stand on."""
    reach = 2 * size
    sheet = np.zeros((2 * reach, measure_text(text, size, weight) + 2 * reach, 3), np.uint8)
    x = reach
    for number, part in enumerate(text.split("0")):
        if number:
            _draw_zero(sheet, (x, reach), size, weight)
            x += measure_text("0", size, weight)
        if part:
            x = _advance(sheet, part, (x, reach), size, weight)
    cover = sheet[..., 0]
    x, y, width, height = cv2.boundingRect(cover)
    return cover[y : y + height, x : x + width].copy(), x - reach, y - reach


def _draw_zero(sheet: Image, xy: tuple[int, int], size: int, weight: int) -> None:
    """Draws a zero without a stroke, in white on black."""
    letter = _fine_o(size, weight)
    height, width = letter.shape
    x = xy[0] + round((measure_text("0", size, weight) - width) / 2)
    y = xy[1] - round(0.98 * height)
    part = sheet[y : y + height, x : x + width]
    np.maximum(part, letter[..., None], out=part)


@lru_cache(64)
def _fine_o(size: int, weight: int) -> NDArray[np.uint8]:
    large = FINE * size
    sheet = np.zeros((2 * large, 2 * large, 3), np.uint8)
    _advance(sheet, "O", (large // 2, round(1.5 * large)), large, weight)
    x, y, width, height = cv2.boundingRect(sheet[..., 0])
    narrow = max(1, round(ZERO_WIDTH_SHARE * width / FINE)), max(1, round(height / FINE))
    ink = sheet[y : y + height, x : x + width, 0]
    return np.asarray(cv2.resize(ink, narrow, interpolation=cv2.INTER_AREA), np.uint8)


def put_text(
    canvas: Image,
    text: str,
    xy: tuple[int, int],
    size: int,
    *,
    weight: int = 600,
    colour: Colour = WHITE,
) -> None:
    """Draws a text. `xy`: the left end of the line that the letters stand on, px."""
    mask, left, top = _mask(replace_undrawable(text), size, weight)
    height, width = canvas.shape[:2]
    x, y = xy[0] + left, xy[1] + top
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(width, x + mask.shape[1]), min(height, y + mask.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    mask = mask[y0 - y : y1 - y, x0 - x : x1 - x]
    part = canvas[y0:y1, x0:x1]
    cover = cv2.merge([mask, mask, mask])
    cv2.multiply(part, cv2.bitwise_not(cover), dst=part, scale=1 / 255)
    if colour != WHITE:
        cover = cv2.merge([cv2.convertScaleAbs(mask, alpha=value / 255) for value in colour])
    cv2.add(part, cover, dst=part)


def darken_rect(canvas: Image, rect: Rect, *, radius: int = 0) -> None:
    """Darkens a rectangle, as far as it lies in the picture, with rounded corners."""
    _on_rounded(canvas, rect, radius, _darken)


def fill_rect(canvas: Image, rect: Rect, colour: Colour, *, radius: int = 0) -> None:
    """Fills a rectangle, as far as it lies in the picture, with rounded corners."""

    def paint(part: Image) -> None:
        part[:] = colour

    _on_rounded(canvas, rect, radius, paint)


def _darken(part: Image) -> None:
    cv2.convertScaleAbs(part, dst=part, alpha=1 - GROUND_SHARE)


@lru_cache(32)
def _quarter(radius: int) -> NDArray[np.float32]:
    """Returns how much of each pixel of a rounded corner's square lies inside `(r, r, 1)`; of the
    top left one."""
    sheet = np.zeros((8 * radius, 8 * radius), np.uint8)
    cv2.circle(sheet, (8 * radius, 8 * radius), 8 * radius, 255, cv2.FILLED)
    small = cv2.resize(sheet, (radius, radius), interpolation=cv2.INTER_AREA)
    return np.asarray(small[..., None] / 255, np.float32)


def _on_rounded(canvas: Image, rect: Rect, radius: int, paint: Callable[[Image], None]) -> None:
    """Paints a rectangle and gives its corners back what was there."""
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
    before = [part[place].astype(np.float32) for place in places]
    paint(part)
    inside = _quarter(radius)
    for number, (place, was) in enumerate(zip(places, before, strict=True)):
        share = inside[:: -1 if number > 1 else 1, :: -1 if number % 2 else 1]
        part[place] = (was + share * (part[place] - was) + 0.5).astype(np.uint8)
