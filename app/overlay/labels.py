"""The label of a face: its texts, the sizes of its forms, and its drawing."""

from functools import lru_cache
from typing import NamedTuple

from app.overlay.grounds import darken_rect, fill_rect
from app.overlay.palette import choose_ink
from app.overlay.text import (
    BOLD,
    MEDIUM,
    MIN_CRAMPED_TEXT_PX,
    SOFT_WHITE,
    Colour,
    fit_text,
    measure_text,
    put_text,
)
from app.placement.rects import Rect
from app.placement.values import Form
from app.types import NOT_CONFIDENT, UNSURE, Image, TrackedFace

WORTHS = (1.0, 0.92, 0.8, 0.6, 0.4)  # of the forms, for `app.placement.solver`
LINE_HEIGHT = 1.45  # of a label, in sizes of its text
BASELINE = 1.06  # below the label's top, in sizes of its text
CORNER_RADIUS = 0.22  # in sizes of the text


class Label(NamedTuple):
    """One form of a label, from left to right: the face's number, the text and the probability.
    Each is "" where it is left out. All sizes are px; `size` is that of the text."""

    number: str
    text: str
    share: str
    size: int
    width: int
    height: int
    number_width: int
    text_width: int


def format_share(share: float) -> str:
    """Formats a probability.

    >>> format_share(0.734)
    '73 %'
    """
    return f"{100 * share:.0f} %"


def make_labels(
    face: TrackedFace,
    labels: tuple[str, ...],
    *,
    sizes: tuple[int, int],
    numbered: bool,
    room_px: int,
) -> tuple[Label, ...]:
    """Makes the forms of a face's label, the fullest first: everything in large letters, everything
    in small letters, without the probability, without the number, the number alone.

    Args:
        face: The face and its displayed label.
        labels: The names of the model's classes.
        sizes: The sizes of large and small letters, px.
        numbered: Whether labels begin with the face's number. Without, there are three forms.
        room_px: The largest width of a form, px. Longer texts are shortened.
    """
    number = f"#{face.face_id}" if numbered else ""
    whole, short, share = face.label, face.label, ""
    if face.reason is None:  # a figure beside "unsure" would be read as how unsure
        share = format_share(float(face.probabilities[labels.index(face.label)]))
    elif face.reason != NOT_CONFIDENT:  # "unsure" alone says this already
        whole, short = f"{face.label}: {face.reason}", UNSURE
    large, small = sizes
    forms = [
        _label(number, whole, share, large, room_px),
        _label(number, whole, share, small, room_px),
        _label(number, short, "", small, room_px),
    ]
    if numbered:
        forms += [_label("", short, "", small, room_px), _label(number, "", "", small, room_px)]
    return tuple(forms)


def to_label_forms(labels: tuple[Label, ...]) -> tuple[Form, ...]:
    """Gives each form of a label its size and worth for `app.placement.solver`."""
    return tuple(
        Form(label.width, label.height, worth, over_own=True)
        for label, worth in zip(labels, WORTHS, strict=False)
    )


@lru_cache(1024)
def _label(number: str, text: str, share: str, size: int, room_px: int) -> Label:
    def around(size: int) -> int:
        """Returns the width of everything but the text, px."""
        pad = _pad(size)
        number_px = measure_text(number, size, BOLD) + 2 * pad if number else max(3, size // 3)
        share_px = measure_text(" 100 %", size, MEDIUM) if share else 0
        return number_px + share_px + (2 * pad if text else 0)

    def least(size: int) -> int:
        return room_px - around(size)

    while size > MIN_CRAMPED_TEXT_PX and least(size) < 0:
        size -= 1
    text, size = fit_text(text, size, BOLD, least)
    pad = _pad(size)
    number_width = measure_text(number, size, BOLD) + 2 * pad if number else max(3, size // 3)
    wide = measure_text(text, size, BOLD)
    return Label(
        number,
        text,
        share,
        size,
        around(size) + wide,
        round(LINE_HEIGHT * size),
        number_width,
        wide,
    )


def _pad(size: int) -> int:
    return max(2, size // 3)


def choose_radius_px(size: int) -> int:
    """Chooses the radius of rounded corners, px, for texts of `size` px."""
    return max(2, round(CORNER_RADIUS * size))


def draw_label(canvas: Image, rect: Rect, label: Label, colour: Colour) -> None:
    """Draws a label onto the canvas, in place: the number on the face's colour (without a number, a
    stripe in this colour), then the text, then the probability.

    Args:
        canvas: uint8 `(H, W, 3)` BGR.
        rect: The label's place, px.
        label: The form to draw.
        colour: The face's colour, BGR.

    >>> import numpy as np
    >>> canvas = np.full((40, 90, 3), 200, np.uint8)
    >>> label = Label("", "fear", "", size=16, width=60, height=23, number_width=5, text_width=30)
    >>> draw_label(canvas, Rect(10, 8, 60, 23), label, (0, 0, 255))
    >>> canvas[20, 12].tolist(), canvas[10, 60].tolist()  # the stripe, the dark ground
    ([0, 0, 255], [64, 64, 64])
    """
    size, pad = label.size, _pad(label.size)
    darken_rect(canvas, rect, radius=choose_radius_px(size))
    tag = Rect(rect.x, rect.y, label.number_width, rect.height)
    fill_rect(canvas, tag, colour, radius=choose_radius_px(size) if label.number else 0)
    line = rect.y + round(BASELINE * size)
    if label.number:
        put_text(
            canvas, label.number, (rect.x + pad, line), size, weight=BOLD, colour=choose_ink(colour)
        )
    x = rect.x + label.number_width + pad
    if label.text:
        put_text(canvas, label.text, (x, line), size, weight=BOLD)
    if label.share:
        right = rect.right - pad - measure_text(label.share, size, MEDIUM)
        put_text(canvas, label.share, (right, line), size, weight=MEDIUM, colour=SOFT_WHITE)
