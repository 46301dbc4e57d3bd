"""Draws what the recogniser says of a frame onto a copy of it.

Everything scales with the picture, stands on its own dark ground, and is said in words as well as
in colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from app.keys import KEYS
from app.types import NOT_CONFIDENT, FrameResult, Image, TrackedFace

Colour = tuple[int, int, int]  # B, G, R

WHITE: Colour = (255, 255, 255)
SOFT_WHITE: Colour = (205, 205, 205)
BLACK: Colour = (0, 0, 0)
GROUND_SHARE = 0.68  # how dark the ground under texts and bars is

# Okabe & Ito's colours, which people with any kind of colour vision can tell apart ("Color
# Universal Design", 2008), given to the expressions that people know them for.
ORANGE: Colour = (0, 159, 230)
SKY_BLUE: Colour = (233, 180, 86)
GREEN: Colour = (115, 158, 0)
YELLOW: Colour = (66, 228, 240)
BLUE: Colour = (178, 114, 0)
VERMILION: Colour = (0, 94, 213)
PURPLE: Colour = (167, 121, 204)
GREY: Colour = (190, 190, 190)
COLOURS: dict[str, Colour] = {
    "neutral": GREY,
    "happiness": YELLOW,
    "happy": YELLOW,
    "surprise": SKY_BLUE,
    "sadness": BLUE,
    "sad": BLUE,
    "anger": VERMILION,
    "angry": VERMILION,
    "disgust": GREEN,
    "fear": PURPLE,
    "contempt": ORANGE,
}
OTHERS = (YELLOW, SKY_BLUE, VERMILION, GREEN, PURPLE, ORANGE, BLUE, GREY)

MIN_TEXT_PX = 12
SMALL = 0.75  # of the normal size, for bars where there is little room
FREE_SHARE = 0.02  # how much of the bars may lie over something else
BLOCKED_SHARE = 0.35  # from here on the bars are left out


@dataclass(frozen=True, slots=True)
class Hud:
    """What is said of the run as a whole. `fps` and `latency_ms` None: not known. `notice` is a
    line in the middle of the picture."""

    fps: float | None
    latency_ms: float | None
    provider: str
    mirrored: bool = False
    paused: bool = False
    show_help: bool = False
    notice: str | None = None


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


def colour_of(label: str, labels: Sequence[str]) -> Colour:
    """The colour of a label, known expressions in the same one for every model."""
    known = COLOURS.get(label.lower())
    return known or OTHERS[list(labels).index(label) % len(OTHERS)]


def _face_colour(face: TrackedFace, labels: Sequence[str]) -> Colour:
    """White is no expression's: it stands for doubt."""
    return colour_of(face.label, labels) if face.reason is None else SOFT_WHITE


def text_px(width: int, height: int) -> int:
    """The size of text that reads as well in a large picture as in a small one."""
    return max(MIN_TEXT_PX, round(0.03 * min(height, 0.75 * width)))


def draw(result: FrameResult, *, hud: Hud, mirror: bool = False) -> Image:
    """A new canvas, uint8 (H, W, 3) BGR, of the frame's size: the frame, mirrored if asked (texts
    are not), with a box, the label and bars for each face, and the run's figures."""
    image = result.frame.image
    canvas: Image = np.asarray(cv2.flip(image, 1), np.uint8) if mirror else image.copy()
    height, width = canvas.shape[:2]
    size = text_px(width, height)
    taken = [_draw_figures(canvas, _figures(hud), size)]
    boxes = [_box(face, width if mirror else None) for face in result.faces]
    for face, box in zip(result.faces, boxes, strict=True):
        _draw_box(canvas, box, _face_colour(face, result.labels), size)
    many = len(result.faces) > 1
    chips = [
        _chip(canvas, face, result.labels, box, size, numbered=many)
        for face, box in zip(result.faces, boxes, strict=True)
    ]
    taken += [chip.rect for chip in chips]
    for face, box in zip(result.faces, boxes, strict=True):
        bars = _place_bars(canvas, box, boxes, taken, result.labels, size)
        if bars is not None:
            taken.append(bars.rect)
            _draw_bars(canvas, face, result.labels, bars)
    for face, chip in zip(result.faces, chips, strict=True):
        _draw_chip(canvas, chip, _face_colour(face, result.labels), size)
    if hud.show_help:
        _draw_help(canvas, size)
    elif hud.notice is not None:
        _draw_note(canvas, hud.notice, size)
    elif hud.paused:
        _draw_note(canvas, "Paused. Press space to go on.", size)
    return canvas


def _figures(hud: Hud) -> str:
    parts = [
        f"{hud.fps:.0f} FPS" if hud.fps is not None else "",
        f"{hud.latency_ms:.0f} ms" if hud.latency_ms is not None else "",
        hud.provider,
        "mirrored" if hud.mirrored else "",
    ]
    return "   ".join(part for part in parts if part)


def _box(face: TrackedFace, mirror_width: int | None) -> Rect:
    x0, y0, x1, y1 = face.face.box_xyxy
    if mirror_width is not None:
        x0, x1 = mirror_width - x1, mirror_width - x0
    left, top = round(x0), round(y0)
    return Rect(left, top, round(x1) - left, round(y1) - top)


# Text


@cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")  # comes with OpenCV; it has letters of most scripts


@lru_cache(maxsize=2048)  # the run's figures are another text all the time
def _text_width(text: str, size: int, weight: int) -> int:
    """Pixels that the text advances, so that a space at its end counts, too."""
    end, _ = cv2.putText(np.zeros((1, 1, 3), np.uint8), text, (0, 0), WHITE, _font(), size, weight)
    return int(end[0])


def _text(
    canvas: Image,
    text: str,
    xy: tuple[int, int],
    size: int,
    *,
    weight: int = 600,
    colour: Colour = WHITE,
) -> None:
    """`xy`: the left end of the line that the letters stand on."""
    cv2.putText(canvas, text, xy, colour, _font(), size, weight)


def _ground(canvas: Image, rect: Rect) -> None:
    """Darkens a rectangle, as far as it lies in the picture."""
    height, width = canvas.shape[:2]
    x0, y0 = max(0, rect.x), max(0, rect.y)
    x1, y1 = min(width, rect.x + rect.width), min(height, rect.y + rect.height)
    if x0 < x1 and y0 < y1:
        part = canvas[y0:y1, x0:x1]
        cv2.convertScaleAbs(part, dst=part, alpha=1 - GROUND_SHARE)


def _draw_figures(canvas: Image, text: str, size: int) -> Rect:
    small = max(MIN_TEXT_PX, round(0.85 * size))
    pad = small // 2
    rect = Rect(0, 0, _text_width(text, small, 500) + 2 * pad, small + pad)
    _ground(canvas, rect)
    _text(canvas, text, (pad, round(1.1 * small)), small, weight=500)
    return rect


def _draw_note(canvas: Image, text: str, size: int) -> None:
    height, width = canvas.shape[:2]
    while size > MIN_TEXT_PX and _text_width(text, size, 600) + 2 * size > width:
        size -= 1
    text_width = _text_width(text, size, 600)
    rect = Rect(
        (width - text_width) // 2 - size, height // 2 - size, text_width + 2 * size, 2 * size
    )
    _ground(canvas, rect)
    _text(canvas, text, (rect.x + size, rect.y + round(1.35 * size)), size)


def _draw_help(canvas: Image, size: int) -> None:
    height, width = canvas.shape[:2]
    lines = [(key, what) for key, what in KEYS]
    while True:
        key_width = max(_text_width(key, size, 700) for key, _ in lines) + size
        panel_width = key_width + max(_text_width(what, size, 500) for _, what in lines) + 2 * size
        step = round(1.6 * size)
        panel_height = step * len(lines) + size
        if size <= 8 or (panel_width <= width and panel_height <= height):
            break
        size -= 1
    rect = Rect((width - panel_width) // 2, (height - panel_height) // 2, panel_width, panel_height)
    _ground(canvas, rect)
    _ground(canvas, rect)  # it is read with the picture going on behind it
    for row, (key, what) in enumerate(lines):
        y = rect.y + size // 2 + round((row + 0.7) * step)
        _text(canvas, key, (rect.x + size, y), size, weight=700, colour=YELLOW)
        _text(canvas, what, (rect.x + size + key_width, y), size, weight=500)


# One face


def _draw_box(canvas: Image, box: Rect, colour: Colour, size: int) -> None:
    thickness = max(2, round(size / 8))
    corners = (box.x, box.y), (box.x + box.width, box.y + box.height)
    cv2.rectangle(canvas, *corners, BLACK, thickness + 2 * max(1, thickness // 2), cv2.LINE_AA)
    cv2.rectangle(canvas, *corners, colour, thickness, cv2.LINE_AA)


class _Chip(NamedTuple):
    """A face's label: where it is and what it says. `number_width` in px."""

    rect: Rect
    number: str
    number_width: int
    text: str


def _chip(
    canvas: Image,
    face: TrackedFace,
    labels: Sequence[str],
    box: Rect,
    size: int,
    *,
    numbered: bool,
) -> _Chip:
    """Over the box, or under it where the picture ends."""
    height, width = canvas.shape[:2]
    number = f"#{face.face_id} " if numbered else ""
    text = face.label
    if face.reason is None:  # doubt is said without a figure, which would be taken for its size
        text += f" {_percent(float(face.probabilities[list(labels).index(text)]))}"
    elif face.reason != NOT_CONFIDENT:  # which "unsure" says already
        text += f": {face.reason}"
    number_width = _text_width(number, size, 500) if number else 0
    swatch, pad = _chip_parts(size)
    chip_width = swatch + pad + number_width + _text_width(text, size, 700) + pad
    chip_height, gap = round(1.45 * size), max(2, size // 6)
    above = box.y - chip_height - gap
    y = above if above >= 0 else box.y + box.height + gap
    rect = Rect(box.x, y, chip_width, chip_height).inside(width, height)
    return _Chip(rect, number, number_width, text)


def _chip_parts(size: int) -> tuple[int, int]:
    """Widths of the stripe of colour and of the room around the text, px."""
    return max(3, size // 3), size // 3


def _draw_chip(canvas: Image, chip: _Chip, colour: Colour, size: int) -> None:
    _ground(canvas, chip.rect)
    swatch, pad = _chip_parts(size)
    x, y = chip.rect.x, chip.rect.y
    cv2.rectangle(canvas, (x, y, swatch, chip.rect.height), colour, cv2.FILLED)
    start, line = x + swatch + pad, y + round(1.06 * size)
    if chip.number:
        _text(canvas, chip.number, (start, line), size, weight=500, colour=SOFT_WHITE)
    _text(canvas, chip.text, (start + chip.number_width, line), size, weight=700)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


class _Bars(NamedTuple):
    """Where one face's bars go and how large they are. Widths in px."""

    rect: Rect
    size: int
    names: int
    bar: int
    row: int
    pad: int


def _bars(labels: Sequence[str], size: int) -> _Bars:
    row, pad = round(1.3 * size), max(2, size // 3)
    names = max(_text_width(label, size, 700) for label in labels) + pad
    bar = 4 * size
    share = _text_width("100 %", size, 700) + pad
    width = pad + names + bar + share + pad
    return _Bars(Rect(0, 0, width, row * len(labels) + 2 * pad), size, names, bar, row, pad)


def _place_bars(
    canvas: Image,
    box: Rect,
    boxes: Sequence[Rect],
    taken: Sequence[Rect],
    labels: Sequence[str],
    size: int,
) -> _Bars | None:
    """Beside the box, where the least of faces (`boxes`) and, twice as bad, of texts (`taken`) is
    covered; smaller where that helps; None without room."""
    height, width = canvas.shape[:2]
    gap = max(3, size // 4)
    # (M, 4) corners of what is in the way; texts count twice.
    blocks = np.array([_corners(rect) for rect in (*boxes, *taken, *taken)], np.float64)
    best: tuple[float, _Bars] | None = None
    for scale in (0.85, 0.85 * SMALL):
        bars = _bars(labels, max(9, round(scale * size)))
        w, h = bars.rect.width, bars.rect.height
        places = [
            Rect(x, y, w, h).inside(width, height)
            for x, y in (
                (box.x + box.width + gap, box.y),
                (box.x - w - gap, box.y),
                (box.x + box.width + gap, box.y + box.height - h),
                (box.x - w - gap, box.y + box.height - h),
                (box.x, box.y + box.height + gap),
                (box.x, box.y - h - gap),
            )
        ]
        for rect, covered in zip(places, _shared(places, blocks) / (w * h), strict=True):
            if best is None or covered < best[0]:
                best = covered, bars._replace(rect=rect)
            if covered <= FREE_SHARE:
                return bars._replace(rect=rect)
    assert best is not None
    return best[1] if best[0] < BLOCKED_SHARE else None


def _corners(rect: Rect) -> tuple[int, int, int, int]:
    return rect.x, rect.y, rect.x + rect.width, rect.y + rect.height


def _shared(places: Sequence[Rect], blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels `(P,)` that each place has in common with `blocks (M, 4)`, summed over these."""
    ours = np.array([_corners(rect) for rect in places], np.float64)[:, None]  # (P, 1, 4)
    low, high = np.maximum(ours[..., :2], blocks[:, :2]), np.minimum(ours[..., 2:], blocks[:, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(axis=2).sum(axis=1), np.float64)


def _draw_bars(canvas: Image, face: TrackedFace, labels: Sequence[str], bars: _Bars) -> None:
    _ground(canvas, bars.rect)
    said = face.label in labels
    top = list(labels).index(face.label) if said else int(face.probabilities.argmax())
    x = bars.rect.x + bars.pad
    for row, (label, share) in enumerate(zip(labels, face.probabilities, strict=True)):
        y = bars.rect.y + bars.pad + row * bars.row
        line = y + round(0.78 * bars.row)
        weight, colour = (700, WHITE) if row == top else (400, SOFT_WHITE)
        _text(canvas, label, (x, line), bars.size, weight=weight, colour=colour)
        start, inset = x + bars.names, max(1, bars.row // 6)
        end = start + max(1, round(float(share) * bars.bar))
        corners = (start, y + inset), (end, y + bars.row - inset)
        cv2.rectangle(canvas, *corners, colour_of(label, labels), cv2.FILLED)
        share_xy = start + bars.bar + bars.pad, line
        _text(canvas, _percent(float(share)), share_xy, bars.size, weight=weight, colour=colour)
