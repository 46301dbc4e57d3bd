"""Timelines as SVG that stretches to any width; texts stand beside it in HTML and keep their size.

Coordinates of a drawing: x 0..1000 over the source's length, y 0..100 downwards. Classes: `area`
for probabilities, `span` for episodes, `level` for grid lines; colours come from the page.
"""

import math
from collections.abc import Sequence
from html import escape

from app.episodes.episode import Episode

WIDTH, HEIGHT = 1000, 100
BASE, TOP = 82.0, 4.0  # of the areas; the episodes' bar lies below
SPAN_Y, SPAN_HEIGHT = 88, 12
MIN_SPAN = 2.0  # so that a short episode of a long video can still be seen


def format_clock(time_s: float, step_s: float = 1.0) -> str:
    """75 -> 1:15, 3675 -> 1:01:15; with decimals where steps are short."""
    decimals = 0 if step_s >= 1 else 1 if step_s >= 0.1 else 2
    whole = round(time_s, decimals)
    minutes, seconds = divmod(whole, 60)
    text = f"{seconds:0{3 + decimals if decimals else 2}.{decimals}f}"
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"


def choose_time_ticks(end_s: float, count: int = 4) -> list[float]:
    """At most about `count` round times from 0 to `end_s`."""
    if end_s <= 0:
        return [0.0]
    raw = end_s / count
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
    step = next((one for one in steps if one >= raw), 3600 * math.ceil(raw / 3600))
    return [n * step for n in range(int(end_s / step + 1e-9) + 1)]


def draw_timeline(
    title: str,
    kind: str,
    points: Sequence[Sequence[tuple[float, float]]],
    episodes: Sequence[Episode],
    end_s: float,
) -> str:
    """One label of one person. `points`: stretches in which the face was seen, each of (seconds,
    probability) in order; `kind` is the class that colours it."""
    parts = [f'<line class="level" x1="0" y1="{BASE}" x2="{WIDTH}" y2="{BASE}"/>']
    for stretch in points:
        if stretch:
            corners = [(stretch[0][0], 0.0), *stretch, (stretch[-1][0], 0.0)]
            path = " ".join(f"{_x(t, end_s):.1f},{_y(p):.1f}" for t, p in corners)
            parts.append(f'<polygon class="area {kind}" points="{path}"/>')
    for one in episodes:
        x = _x(one.onset_s, end_s)
        width = max(MIN_SPAN, _x(one.offset_s, end_s) - x)
        onset, apex, offset = (
            format_clock(time_s, 0.1) for time_s in (one.onset_s, one.apex_s, one.offset_s)
        )
        what = f"{one.label}, {onset} to {offset}, strongest at {apex} ({100 * one.peak:.0f} %)"
        parts.append(
            f'<rect class="span {kind}" x="{x:.1f}" y="{SPAN_Y}" width="{width:.1f}" '
            f'height="{SPAN_HEIGHT}"><title>{escape(what)}</title></rect>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def draw_axis(end_s: float) -> str:
    """Times below a timeline, as HTML."""
    ticks = choose_time_ticks(end_s)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    marks = "".join(
        f'<span style="left:{100 * t / max(end_s, 1e-9):.2f}%">{format_clock(t, step)}</span>'
        for t in ticks
    )
    return f'<div class="axis">{marks}</div>'


def split_stretches(
    steps: Sequence[tuple[float, float]], bin_s: float, gap_s: float
) -> list[list[tuple[float, float]]]:
    """(begin, value) of steps of `bin_s`, as stretches without gaps longer than `gap_s`. A value
    holds at the middle of its step, and at the ends of its stretch."""
    found: list[list[tuple[float, float]]] = []
    last: float | None = None
    for begin, value in steps:
        if last is None or begin - last > bin_s + gap_s:
            if found and last is not None:
                found[-1].append((last + bin_s, found[-1][-1][1]))
            found.append([(begin, value)])
        found[-1].append((begin + bin_s / 2, value))
        last = begin
    if found and last is not None:
        found[-1].append((last + bin_s, found[-1][-1][1]))
    return found


def _x(time_s: float, end_s: float) -> float:
    return min(float(WIDTH), max(0.0, WIDTH * time_s / max(end_s, 1e-9)))


def _y(share: float) -> float:
    return BASE - (BASE - TOP) * min(1.0, max(0.0, share))
