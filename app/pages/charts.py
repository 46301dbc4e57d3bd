"""Draws charts as SVG, without a library or network. The colours come from `app.pages.style`.

A chart has a view of `WIDTH` x `HEIGHT` units, x to the right and y downwards, and the page scales
this view to its column. Classes: `axis` and `grid` for lines, `tick` for numbers, `s1`, `s2`… for
series, `mark` for what is pointed out.

A timeline has a view of `TIMELINE_WIDTH` x `TIMELINE_HEIGHT` units, which stretches to any size;
its texts stand beside it in HTML. Classes: `area` for probabilities, `span` for episodes, `level`
for grid lines, and one more class for the colour.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.pages.html import Html, escape_text, fill_html, join_html

WIDTH = 400
HEIGHT = 250
LEFT = 44  # borders of the plotting area
RIGHT = 380
TOP = 12
BOTTOM = 216
DOT_RADIUS = 4
MIN_BIN_RADIUS = 3  # of the dot of a bin of the reliability chart
MAX_BIN_RADIUS = 9

TIMELINE_WIDTH = 1000  # for the whole length of the source
TIMELINE_HEIGHT = 100
TIMELINE_BASE = 82.0  # y of probability 0
TIMELINE_TOP = 4.0  # y of probability 1
SPAN_TOP = 88
SPAN_HEIGHT = 12
MIN_SPAN_WIDTH = 2.0  # so that a short episode of a long video stays visible


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart: (x, y) in units of the data, in order. The legend shows the name."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class ReliabilityBar:
    """The predictions whose probability lies from `low` to `high`: their count, their mean
    probability and the share of right ones, 0 to 1."""

    low: float
    high: float
    count: int
    mean_probability: float
    right_share: float


@dataclass(frozen=True, slots=True)
class TimelineSpan:
    """A bar of a timeline, from `begin_s` to `end_s`. The title appears under the mouse."""

    begin_s: float
    end_s: float
    title: str


def choose_ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Chooses about `count` round numbers within `low` to `high`, in steps of 1, 2 or 5 times a
    power of ten.

    >>> choose_ticks(1, 37)
    [10.0, 20.0, 30.0]
    """
    if not high > low:
        return [low]
    raw = (high - low) / max(1, count - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def draw_line_chart(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_range: tuple[float, float],
    format_y: Callable[[float], str] = "{:g}".format,
    mark_x: float | None = None,
) -> Html:
    """Draws lines over a common x.

    Args:
        title: The name of the drawing for a screen reader.
        series: The lines. A single point is drawn as a dot.
        x_label: The text below the x axis, whose numbers are whole ones.
        y_range: The lowest and the highest y; points beyond are drawn at the border.
        format_y: Formats the numbers of the y axis.
        mark_x: The x of a dashed vertical line, if there is one.
    """
    xs = [x for one in series for x, _ in one.points]
    low, high = (min(xs), max(xs)) if xs else (0.0, 1.0)
    place_x, place_y = _make_scale(low, high, LEFT, RIGHT), _make_scale(*y_range, BOTTOM, TOP)
    whole = [x for x in choose_ticks(low, high) if x == round(x)]
    parts = _draw_axes(
        [(place_x(x), f"{x:g}") for x in whole],
        [(place_y(y), format_y(y)) for y in choose_ticks(*y_range)],
        x_label,
    )
    if mark_x is not None:
        parts.append(_draw_line(place_x(mark_x), TOP, place_x(mark_x), BOTTOM, "mark"))
    for number, one in enumerate(series, start=1):
        points = [(place_x(x), place_y(min(max(y, y_range[0]), y_range[1]))) for x, y in one.points]
        if len(points) == 1:
            parts.append(_draw_dot(*points[0], DOT_RADIUS, f"s{number}"))
        elif points:
            parts.append(
                fill_html('<polyline class="s{}" points="{}"/>', number, _format_path(points))
            )
    return _draw_chart(title, parts)


def draw_reliability_chart(title: str, bars: Sequence[ReliabilityBar]) -> Html:
    """Draws the share of right answers over the probability that the model gave.

    A bar shows the share of a bin, and a dot the bin's mean probability; the area of a dot follows
    the bin's count. Bins without predictions are left out.
    """
    place_x, place_y = _make_scale(0, 1, LEFT, RIGHT), _make_scale(0, 1, BOTTOM, TOP)
    shares = [n / 5 for n in range(6)]
    parts = _draw_axes(
        [(place_x(x), f"{100 * x:.0f} %") for x in shares],
        [(place_y(y), f"{100 * y:.0f} %") for y in shares],
        "probability of the label that was given",
    )
    parts.append(_draw_line(place_x(0), place_y(0), place_x(1), place_y(1), "mark"))
    filled = [one for one in bars if one.count]
    most = max((one.count for one in filled), default=1)
    for one in filled:
        left, top = place_x(one.low), place_y(one.right_share)
        width = place_x(one.high) - left
        parts.append(
            fill_html(
                '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>',
                left + 1,
                top,
                width - 2,
                BOTTOM - top,
            )
        )
    for one in filled:
        radius = MIN_BIN_RADIUS + (MAX_BIN_RADIUS - MIN_BIN_RADIUS) * math.sqrt(one.count / most)
        parts.append(
            _draw_dot(place_x(one.mean_probability), place_y(one.right_share), radius, "s2")
        )
    return _draw_chart(title, parts)


def draw_timeline(
    title: str,
    kind: str,
    stretches: Sequence[Sequence[tuple[float, float]]],
    spans: Sequence[TimelineSpan],
    end_s: float,
) -> Html:
    """Draws a probability over time, and bars below it.

    Args:
        title: The name of the drawing for a screen reader.
        kind: The CSS class that gives the colour.
        stretches: Stretches of time without a gap, each of (seconds, probability) in order.
        spans: The bars.
        end_s: The length of the source in seconds.
    """

    def place_x(time_s: float) -> float:
        x = TIMELINE_WIDTH * time_s / max(end_s, 1e-9)
        return min(float(TIMELINE_WIDTH), max(0.0, x))

    def place_y(share: float) -> float:
        return TIMELINE_BASE - (TIMELINE_BASE - TIMELINE_TOP) * min(1.0, max(0.0, share))

    parts = [
        fill_html(
            '<line class="level" x1="0" y1="{y}" x2="{x}" y2="{y}"/>',
            x=TIMELINE_WIDTH,
            y=TIMELINE_BASE,
        )
    ]
    for stretch in stretches:
        if stretch:
            corners = [(stretch[0][0], 0.0), *stretch, (stretch[-1][0], 0.0)]
            path = _format_path([(place_x(time_s), place_y(share)) for time_s, share in corners])
            parts.append(fill_html('<polygon class="area {}" points="{}"/>', kind, path))
    for one in spans:
        x = place_x(one.begin_s)
        parts.append(
            fill_html(
                '<rect class="span {}" x="{:.1f}" y="{}" width="{:.1f}" height="{}">'
                "<title>{}</title></rect>",
                kind,
                x,
                SPAN_TOP,
                max(MIN_SPAN_WIDTH, place_x(one.end_s) - x),
                SPAN_HEIGHT,
                one.title,
            )
        )
    return fill_html(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        TIMELINE_WIDTH,
        TIMELINE_HEIGHT,
        title,
        join_html(parts),
    )


def _make_scale(low: float, high: float, begin: float, end: float) -> Callable[[float], float]:
    """Returns the linear function that maps `low` to `begin` and `high` to `end`."""
    span = high - low or 1.0
    return lambda value: begin + (end - begin) * (value - low) / span


def _draw_chart(title: str, parts: Sequence[Html]) -> Html:
    return fill_html(
        '<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}">'
        "<title>{title}</title>{parts}</svg>",
        width=WIDTH,
        height=HEIGHT,
        title=title,
        parts=join_html(parts),
    )


def _draw_axes(
    x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]], x_label: str
) -> list[Html]:
    parts = []
    for y, text in y_ticks:
        parts.append(_draw_line(LEFT, y, RIGHT, y, "grid"))
        parts.append(_draw_text(LEFT - 6, y + 4, text, "end"))
    for x, text in x_ticks:
        parts.append(_draw_text(x, BOTTOM + 16, text, "middle"))
    parts.append(_draw_line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"))
    parts.append(_draw_text((LEFT + RIGHT) / 2, HEIGHT - 4, x_label, "middle"))
    return parts


def _draw_line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return fill_html(
        '<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>', kind, x1, y1, x2, y2
    )


def _draw_text(x: float, y: float, text: str, anchor: str) -> Html:
    return fill_html(
        '<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>', x, y, anchor, text
    )


def _draw_dot(x: float, y: float, radius: float, kind: str) -> Html:
    return fill_html(
        '<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>', kind, x, y, radius
    )


def _format_path(points: Sequence[tuple[float, float]]) -> Html:
    return escape_text(" ".join(f"{x:.1f},{y:.1f}" for x, y in points))
