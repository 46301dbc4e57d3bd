"""Times are round and read as players show them; timelines end where nothing is seen."""

import pytest

from app.report.timeline import choose_time_ticks, format_play_time, split_stretches


@pytest.mark.parametrize(
    ("seconds", "step", "text"),
    [
        (0, 1, "0:00"),
        (75.4, 1, "1:15"),
        (3675, 60, "1:01:15"),
        (59.96, 0.1, "1:00.0"),
        (5.25, 0.01, "0:05.25"),
    ],
)
def test_clock_reads_as_players_show_it(seconds: float, step: float, text: str) -> None:
    assert format_play_time(seconds, step) == text


@pytest.mark.parametrize(
    ("end_s", "expected"),
    [
        (0, [0]),
        (0.7, [0, 0.2, 0.4, 0.6]),
        (19.7, [0, 5, 10, 15]),
        (14400, [0, 3600, 7200, 10800, 14400]),
    ],
)
def test_ticks_are_round_times(end_s: float, expected: list[float]) -> None:
    assert choose_time_ticks(end_s) == pytest.approx(expected)


def test_stretches_end_where_nothing_is_seen() -> None:
    steps = [(0.0, 0.5), (0.1, 0.7), (1.0, 0.9)]
    assert split_stretches(steps, 0.1, 0.3) == [
        [(0.0, 0.5), (0.05, 0.5), (pytest.approx(0.15), 0.7), (pytest.approx(0.2), 0.7)],
        [(1.0, 0.9), (1.05, 0.9), (1.1, 0.9)],
    ]
