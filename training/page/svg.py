"""Drawings for a page, as SVG text: no library, no network, colours from the page's own style.

Coordinates are those of a `WIDTH` x `HEIGHT` view that the page scales to its column. Classes:
`axis`, `grid` for lines, `tick` for numbers, `s1`, `s2` for series, `mark` for what is pointed out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from training.measures.metrics import ReliabilityBin

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 380, 12, 216  # of the plotting area


@dataclass(frozen=True, slots=True)
class Series:
    """`points`: (x, y) in data units, in order; the name stands in the legend."""

    name: str
    points: tuple[tuple[float, float], ...]


def ticks(low: float, high: float, count: int = 6) -> list[float]:
    """About `count` round numbers within `low`..`high`: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    raw = (high - low) / max(1, count - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def svg(title: str, parts: Sequence[str]) -> str:
    """`title` is what a screen reader says of the drawing."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def line_chart(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_range: tuple[float, float],
    y_text: Callable[[float], str] = "{:g}".format,
    mark_x: float | None = None,
) -> str:
    """Lines over a common x; `mark_x` is a dashed upright. A single point is drawn as a dot."""
    xs = [x for one in series for x, _ in one.points]
    low, high = (min(xs), max(xs)) if xs else (0.0, 1.0)
    place_x, place_y = _scale(low, high, LEFT, RIGHT), _scale(*y_range, BOTTOM, TOP)
    whole = [x for x in ticks(low, high) if x == round(x)]
    parts = _frame(
        [(place_x(x), f"{x:g}") for x in whole],
        [(place_y(y), y_text(y)) for y in ticks(*y_range)],
        x_label,
    )
    if mark_x is not None:
        parts.append(_line(place_x(mark_x), TOP, place_x(mark_x), BOTTOM, "mark"))
    for number, one in enumerate(series, start=1):
        points = [(place_x(x), place_y(min(max(y, y_range[0]), y_range[1]))) for x, y in one.points]
        if len(points) == 1:
            parts.append(_dot(*points[0], 4, f"s{number}"))
        elif points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="s{number}" points="{path}"/>')
    return svg(title, parts)


def reliability_chart(title: str, bins: Sequence[ReliabilityBin]) -> str:
    """Share of right answers over what the model said of itself; a dot's area follows its count."""
    place_x, place_y = _scale(0, 1, LEFT, RIGHT), _scale(0, 1, BOTTOM, TOP)
    shares = [n / 5 for n in range(6)]
    parts = _frame(
        [(place_x(x), f"{100 * x:.0f} %") for x in shares],
        [(place_y(y), f"{100 * y:.0f} %") for y in shares],
        "probability of the label that was given",
    )
    parts.append(_line(place_x(0), place_y(0), place_x(1), place_y(1), "mark"))
    filled = [one for one in bins if one.count]
    most = max((one.count for one in filled), default=1)
    for one in filled:
        left, top = place_x(one.low), place_y(one.accuracy)
        width = place_x(one.high) - left
        parts.append(
            f'<rect class="bar" x="{left + 1:.1f}" y="{top:.1f}" width="{width - 2:.1f}" '
            f'height="{BOTTOM - top:.1f}"/>'
        )
    for one in filled:
        radius = 3 + 6 * math.sqrt(one.count / most)
        parts.append(_dot(place_x(one.confidence), place_y(one.accuracy), radius, "s2"))
    return svg(title, parts)


def _scale(low: float, high: float, begin: float, end: float) -> Callable[[float], float]:
    span = high - low or 1.0
    return lambda value: begin + (end - begin) * (value - low) / span


def _frame(
    x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]], x_label: str
) -> list[str]:
    parts = []
    for y, text in y_ticks:
        parts.append(_line(LEFT, y, RIGHT, y, "grid"))
        parts.append(_text(LEFT - 6, y + 4, text, "end"))
    for x, text in x_ticks:
        parts.append(_text(x, BOTTOM + 16, text, "middle"))
    parts.append(_line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"))
    parts.append(_text((LEFT + RIGHT) / 2, HEIGHT - 4, x_label, "middle"))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _dot(x: float, y: float, radius: float, kind: str) -> str:
    return f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
