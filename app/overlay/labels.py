"""The label at a face: what it says, how large each of its forms is, and how it is drawn."""

from functools import lru_cache
from typing import NamedTuple

from app.overlay.palette import choose_ink
from app.overlay.text import (
    LEAST_PX,
    SOFT_WHITE,
    Colour,
    darken_rect,
    fill_rect,
    fit_text,
    measure_text,
    put_text,
)
from app.placement.rects import Rect
from app.placement.values import Form
from app.types import NOT_CONFIDENT, UNSURE, Image, TrackedFace

WORTHS = (1.0, 0.92, 0.8, 0.6, 0.4)  # as `app.placement.solver` weighs the forms


class Label(NamedTuple):
    """One form of a label. `number` is "" where there is one face; sizes are px."""

    number: str
    text: str
    share: str
    size: int
    width: int
    height: int
    number_width: int
    text_width: int


def format_share(share: float) -> str:
    return f"{100 * share:.0f} %"


def make_labels(
    face: TrackedFace,
    labels: tuple[str, ...],
    *,
    sizes: tuple[int, int],
    numbered: bool,
    room_px: int,
) -> tuple[Label, ...]:
    """Returns the forms of a face's label, the fullest first: everything in the first of `sizes`
    and in the second, without the probability, without the number, the number alone. None is wider
    than `room_px`."""
    number = f"#{face.face_id}" if numbered else ""
    whole, short, share = face.label, face.label, ""
    if face.reason is None:  # doubt has no figure, which would be taken for its size
        share = format_share(float(face.probabilities[labels.index(face.label)]))
    elif face.reason != NOT_CONFIDENT:  # which "unsure" says already
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
    return tuple(
        Form(label.width, label.height, worth, over_own=True)
        for label, worth in zip(labels, WORTHS, strict=False)
    )


@lru_cache(1024)
def _label(number: str, text: str, share: str, size: int, room_px: int) -> Label:
    def around(size: int) -> int:
        """Returns the width of everything but the text."""
        pad = _pad(size)
        number_px = measure_text(number, size, 700) + 2 * pad if number else max(3, size // 3)
        share_px = measure_text(" 100 %", size, 500) if share else 0
        return number_px + share_px + (2 * pad if text else 0)

    def least(size: int) -> int:
        return room_px - around(size)

    while size > LEAST_PX and least(size) < 0:
        size -= 1
    text, size = fit_text(text, size, 700, least)
    pad = _pad(size)
    number_width = measure_text(number, size, 700) + 2 * pad if number else max(3, size // 3)
    wide = measure_text(text, size, 700)
    return Label(
        number, text, share, size, around(size) + wide, round(1.45 * size), number_width, wide
    )


def _pad(size: int) -> int:
    return max(2, size // 3)


def choose_radius_px(size: int) -> int:
    return max(2, round(0.22 * size))


def draw_label(canvas: Image, rect: Rect, label: Label, colour: Colour) -> None:
    """Draws a label: the number on the face's colour (a stripe of it where there is none), then
    what is said, then its probability."""
    size, pad = label.size, _pad(label.size)
    darken_rect(canvas, rect, radius=choose_radius_px(size))
    tag = Rect(rect.x, rect.y, label.number_width, rect.height)
    fill_rect(canvas, tag, colour, radius=choose_radius_px(size) if label.number else 0)
    line = rect.y + round(1.06 * size)
    if label.number:
        put_text(
            canvas, label.number, (rect.x + pad, line), size, weight=700, colour=choose_ink(colour)
        )
    x = rect.x + label.number_width + pad
    if label.text:
        put_text(canvas, label.text, (x, line), size, weight=700)
    if label.share:
        right = rect.right - pad - measure_text(label.share, size, 500)
        put_text(canvas, label.share, (right, line), size, weight=500, colour=SOFT_WHITE)
