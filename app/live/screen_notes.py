"""Draws notes over the picture on the screen, and never into what is saved: the figures of the run,
help, messages, and the sign of a recording."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.live.keys import KEYS
from app.live.lesson_notes import draw_lesson, draw_lesson_summary
from app.overlay.grounds import darken_rect
from app.overlay.text import (
    MIN_TEXT_PX,
    WHITE,
    Colour,
    choose_text_px,
    fit_text,
    measure_text,
    put_text,
)
from app.placement.rects import Rect
from app.teaching.lesson import LessonMoment
from app.types import Image

KEY_COLOUR: Colour = (66, 228, 240)
RED: Colour = (60, 60, 240)
MIN_NOTED_WIDTH_PX = 480  # a smaller picture is enlarged so that notes can be read
MIN_HELP_TEXT_PX = 9  # smaller letters cannot be told apart


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of one moment.

    `notice` stands in the middle of the picture, `message` at its lower edge, over a bar that is
    filled to `progress` (0..1). `recording_s` is the length of the recording so far, None if
    nothing is recorded. `figures` stand in the upper left corner, as far as there is room. `lesson`
    is the present moment of a lesson, and `summary` has the lines on one that is over.
    """

    show_help: bool = False
    notice: str | None = None
    message: str | None = None
    progress: float | None = None
    recording_s: float | None = None
    figures: tuple[str, ...] = ()
    lesson: LessonMoment | None = None
    summary: tuple[str, ...] = ()


def draw_notes(canvas: Image, notes: Notes) -> Image:
    """Draws notes over a canvas.

    Args:
        canvas: uint8 (H, W, 3) BGR. It is not changed.
        notes: The texts and figures to draw.

    Returns:
        `canvas` itself where there is nothing to draw, else a new image uint8 (H, W, 3) BGR. A
        canvas that is too small for texts is enlarged, by a whole number.

    >>> draw_notes(np.zeros((30, 40, 3), np.uint8), Notes(message="Saved.")).shape
    (360, 480, 3)
    """
    if notes == Notes():
        return canvas
    enlarge = _enlarged(canvas.shape[1])
    if enlarge > 1:
        screen = np.asarray(cv2.resize(canvas, None, fx=enlarge, fy=enlarge), np.uint8)
    else:
        screen = canvas.copy()
    size = choose_text_px(screen.shape[1], screen.shape[0])
    if notes.figures:
        _draw_figures(screen, notes.figures)
    if notes.recording_s is not None:
        _draw_recording(screen, notes.recording_s, size)
    if notes.show_help:
        _draw_help(screen, size)
        return screen
    if notes.lesson is not None:
        draw_lesson(screen, notes.lesson, size)
    if notes.summary:
        draw_lesson_summary(screen, notes.summary, size)
    if notes.notice is not None:
        _draw_line(screen, notes.notice, size, middle=screen.shape[0] // 2)
    if notes.message is not None:
        # Above the band of a lesson.
        low = screen.shape[0] // 2 if notes.lesson is not None else screen.shape[0] - 2 * size
        _draw_line(screen, notes.message, size, middle=low, progress=notes.progress)
    return screen


def _enlarged(width: int) -> int:
    """Returns how many times as large a picture is shown."""
    return math.ceil(MIN_NOTED_WIDTH_PX / width)


def find_figures_room(figures: Sequence[str], width: int, height: int) -> Rect:
    """Returns the part of a canvas of `width` x `height` px that the figures lie on."""
    enlarge = _enlarged(width)
    _, _, rect = _laid_out(figures, width * enlarge, height * enlarge)
    return Rect(0, 0, math.ceil(rect.width / enlarge), math.ceil(rect.height / enlarge))


def _laid_out(figures: Sequence[str], width: int, height: int) -> tuple[str, int, Rect]:
    """Returns the figures that there is room for, their size in px, and their place."""
    size = max(MIN_TEXT_PX, round(0.85 * choose_text_px(width, height)))
    pad = size // 2
    parts = list(figures)
    while parts and measure_text("   ".join(parts), size, 500) + 2 * pad > width:
        parts.pop()
    text = "   ".join(parts)
    return text, size, Rect(0, 0, measure_text(text, size, 500) + 2 * pad, size + pad)


def _draw_figures(screen: Image, figures: Sequence[str]) -> None:
    text, size, rect = _laid_out(figures, screen.shape[1], screen.shape[0])
    darken_rect(screen, rect)
    put_text(screen, text, (size // 2, round(1.1 * size)), size, weight=500)


def _draw_line(
    screen: Image, text: str, size: int, *, middle: int, progress: float | None = None
) -> None:
    width = screen.shape[1]
    text, size = fit_text(text, size, 600, lambda size: width - 2 * size)
    wide = measure_text(text, size, 600)
    rect = Rect((width - wide) // 2 - size, middle - size, wide + 2 * size, 2 * size)
    darken_rect(screen, rect)
    put_text(screen, text, (rect.x + size, rect.y + round(1.35 * size)), size)
    if progress is not None:
        thick = max(3, size // 4)
        filled = round(rect.width * min(1.0, max(0.0, progress)))
        bar = rect.x, rect.y + rect.height - thick, max(1, filled), thick
        cv2.rectangle(screen, bar, KEY_COLOUR, cv2.FILLED)


def _draw_recording(screen: Image, seconds: float, size: int) -> None:
    minutes, rest = divmod(int(seconds), 60)
    text = f"{minutes}:{rest:02}"
    pad, dot = size // 2, max(3, round(0.3 * size))
    width = measure_text(text, size, 600) + 3 * pad + 2 * dot
    rect = Rect(screen.shape[1] - width, 0, width, round(1.6 * size))
    darken_rect(screen, rect)
    centre = rect.x + pad + dot, rect.height // 2
    cv2.circle(screen, centre, dot, RED, cv2.FILLED, cv2.LINE_AA)
    put_text(screen, text, (rect.x + 2 * pad + 2 * dot, round(1.15 * size)), size, colour=WHITE)


def _draw_help(screen: Image, size: int) -> None:
    height, width = screen.shape[:2]
    while True:
        key_width = max(measure_text(key, size, 700) for key, _ in KEYS) + size
        panel_width = key_width + max(measure_text(what, size, 500) for _, what in KEYS) + 2 * size
        step = round((1.6 if size > MIN_TEXT_PX else 1.35) * size)
        panel_height = step * len(KEYS) + size
        if size <= MIN_HELP_TEXT_PX or (panel_width <= width and panel_height <= height):
            break
        size -= 1
    rect = Rect((width - panel_width) // 2, (height - panel_height) // 2, panel_width, panel_height)
    darken_rect(screen, rect)
    darken_rect(screen, rect)  # it is read with the picture going on behind it
    for row, (key, what) in enumerate(KEYS):
        y = rect.y + size // 2 + round((row + 0.7) * step)
        put_text(screen, key, (rect.x + size, y), size, weight=700, colour=KEY_COLOUR)
        put_text(screen, what, (rect.x + size + key_width, y), size, weight=500)
