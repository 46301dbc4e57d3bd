"""The panel of one face: bars of all expressions or of the likeliest, and the last ten seconds."""

from functools import lru_cache, partial
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from app.overlay.grounds import darken_rect, fill_rect
from app.overlay.history import NOT_SEEN, SPAN_S, STEPS, UNSURE_STEP, Strip
from app.overlay.labels import choose_radius_px, format_share
from app.overlay.palette import choose_colour, choose_ink
from app.overlay.stamps import Stamp
from app.overlay.text import (
    BLACK,
    BOLD,
    MEDIUM,
    SOFT_WHITE,
    WHITE,
    Colour,
    measure_overhang_px,
    measure_text,
    put_text,
    shorten_text,
)
from app.placement.rects import Rect
from app.placement.values import Form
from app.types import Floats, Image

FEW_ROWS = 3  # of the compact forms
MANY_ROWS = 10  # with more classes, the smaller forms show the likeliest alone
SOME_ROWS = 8  # of these forms
# Lengths in sizes of a panel's text (em).
MAX_NAME_EM = 9.0  # of names; longer ones are shortened
ROW_EM = 1.32  # of a row's height
PAD_EM = 0.4  # of margins
BAR_EM = 5.0  # of a bar of 100 %
COMPACT_BAR_EM = 3.5  # of the same in a compact form
HEADER_EM = 1.5  # of the height of the header, where the face's number stands above the rows
TAG_EM = 1.35  # of the height of the face's number
TAG_BASELINE_EM = 1.02  # below the top of the face's number
STRIP_EM = 1.8  # of the strip's height
# Shares of a row's height.
BASELINE_SHARE = 0.8  # below the row's top
BAR_INSET_SHARE = 0.2  # above and below a bar
TRACK_LIGHT = 34  # of 255, by which a bar's track is brighter than its ground
TEXT_ONLY_COLUMNS = 2  # from this number of columns on, there are no bars
Labels = tuple[str, ...]


class Panel(NamedTuple):
    """One form of a panel: `rows` under one another, in `columns` side by side. All sizes are px.

    Attributes:
        size: The size of texts.
        row: The height of a row.
        pad: The margin around the content, and between its parts.
        names: The width of the names, with a pad.
        bar: The length of a bar of 100 %; 0 where there are figures alone.
        shares: The width of the figures, with a pad where there are bars.
        header: The height of the face's number above the rows; 0 for none.
        lead: The width of the face's number before the first column; 0 for none.
        strip: The height of the strip of the last seconds; 0 for none.
        worth: How much this form shows, for `app.placement.solver`; 1 is the fullest.
        over_own: Whether this form may cover the outer parts of its own face.
    """

    rows: int
    columns: int
    size: int
    row: int
    pad: int
    names: int
    bar: int
    shares: int
    header: int
    lead: int
    strip: int
    worth: float
    over_own: bool

    @property
    def column(self) -> int:
        """The width of one column."""
        return self.names + self.bar + self.shares + 2 * self.pad

    @property
    def width(self) -> int:
        """The width of the panel."""
        between = self.side * (self.columns - 1)
        return self.edge + self.lead + self.columns * self.column + between

    @property
    def height(self) -> int:
        """The height of the panel."""
        between = self.pad if self.strip else 0
        return self.header + self.rows * self.row + between + self.strip + 2 * self.pad

    @property
    def edge(self) -> int:
        """The width of the stripe in the face's colour."""
        return max(3, self.size // 4)

    @property
    def side(self) -> int:
        """The gap between two columns."""
        return self.size // 3


@lru_cache(64)
def make_panels(
    labels: Labels, sizes: tuple[int, int], *, number: str, with_strip: bool
) -> tuple[Panel, ...]:
    """Makes the forms of panels, the fullest first: all bars with the strip of the last seconds,
    all bars, all bars in small letters (of more than `MANY_ROWS` classes, the likeliest), the
    likeliest three under one another, the likeliest three side by side.

    Args:
        labels: The names of the model's classes.
        sizes: The sizes of large and small letters, px.
        number: The longest number of a face, "" for none.
        with_strip: Whether there is a form with the strip.

    >>> forms = make_panels(("calm", "cross", "glad", "sad"), (20, 14), number="", with_strip=False)
    >>> [(form.rows, form.columns, form.size) for form in forms]
    [(4, 1, 20), (4, 1, 14), (3, 1, 14), (1, 3, 14)]
    """
    large, small = sizes
    count = len(labels)
    few = min(FEW_ROWS, count)
    some = count if count <= MANY_ROWS else SOME_ROWS
    make = partial(_make_panel, labels, number)
    forms = [
        make(count, 1, large, worth=0.9),
        make(some, 1, small, worth=0.8),
        make(few, 1, small, worth=0.6, is_compact=True),
        make(1, few, small, worth=0.4, is_compact=True),
    ]
    if with_strip:
        forms.insert(0, make(count, 1, large, worth=1.0, has_strip=True))
    return tuple(forms)


def _make_panel(
    labels: Labels,
    number: str,
    rows: int,
    columns: int,
    size: int,
    *,
    worth: float,
    has_strip: bool = False,
    is_compact: bool = False,
) -> Panel:
    pad = max(3, round(PAD_EM * size))
    has_bars = columns < TEXT_ONLY_COLUMNS
    bar = round((COMPACT_BAR_EM if is_compact else BAR_EM) * size) if has_bars else 0
    widest = max(measure_text(label, size, BOLD) for label in labels)
    return Panel(
        rows,
        columns,
        size,
        row=round(ROW_EM * size),
        pad=pad,
        names=min(widest, round(MAX_NAME_EM * size)) + pad,
        bar=bar,
        shares=measure_text("100 %", size, BOLD) + (pad if bar else 0),
        header=round(HEADER_EM * size) if number and columns == 1 else 0,
        lead=_measure_tag(number, size) + pad if number and columns > 1 else 0,
        strip=round(STRIP_EM * size) if has_strip else 0,
        worth=worth,
        over_own=is_compact,
    )


def to_panel_forms(panels: tuple[Panel, ...]) -> tuple[Form, ...]:
    """Gives each form of a panel its size and worth for `app.placement.solver`."""
    return tuple(Form(one.width, one.height, one.worth, one.over_own) for one in panels)


def draw_panel(
    canvas: Image,
    rect: Rect,
    panel: Panel,
    *,
    labels: Labels,
    probabilities: Floats,
    rows: tuple[int, ...],
    highlighted: int,
    number: str,
    colour: Colour,
    edge: str,
    strip: Strip | None,
) -> None:
    """Draws a panel onto the canvas, in place.

    Args:
        canvas: uint8 `(H, W, 3)` BGR.
        rect: The panel's place, px.
        panel: The form to draw.
        labels: The names of the K classes.
        probabilities: float32 `(K,)`, in the order of `labels`.
        rows: The indices of the classes to show, from the top.
        highlighted: The index of the class whose name and figure are brighter.
        number: The face's number, "" for none.
        colour: The face's colour, BGR.
        edge: The side of the panel that the face is on: "left", "right", "top" or "bottom".
        strip: The last seconds; None for none.

    >>> (panel, *_) = make_panels(("a", "b"), (14, 12), number="", with_strip=False)
    >>> canvas = np.full((panel.height, panel.width, 3), 200, np.uint8)
    >>> shares, white = np.array([1, 0], np.float32), (255, 255, 255)
    >>> draw_panel(
    ...     canvas, Rect(0, 0, panel.width, panel.height), panel, labels=("a", "b"),
    ...     probabilities=shares, rows=(0, 1), highlighted=0, number="", colour=white, edge="left",
    ...     strip=None,
    ... )
    >>> yellow = (canvas == choose_colour("a", ("a", "b"))).all(axis=2)  # the bar of "a", 100 %
    >>> int(yellow.sum(axis=1).max()) == panel.bar
    True
    """
    darken_rect(canvas, rect, radius=choose_radius_px(panel.size))
    _draw_edge(canvas, rect, panel.edge, edge, colour)
    left = rect.x + (panel.edge if edge != "right" else 0) + panel.pad
    top = rect.y + panel.pad
    if number:
        _draw_tag(canvas, (left, top), number, panel.size, colour)
        left, top = left + panel.lead, top + panel.header
    # Letters may reach a little out of their rows.
    out = measure_overhang_px(panel.size)
    stamp = Stamp(rect.right - left + out, panel.rows * panel.row + 2 * out)
    for place, row in enumerate(rows):
        x = out + (place % panel.columns) * (panel.column + panel.side)
        y = out + (place // panel.columns) * panel.row
        label, share = labels[row], float(probabilities[row])
        _add_row(
            stamp, (x, y), panel, label, share, choose_colour(label, labels), row == highlighted
        )
    stamp.lay_on(canvas, (left - out, top - out))
    if strip is not None and panel.strip:
        top += panel.rows * panel.row + panel.pad
        _draw_strip(canvas, strip, labels, panel, (left, top))


def _draw_edge(canvas: Image, rect: Rect, thick: int, edge: str, colour: Colour) -> None:
    stripes = {
        "left": Rect(rect.x, rect.y, thick, rect.height),
        "right": Rect(rect.right - thick, rect.y, thick, rect.height),
        "top": Rect(rect.x, rect.y, rect.width, max(2, thick // 2)),
        "bottom": Rect(rect.x, rect.bottom - max(2, thick // 2), rect.width, max(2, thick // 2)),
    }
    fill_rect(canvas, stripes[edge], colour)


def _draw_tag(canvas: Image, xy: tuple[int, int], number: str, size: int, colour: Colour) -> None:
    tag = Rect(*xy, _measure_tag(number, size), round(TAG_EM * size))
    fill_rect(canvas, tag, colour, radius=choose_radius_px(size))
    start = xy[0] + max(2, size // 3), xy[1] + round(TAG_BASELINE_EM * size)
    put_text(canvas, number, start, size, weight=BOLD, colour=choose_ink(colour))


def _measure_tag(number: str, size: int) -> int:
    return measure_text(number, size, BOLD) + 2 * max(2, size // 3)


def _add_row(
    stamp: Stamp,
    xy: tuple[int, int],
    panel: Panel,
    label: str,
    share: float,
    colour: Colour,
    stands_out: bool,
) -> None:
    """Adds a class's name, its bar on a track as long as 100 %, and its figure."""
    x, y = xy
    size, line = panel.size, y + round(BASELINE_SHARE * panel.row)
    weight, ink = (BOLD, WHITE) if stands_out else (MEDIUM, SOFT_WHITE)
    name = shorten_text(label, size, BOLD, panel.names - panel.pad)
    stamp.put_text(name, (x, line), size, weight=weight, colour=ink)
    x += panel.names
    if panel.bar:
        inset = max(2, round(BAR_INSET_SHARE * panel.row))
        top, high = y + inset, panel.row - 2 * inset
        stamp.lighten((x, top, panel.bar, high), TRACK_LIGHT)
        stamp.fill((x, top, max(1, round(share * panel.bar)), high), colour)
    text = format_share(share)
    right = x + panel.bar + panel.shares - measure_text(text, size, weight)
    stamp.put_text(text, (right, line), size, weight=weight, colour=ink)


@lru_cache(16)
def _step_colours(labels: Labels) -> NDArray[np.uint8]:
    """Lists the colours of a strip's steps, uint8 `(K + 2, 3)` BGR: those of the K classes, then
    those of `NOT_SEEN` (-2) and `UNSURE_STEP` (-1), so that a step's value is its index."""
    colours = [choose_colour(label, labels) for label in labels]
    ends = {UNSURE_STEP: SOFT_WHITE, NOT_SEEN: BLACK}
    return np.array([*colours, ends[-2], ends[-1]], np.uint8)


def _draw_strip(
    canvas: Image, strip: Strip, labels: Labels, panel: Panel, xy: tuple[int, int]
) -> None:
    """Draws the last seconds from left to right: each step in the colour of its label, as high as
    its probability. The right border is now."""
    left, top = xy
    line = top + round(0.5 * panel.strip + 0.35 * panel.size)
    span = f"{SPAN_S:.0f} s"
    put_text(canvas, span, (left, line), panel.size, weight=MEDIUM, colour=SOFT_WHITE)
    left += panel.names
    right, bottom = left + panel.bar + panel.shares, top + panel.strip
    darken_rect(canvas, Rect(left, top, right - left, panel.strip))
    height, width = canvas.shape[:2]
    columns, rows = np.arange(left, min(right, width)), np.arange(top, min(bottom, height))
    if not (len(columns) and len(rows)):
        return
    steps = (columns - left) * STEPS // (right - left)
    classes = strip.classes[steps]  # (w,)
    high = np.where(classes == NOT_SEEN, 0, np.maximum(1, strip.shares[steps] * panel.strip))
    lit = (bottom - rows)[:, None] <= high.astype(np.int32)  # (h, w)
    part = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    colours = cv2.repeat(_step_colours(labels)[classes][None], len(rows), 1)  # (h, w, 3)
    cv2.copyTo(colours, lit.view(np.uint8), dst=part)
