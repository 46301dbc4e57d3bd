"""Rates and waits, from a clock that the test holds."""

import pytest

from app.live.pacing import Pacer, RateMeter
from app.process.stage_clock import StageClock


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rate_counts_intervals_not_stamps() -> None:
    clock = Clock()
    meter = RateMeter(window_s=1.0, clock=clock)
    assert meter.tick() is None
    rates = []
    for _ in range(60):
        clock.now += 0.04
        rates.append(meter.tick())
    assert rates == pytest.approx([25.0] * 60)


def test_rate_follows_a_change_within_its_window() -> None:
    clock = Clock()
    meter = RateMeter(window_s=1.0, clock=clock)
    for gap_s in [0.02] * 100 + [0.1] * 10:
        clock.now += gap_s
        rate = meter.tick()
    assert rate == pytest.approx(10.0)


def test_frames_slower_than_the_window_still_have_a_rate() -> None:
    clock = Clock()
    meter = RateMeter(window_s=1.0, clock=clock)
    meter.tick()
    clock.now += 4.0
    assert meter.tick() == pytest.approx(0.25)


def test_pacer_waits_for_early_frames_and_lets_late_ones_pass() -> None:
    clock = Clock()
    pacer = Pacer(clock=clock)
    assert pacer.wait_s(2.0) == 0.0  # the first frame starts the schedule
    clock.now += 0.01
    assert pacer.wait_s(2.04) == pytest.approx(0.03)
    clock.now += 0.5
    assert pacer.wait_s(2.08) == 0.0
    assert pacer.wait_s(2.12) == pytest.approx(0.04)  # no rush to catch up


@pytest.mark.parametrize(
    ("times", "stage_times"),
    [
        ((0.0, 0.04, 0.9), (0.0, 0.04, 0.9)),
        ((5.0, 7.0, 7.1), (5.0, 5.95, 6.05)),  # a slow machine
        ((0.0, 60.0, 60.1, 61.5), (0.0, 0.95, 1.05, 2.0)),  # a pause
        ((0.0, 121.0), (0.0, 121.0)),  # a pause that is too long, or a laptop that slept
        ((9.0, 3.0, 3.1), (9.0, 3.0, 3.1)),  # begins anew
    ],
)
def test_stages_of_a_live_stream_do_not_see_pauses(
    times: tuple[float, ...], stage_times: tuple[float, ...]
) -> None:
    clock = StageClock()
    assert [clock.advance(time_s) for time_s in times] == pytest.approx(stage_times)
    assert clock.is_too_long == (times == (0.0, 121.0))
