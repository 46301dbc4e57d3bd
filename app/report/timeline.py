"""Draws the timelines of the report, with times beside them as HTML."""

import math
from collections.abc import Sequence

from app.episodes.episode import Episode
from app.pages.charts import TimelineSpan, draw_timeline
from app.pages.html import Html, fill_html, join_html

# Distances of times on an axis, in seconds; beyond the last, whole hours.
TICK_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


def format_play_time(time_s: float, step_s: float = 1.0) -> str:
    """Formats seconds as players do, with decimals if steps are shorter than a second.

    >>> format_play_time(75), format_play_time(3675), format_play_time(1.5, step_s=0.1)
    ('1:15', '1:01:15', '0:01.5')
    """
    decimals = 0 if step_s >= 1 else 1 if step_s >= 0.1 else 2
    whole = round(time_s, decimals)
    minutes, seconds = divmod(whole, 60)
    text = f"{seconds:0{3 + decimals if decimals else 2}.{decimals}f}"
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"


def choose_time_ticks(end_s: float, count: int = 4) -> list[float]:
    """Chooses about `count` round times in seconds, from 0 to `end_s`."""
    if end_s <= 0:
        return [0.0]
    raw = end_s / count
    step = next((one for one in TICK_STEPS_S if one >= raw), 3600 * math.ceil(raw / 3600))
    return [n * step for n in range(int(end_s / step + 1e-9) + 1)]


def draw_label_timeline(
    title: str,
    kind: str,
    stretches: Sequence[Sequence[tuple[float, float]]],
    episodes: Sequence[Episode],
    end_s: float,
) -> Html:
    """Draws one label of one person: the probability over time, and a bar for each episode.

    Args:
        title: The name of the drawing for a screen reader.
        kind: The CSS class that gives the colour.
        stretches: The stretches of `split_stretches`.
        episodes: The episodes of the label.
        end_s: The length of the source in seconds.
    """
    spans = [TimelineSpan(one.onset_s, one.offset_s, _describe(one)) for one in episodes]
    return draw_timeline(title, kind, stretches, spans, end_s)


def _describe(episode: Episode) -> str:
    onset, apex, offset = (
        format_play_time(time_s, 0.1)
        for time_s in (episode.onset_s, episode.apex_s, episode.offset_s)
    )
    peak = f"{100 * episode.peak:.0f} %"
    return f"{episode.label}, {onset} to {offset}, strongest at {apex} ({peak})"


def draw_axis(end_s: float) -> Html:
    """Draws the axis below a timeline of `end_s` seconds, as HTML whose texts keep their size."""
    ticks = choose_time_ticks(end_s)
    step_s = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    marks = join_html(
        fill_html(
            '<span style="left:{:.2f}%">{}</span>',
            100 * time_s / max(end_s, 1e-9),
            format_play_time(time_s, step_s),
        )
        for time_s in ticks
    )
    return fill_html('<div class="axis">{}</div>', marks)


def split_stretches(
    steps: Sequence[tuple[float, float]], bin_s: float, gap_s: float
) -> list[list[tuple[float, float]]]:
    """Splits a timeline into stretches in which the face was seen.

    Args:
        steps: (begin in seconds, value) of each step with a value, in order.
        bin_s: The length of a step in seconds.
        gap_s: A longer absence ends a stretch.

    Returns:
        The points (seconds, value) of each stretch. The value of a step is placed at the middle of
        the step; the first and the last value also at the end of the stretch.

    >>> split_stretches([(0.0, 0.5), (1.0, 0.75), (9.0, 0.25)], bin_s=1.0, gap_s=0.5)[0]
    [(0.0, 0.5), (0.5, 0.5), (1.5, 0.75), (2.0, 0.75)]
    """
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
