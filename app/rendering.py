"""Draws what the recogniser says of a frame onto a copy of it.

Everything scales with the picture, stands on its own dark ground, and is said in words as well as
in colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from app.history import NOT_SEEN, SPAN_S, STEPS, UNSURE_STEP, History, Strip
from app.lettering import (
    BLACK,
    MIN_TEXT_PX,
    SOFT_WHITE,
    WHITE,
    Colour,
    Rect,
    darken,
    fitted,
    put_text,
    stamp_text,
    text_px,
    text_width,
)
from app.maps import paint
from app.types import NOT_CONFIDENT, FrameResult, Image, TrackedFace

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

SMALL = 0.75  # of the normal size, for bars where there is little room
FREE_SHARE = 0.02  # how much of the bars may lie over something else
BLOCKED_SHARE = 0.35  # from here on the bars are left out


HudMode = Literal["off", "boxes", "full"]
HUD_MODES: tuple[HudMode, ...] = ("off", "boxes", "full")


@dataclass(frozen=True, slots=True)
class Hud:
    """What is said of the run as a whole, and how much is drawn: nothing, boxes with their labels,
    or everything. `fps` and `latency_ms` None: not known. `corrected`: people whose resting face is
    allowed for."""

    fps: float | None
    latency_ms: float | None
    provider: str
    mirrored: bool = False
    mode: HudMode = "full"
    blurred: bool = False
    corrected: int = 0


def colour_of(label: str, labels: Sequence[str]) -> Colour:
    """The colour of a label, known expressions in the same one for every model."""
    known = COLOURS.get(label.lower())
    return known or OTHERS[list(labels).index(label) % len(OTHERS)]


def _face_colour(face: TrackedFace, labels: Sequence[str]) -> Colour:
    """White is no expression's: it stands for doubt."""
    return colour_of(face.label, labels) if face.reason is None else SOFT_WHITE


def draw(
    result: FrameResult, *, hud: Hud, mirror: bool = False, history: History | None = None
) -> Image:
    """A new canvas, uint8 (H, W, 3) BGR, of the frame's size: the frame, mirrored if asked (texts
    are not), with a box, the label and bars for each face, what `history` knows of it, and the
    run's figures; less where `hud.mode` says so. Maps that faces carry are painted in any case."""
    canvas = _ground(result, mirror)
    if hud.mode == "off":
        return canvas
    height, width = canvas.shape[:2]
    size = text_px(width, height)
    full = hud.mode == "full"
    taken = [_draw_figures(canvas, _figures(hud), size)] if full else []
    boxes = [_box(face, width if mirror else None) for face in result.faces]
    for face, box in zip(result.faces, boxes, strict=True):
        _draw_box(canvas, box, _face_colour(face, result.labels), size)
    many = len(result.faces) > 1
    chips = [
        _chip(canvas, face, result.labels, box, size, numbered=many)
        for face, box in zip(result.faces, boxes, strict=True)
    ]
    taken += [chip.rect for chip in chips]
    for face, box in zip(result.faces, boxes, strict=True) if full else ():
        strip = None if history is None else history.strip(face.face_id)
        bars = _place_bars(canvas, box, boxes, taken, result.labels, size, strip is not None)
        if bars is not None:
            taken.append(bars.rect)
            _draw_bars(canvas, face, result.labels, bars)
            if strip is not None:
                _draw_strip(canvas, strip, result.labels, bars)
    for face, chip in zip(result.faces, chips, strict=True):
        _draw_chip(canvas, chip, _face_colour(face, result.labels))
    return canvas


def _ground(result: FrameResult, mirror: bool) -> Image:
    """A new picture of the frame with the maps of its faces, copied once where that is enough."""
    maps = [face.map for face in result.faces if face.map is not None]
    if not maps:
        picture = result.picture
        return np.asarray(cv2.flip(picture, 1), np.uint8) if mirror else picture.copy()
    canvas: Image = result.picture.copy()
    for shown in maps:
        paint(canvas, shown)
    return np.asarray(cv2.flip(canvas, 1), np.uint8) if mirror else canvas


def _figures(hud: Hud) -> list[str]:
    parts = [
        f"{hud.fps:.0f} FPS" if hud.fps is not None else "",
        f"{hud.latency_ms:.0f} ms" if hud.latency_ms is not None else "",
        hud.provider,
        "mirrored" if hud.mirrored else "",
        "faces blurred" if hud.blurred else "",
        f"neutral set ({hud.corrected})" if hud.corrected else "",
    ]
    return [part for part in parts if part]


def _box(face: TrackedFace, mirror_width: int | None) -> Rect:
    x0, y0, x1, y1 = face.face.box_xyxy
    if mirror_width is not None:
        x0, x1 = mirror_width - x1, mirror_width - x0
    left, top = round(x0), round(y0)
    return Rect(left, top, round(x1) - left, round(y1) - top)


# The run


def _draw_figures(canvas: Image, parts: Sequence[str], size: int) -> Rect:
    """As many of them as there is room for."""
    small = max(MIN_TEXT_PX, round(0.85 * size))
    pad = small // 2
    while parts and text_width("   ".join(parts), small, 500) + 2 * pad > canvas.shape[1]:
        parts = parts[:-1]
    text = "   ".join(parts)
    rect = Rect(0, 0, text_width(text, small, 500) + 2 * pad, small + pad)
    darken(canvas, rect)
    put_text(canvas, text, (pad, round(1.1 * small)), small, weight=500)
    return rect


# One face


def _draw_box(canvas: Image, box: Rect, colour: Colour, size: int) -> None:
    thickness = max(2, round(size / 8))
    corners = (box.x, box.y), (box.x + box.width, box.y + box.height)
    cv2.rectangle(canvas, *corners, BLACK, thickness + 2 * max(1, thickness // 2))
    cv2.rectangle(canvas, *corners, colour, thickness)


class _Chip(NamedTuple):
    """A face's label: where it is and what it says. `size`, `number_width` in px."""

    rect: Rect
    size: int
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

    def number_px(size: int) -> int:
        return text_width(number, size, 500) if number else 0

    def room_px(size: int) -> int:
        swatch, pad = _chip_parts(size)
        return int(width - swatch - 2 * pad - number_px(size))

    text, size = fitted(text, size, 700, room_px)
    number_width = number_px(size)
    swatch, pad = _chip_parts(size)
    chip_width = swatch + pad + number_width + text_width(text, size, 700) + pad
    chip_height, gap = round(1.45 * size), max(2, size // 6)
    above = box.y - chip_height - gap
    y = above if above >= 0 else box.y + box.height + gap
    rect = Rect(box.x, y, chip_width, chip_height).inside(width, height)
    return _Chip(rect, size, number, number_width, text)


def _chip_parts(size: int) -> tuple[int, int]:
    """Widths of the stripe of colour and of the room around the text, px."""
    return max(3, size // 3), size // 3


def _draw_chip(canvas: Image, chip: _Chip, colour: Colour) -> None:
    darken(canvas, chip.rect)
    size = chip.size
    swatch, pad = _chip_parts(size)
    x, y = chip.rect.x, chip.rect.y
    cv2.rectangle(canvas, (x, y, swatch, chip.rect.height), colour, cv2.FILLED)
    start, line = x + swatch + pad, y + round(1.06 * size)
    if chip.number:
        put_text(canvas, chip.number, (start, line), size, weight=500, colour=SOFT_WHITE)
    put_text(canvas, chip.text, (start + chip.number_width, line), size, weight=700)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


class _Bars(NamedTuple):
    """Where one face's bars go and how large they are, px. `strip`: the height of the strip under
    them, 0 for none."""

    rect: Rect
    size: int
    names: int
    bar: int
    row: int
    pad: int
    strip: int


@lru_cache(64)
def _bars(labels: tuple[str, ...], size: int, with_strip: bool) -> _Bars:
    row, pad = round(1.3 * size), max(2, size // 3)
    names = max(text_width(label, size, 700) for label in labels) + pad
    bar = 4 * size
    share = text_width("100 %", size, 700) + pad
    width = pad + names + bar + share + pad
    strip = 2 * row if with_strip else 0
    height = row * len(labels) + strip + (3 if strip else 2) * pad
    return _Bars(Rect(0, 0, width, height), size, names, bar, row, pad, strip)


def _place_bars(
    canvas: Image,
    box: Rect,
    boxes: Sequence[Rect],
    taken: Sequence[Rect],
    labels: Sequence[str],
    size: int,
    with_strip: bool = False,
) -> _Bars | None:
    """Beside the box, where the least of faces (`boxes`) and, twice as bad, of texts (`taken`) is
    covered; smaller where that helps; None without room."""
    height, width = canvas.shape[:2]
    gap = max(3, size // 4)
    # (M, 4) corners of what is in the way; texts count twice.
    blocks = np.array([_corners(rect) for rect in (*boxes, *taken, *taken)], np.float64)
    best: tuple[float, _Bars] | None = None
    for scale in (0.85, 0.85 * SMALL):
        bars = _bars(tuple(labels), max(9, round(scale * size)), with_strip)
        w, h = bars.rect.width, bars.rect.height
        if w > width or h > height:
            continue
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
    return best[1] if best is not None and best[0] < BLOCKED_SHARE else None


def _corners(rect: Rect) -> tuple[int, int, int, int]:
    return rect.x, rect.y, rect.x + rect.width, rect.y + rect.height


def _shared(places: Sequence[Rect], blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels `(P,)` that each place has in common with `blocks (M, 4)`, summed over these."""
    ours = np.array([_corners(rect) for rect in places], np.float64)[:, None]  # (P, 1, 4)
    low, high = np.maximum(ours[..., :2], blocks[:, :2]), np.minimum(ours[..., 2:], blocks[:, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(axis=2).sum(axis=1), np.float64)


def _draw_bars(canvas: Image, face: TrackedFace, labels: Sequence[str], bars: _Bars) -> None:
    darken(canvas, bars.rect)
    said = face.label in labels
    top = list(labels).index(face.label) if said else int(face.probabilities.argmax())
    x = bars.rect.x + bars.pad
    for row, (label, share) in enumerate(zip(labels, face.probabilities, strict=True)):
        y = bars.rect.y + bars.pad + row * bars.row
        line = y + round(0.78 * bars.row)
        weight, colour = (700, WHITE) if row == top else (400, SOFT_WHITE)
        stamp_text(canvas, label, (x, line), bars.size, weight=weight, colour=colour)
        start, inset = x + bars.names, max(1, bars.row // 6)
        end = start + max(1, round(float(share) * bars.bar))
        corners = (start, y + inset), (end, y + bars.row - inset)
        cv2.rectangle(canvas, *corners, colour_of(label, labels), cv2.FILLED)
        share_xy = start + bars.bar + bars.pad, line
        stamp_text(
            canvas, _percent(float(share)), share_xy, bars.size, weight=weight, colour=colour
        )


@lru_cache(16)
def _palette(labels: tuple[str, ...]) -> NDArray[np.uint8]:
    """`(K + 2, 3)`: from the end, `UNSURE_STEP` and `NOT_SEEN` find theirs."""
    colours = [colour_of(label, labels) for label in labels]
    ends = {UNSURE_STEP: SOFT_WHITE, NOT_SEEN: BLACK}
    return np.array([*colours, ends[-2], ends[-1]], np.uint8)


def _draw_strip(canvas: Image, strip: Strip, labels: Sequence[str], bars: _Bars) -> None:
    """What was said in the last seconds, now at the right: its colour, as high as its share."""
    left, top = bars.rect.x + bars.pad, bars.rect.y + bars.rect.height - bars.pad - bars.strip
    line = top + round(0.5 * bars.strip + 0.35 * bars.size)
    stamp_text(canvas, f"{SPAN_S:.0f} s", (left, line), bars.size, weight=400, colour=SOFT_WHITE)
    left += bars.names
    right, bottom = bars.rect.x + bars.rect.width - bars.pad, top + bars.strip
    darken(canvas, Rect(left, top, right - left, bars.strip))
    height, width = canvas.shape[:2]
    columns, rows = np.arange(left, min(right, width)), np.arange(top, min(bottom, height))
    if not (len(columns) and len(rows)):
        return
    steps = (columns - left) * STEPS // (right - left)
    classes = strip.classes[steps]  # (w,)
    high = np.where(classes == NOT_SEEN, 0, np.maximum(1, strip.shares[steps] * bars.strip))
    lit = (bottom - rows)[:, None] <= high.astype(np.int32)  # (h, w)
    part = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    colours = cv2.repeat(_palette(tuple(labels))[classes][None], len(rows), 1)  # (h, w, 3)
    cv2.copyTo(colours, lit.view(np.uint8), dst=part)
