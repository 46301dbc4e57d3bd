"""Draws a lesson over the picture on the screen: a face to copy, what to do, and the time left."""

import math
from collections.abc import Sequence

import cv2

from app.overlay.example_face import draw_example_face, find_example, find_how_to
from app.overlay.grounds import darken_rect
from app.overlay.palette import YELLOW
from app.overlay.text import SOFT_WHITE, fit_text, measure_text, put_text, replace_undrawable
from app.placement.rects import Rect
from app.teaching.lesson import HOLD_S, READY_S, LessonMoment
from app.types import Image

BAND_SHARE = 0.3  # of the picture's height
NO_FACE = "No face is in view: the time stands still"
SEVERAL_FACES = "Only one person, please: the time stands still"
KEYS_LINE = "space leaves this one out, t ends"
CLOSE_LINE = "t puts this away"


def draw_lesson(screen: Image, moment: LessonMoment, size: int) -> None:
    """Draws the present moment of a lesson into the lower part of the screen, in place.

    Args:
        screen: uint8 `(H, W, 3)` BGR.
        moment: The moment.
        size: The size of texts, px.

    >>> import numpy as np
    >>> screen = np.full((360, 480, 3), 200, np.uint8)
    >>> draw_lesson(screen, LessonMoment("anger", 5, 8, "hold", 2.5), 14)
    >>> int(screen[0].min()), bool(screen[300].min() < 200)
    (200, True)
    """
    height, width = screen.shape[:2]
    high = max(round(BAND_SHARE * height), 7 * size)
    band = Rect(0, height - high, width, high)
    darken_rect(screen, band)
    darken_rect(screen, band)  # it is read with the picture going on behind it
    pad = size // 2
    side = min(high - 2 * pad, width // 3)
    example = find_example(moment.label)
    if example is not None:
        draw_example_face(screen, Rect(pad, band.y + (high - side) // 2, side, side), example)
    left = 2 * pad + side if example is not None else 2 * pad
    room = width - left - 2 * pad
    is_held = moment.phase == "hold"
    large = round(1.5 * size)
    lines = (
        (f"{moment.number} of {moment.count}: {moment.label}", large, 700, YELLOW),
        (find_how_to(moment.label), size, 500, SOFT_WHITE),
        (_format_state(moment), large if moment.hindrance is None else size, 700, SOFT_WHITE),
        (KEYS_LINE, round(0.8 * size), 500, SOFT_WHITE),
    )
    step = (high - 2 * pad) / len(lines)
    for row, (text, px, weight, colour) in enumerate(lines):
        text, px = fit_text(text, px, weight, lambda _: room)
        y = band.y + pad + round((row + 0.72) * step)
        put_text(screen, text, (left, y), px, weight=weight, colour=colour)
    if is_held:
        done = min(1.0, max(0.0, 1 - moment.left_s / HOLD_S))
        bar = 0, band.y, max(1, round(width * done)), max(3, size // 4)
        cv2.rectangle(screen, bar, YELLOW, cv2.FILLED)


def _format_state(moment: LessonMoment) -> str:
    if moment.hindrance is not None:
        return NO_FACE if moment.hindrance == "no face" else SEVERAL_FACES
    seconds = max(1, math.ceil(moment.left_s - 1e-6))
    if moment.phase == "hold":
        return f"Hold it: {seconds}"
    return f"Get ready: {min(seconds, round(READY_S))}"


def draw_lesson_summary(screen: Image, lines: Sequence[str], size: int) -> None:
    """Draws the lines on a finished lesson into the middle of the screen, in place.

    Args:
        screen: uint8 `(H, W, 3)` BGR.
        lines: The lines, of which the last one may take several rows.
        size: The largest size of texts, px.

    >>> import numpy as np
    >>> screen = np.full((360, 480, 3), 200, np.uint8)
    >>> draw_lesson_summary(screen, ["anger: learned"], 14)
    >>> int(screen[0].min()), bool(screen[180].min() < 200)
    (200, True)
    """
    height, width = screen.shape[:2]
    room = width - 3 * size
    *rows, last = lines
    px = _find_common_size([*rows, CLOSE_LINE], size, room)
    every = [*rows, *_break_line(last, px, room), CLOSE_LINE]  # a path may be long
    px = max(9, min(_find_common_size(every, px, room), height // (2 * len(every))))
    texts = [fit_text(line, px, 500, lambda _: room)[0] for line in every]
    wide = max(measure_text(text, px, 500) for text in texts) + 2 * size
    step = round(1.6 * px)
    high = step * len(texts) + px
    rect = Rect((width - wide) // 2, (height - high) // 2, wide, high)
    darken_rect(screen, rect)
    darken_rect(screen, rect)
    for row, text in enumerate(texts):
        y = rect.y + px // 2 + round((row + 0.75) * step)
        put_text(screen, text, (rect.x + size, y), px, weight=500)


def _find_common_size(lines: Sequence[str], size: int, room: int) -> int:
    """Finds the largest size, px, at which all lines fit."""
    return min(fit_text(line, size, 500, lambda _: room)[1] for line in lines)


def _break_line(line: str, px: int, room: int) -> list[str]:
    """Breaks a line between words, so that its rows fit. A longer word gets a row of its own."""
    rows: list[str] = []
    for word in replace_undrawable(line).split():
        if rows and measure_text(f"{rows[-1]} {word}", px, 500) <= room:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    return rows
