"""Draws texts on pictures with the letters that come with OpenCV.

OpenCV has Latin, Greek, Cyrillic, Chinese, Japanese and Korean letters. Every other letter is shown
as a question mark. All functions here may be called from several threads.
"""

import threading
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.types import Image

Colour = tuple[int, int, int]  # B, G, R

WHITE: Colour = (255, 255, 255)
SOFT_WHITE: Colour = (225, 225, 225)
BLACK: Colour = (0, 0, 0)
MIN_TEXT_PX = 12  # the usual lower limit
MIN_CRAMPED_TEXT_PX = 9  # the lower limit where there is little room
TEXT_SHARE = 0.03  # of the picture's height
UPRIGHT_SHARE = 0.75  # of the width, which stands for the height of an upright picture
MEDIUM = 500  # weight of letters
BOLD = 700  # weight of letters
MAX_LETTERS = 160  # of a text; the rest of a longer text is left out
UNKNOWN = "?"

# The scripts that OpenCV's font has letters for: first and last code point.
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
# OpenCV's zero has a stroke through it. A capital O, made as narrow as a digit, is drawn in its
# place.
ZERO_WIDTH_SHARE = 0.87  # of the O's width
OVERHANG_PART = 6  # of a text's size: no letter reaches further out of its label
FINE = 4  # the O is drawn this many times larger and then averaged down

# Drawing sets the font object to the text's size and weight, so only one thread may draw at a time.
_lock = threading.Lock()


def choose_text_px(width: int, height: int) -> int:
    """Chooses the size of texts, px, for a picture of `width` x `height` px. Texts grow with the
    picture.

    >>> choose_text_px(640, 480), choose_text_px(1280, 720)
    (14, 22)
    """
    return max(MIN_TEXT_PX, round(TEXT_SHARE * min(height, UPRIGHT_SHARE * width)))


def measure_overhang_px(size: int) -> int:
    """Returns by how many px letters of `size` px may reach out of a label or a panel: high letters
    with accents above them do."""
    return 2 + size // OVERHANG_PART


@lru_cache(4096)
def replace_undrawable(text: str) -> str:
    """Replaces each letter that the font lacks by `UNKNOWN`, and cuts texts of more than
    `MAX_LETTERS` letters.

    >>> replace_undrawable("anger 7 %"), replace_undrawable("a\\tb")
    ('anger 7 %', 'a?b')
    """
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
    """Draws a text in white and returns the x at which the next letter would begin, px."""
    with _lock:
        end, _ = cv2.putText(canvas, text, xy, WHITE, _font(), size, weight)
    return int(end[0])


@lru_cache(4096)
def measure_text(text: str, size: int, weight: int) -> int:
    """Measures the width of a text, px. A space at its end counts.

    Args:
        text: The text; letters that the font lacks count as `UNKNOWN`.
        size: The size of the letters, px.
        weight: Their weight, such as `MEDIUM` or `BOLD`.
    """
    return _advance(np.zeros((1, 1, 3), np.uint8), replace_undrawable(text), (0, 0), size, weight)


def fit_text(text: str, size: int, weight: int, room_px: Callable[[int], int]) -> tuple[str, int]:
    """Finds the largest size at which a text fits. A text that is too wide even at
    `MIN_CRAMPED_TEXT_PX` is shortened.

    Args:
        text: The text.
        size: The largest size allowed, px.
        weight: The weight of the letters.
        room_px: Gives the room for the text, px, at a size.

    Returns:
        The text and its size, px.
    """
    text = replace_undrawable(text)
    while size > MIN_CRAMPED_TEXT_PX and measure_text(text, size, weight) > room_px(size):
        size -= 1
    return shorten_text(text, size, weight, room_px(size)), size


@lru_cache(1024)
def shorten_text(text: str, size: int, weight: int, room_px: int) -> str:
    """Returns the text; one that is wider than `room_px` is cut and ends with "…"."""
    text = whole = replace_undrawable(text)
    while len(whole) > 1 and measure_text(text, size, weight) > room_px:
        whole = whole[:-1]
        text = f"{whole.rstrip()}…"
    return text


@lru_cache(512)
def _mask(text: str, size: int, weight: int) -> tuple[NDArray[np.uint8], int, int]:
    """Draws the letters of a text once.

    Returns:
        The cover of each pixel, uint8 `(h, w)` of 255, and the x and y px of its top left corner
        from the left end of the baseline.
    """
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
    """Draws a zero without a stroke, in white on black. `xy`: the left end of its baseline."""
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
    """Draws a text onto the canvas, in place. Parts outside the canvas are left out.

    Args:
        canvas: uint8 `(H, W, 3)` BGR.
        text: The text; letters that the font lacks are drawn as `UNKNOWN`.
        xy: The left end of the baseline (the line that the letters stand on), px.
        size: The size of the letters, px.
        weight: Their weight, such as `MEDIUM` or `BOLD`.
        colour: Their colour, BGR.

    >>> canvas = np.zeros((40, 60, 3), np.uint8)
    >>> put_text(canvas, "8 %", (5, 30), 20, colour=(0, 0, 200))
    >>> canvas.max(axis=(0, 1)).tolist()
    [0, 0, 200]
    """
    keep, add, left, top = make_text_stamp(text, size, weight, colour)
    lay_on(canvas, keep, add, (xy[0] + left, xy[1] + top))


@lru_cache(512)
def make_text_stamp(
    text: str, size: int, weight: int, colour: Colour
) -> tuple[Image, Image, int, int]:
    """Draws the letters of a text once, for `lay_on`.

    Args:
        text: The text; letters that the font lacks are drawn as `UNKNOWN`.
        size: The size of the letters, px.
        weight: Their weight, such as `MEDIUM` or `BOLD`.
        colour: Their colour, BGR.

    Returns:
        What of each pixel is kept and what is added to it, uint8 `(h, w, 3)`, which must not be
        changed, and the x and y px of their top left corner from the left end of the baseline.
    """
    mask, left, top = _mask(replace_undrawable(text), size, weight)
    if not mask.size:  # a space has no ink
        nothing = np.zeros((0, 0, 3), np.uint8)
        return nothing, nothing, left, top
    cover = cv2.merge([mask, mask, mask])
    keep = np.asarray(cv2.bitwise_not(cover), np.uint8)
    if colour != WHITE:
        cover = cv2.merge([cv2.convertScaleAbs(mask, alpha=value / 255) for value in colour])
    return keep, np.asarray(cover, np.uint8), left, top


def lay_on(canvas: Image, keep: Image, add: Image, xy: tuple[int, int]) -> None:
    """Multiplies the pixels of a canvas by `keep` / 255 and adds `add`, in place. Parts outside the
    canvas are left out.

    Args:
        canvas: uint8 `(H, W, 3)`.
        keep: uint8 `(h, w, 3)`.
        add: uint8 `(h, w, 3)`.
        xy: The place of their top left corner, px, which may lie outside the canvas.

    >>> canvas = np.full((1, 2, 3), 100, np.uint8)
    >>> lay_on(canvas, np.full((1, 1, 3), 51, np.uint8), np.full((1, 1, 3), 3, np.uint8), (1, 0))
    >>> canvas[0, :, 0].tolist()
    [100, 23]
    """
    x, y = xy
    height, width = canvas.shape[:2]
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(width, x + keep.shape[1]), min(height, y + keep.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = canvas[y0:y1, x0:x1]
    cut = slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)
    cv2.multiply(part, keep[cut], dst=part, scale=1 / 255)
    cv2.add(part, add[cut], dst=part)
