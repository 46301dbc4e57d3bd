"""The newest picture of a live source: its age, and how many are made, on a clock of events."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from app.sources.newest_picture import Arrival, MadePicture, NewestPicture

PICTURE = np.zeros((1, 1, 3), np.uint8)


@dataclass
class Run:
    """A camera, a maker and a consumer on one simulated clock.

    A picture arrives every `interval_s` and takes `making_s`; the consumer is away for `away_s`
    with each. `ages_s` are the ages of the pictures that it got: when it came for one, and when it
    got it.
    """

    interval_s: float
    making_s: float
    away_s: Callable[[int], float]
    seconds: float = 20.0
    ages_s: list[tuple[float, float]] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    made: int = 0

    def play(self) -> "Run":
        newest, events = NewestPicture(), [(0.0, 0, "camera", 0)]
        asked_s: float | None = None
        count = 0

        def later(at_s: float, what: str, number: int = 0) -> None:
            nonlocal count
            count += 1
            heapq.heappush(events, (at_s, count, what, number))

        later(0.0, "consumer")
        while events and events[0][0] < self.seconds:
            now_s, _, what, number = heapq.heappop(events)
            if what == "camera":
                newest.add(Arrival(lambda: PICTURE, now_s, number))
                later(now_s + self.interval_s, "camera", number + 1)
            elif what == "maker":
                self.made += 1
                newest.finish(PICTURE, now_s)
            else:
                newest.ask(now_s)
                asked_s = now_s
            if asked_s is not None and (got := newest.take(now_s)) is not None:
                self.ages_s.append((asked_s - got.arrived_s, now_s - got.arrived_s))
                self.indices.append(got.connection)
                later(now_s + self.away_s(len(self.indices)), "consumer")
                asked_s = None
            if newest.begin(now_s) is not None:
                later(now_s + self.making_s, "maker")
        return self


def steady(away_s: float) -> Callable[[int], float]:
    return lambda number: away_s


def uneven(number: int) -> float:
    """A consumer that is quick, slow, and held up for a second now and then."""
    return 1.0 if number % 20 == 19 else 0.02 + 0.2 * (number % 3)


@pytest.mark.parametrize("away_s", [steady(0.01), steady(0.04), steady(0.1), steady(1.5), uneven])
@pytest.mark.parametrize("making_s", [0.001, 0.02, 0.05])
@pytest.mark.parametrize("interval_s", [1 / 60, 1 / 30, 0.2])
def test_no_consumer_gets_an_old_picture_and_none_twice(
    interval_s: float, making_s: float, away_s: Callable[[int], float]
) -> None:
    run = Run(interval_s, making_s, away_s).play()
    oldest_s = interval_s + making_s
    # Where making takes longer than an interval, the forecast is a mean of uneven times.
    assert max(age for age, _ in run.ages_s[3:]) <= 1.1 * oldest_s + 1e-9
    assert max(age for _, age in run.ages_s[3:]) <= oldest_s + making_s + 1e-9
    assert run.indices == sorted(set(run.indices))


@pytest.mark.parametrize(
    ("away_s", "frames_a_second"),
    [(0.01, 30.0), (0.03, 30.0), (0.04, 25.0), (0.1, 10.0)],
)
def test_a_picture_is_made_while_the_consumer_is_away(
    away_s: float, frames_a_second: float
) -> None:
    """At 3840 x 2160 a JPEG takes 27 ms. One after the other, 40 ms of work would give 15 frames/s
    instead of 25."""
    run = Run(1 / 30, 0.027, steady(away_s)).play()
    assert len(run.indices) / run.seconds == pytest.approx(frames_a_second, rel=0.04)


def test_a_slow_consumer_has_only_its_own_pictures_made() -> None:
    run = Run(1 / 30, 0.02, steady(0.5)).play()
    assert len(run.indices) == pytest.approx(40, abs=2)
    assert run.made <= 2 * len(run.indices) + 5  # of 600 that arrived


def test_pictures_that_arrive_ready_replace_older_ones() -> None:
    newest = NewestPicture()
    for number in range(3):
        newest.add_made(MadePicture(PICTURE, float(number), number))
    newest.ask(2.5)
    got = newest.take(2.5)
    assert got is not None
    assert got.connection == 2
    assert newest.take(2.6) is None


def test_picture_of_no_use_leaves_the_older_one() -> None:
    newest = NewestPicture()
    newest.add(Arrival(lambda: PICTURE, 0.0, 0))
    assert newest.begin(0.0) is not None
    newest.finish(PICTURE, 0.02)
    newest.add(Arrival(lambda: None, 0.03, 1))
    assert newest.begin(0.03) is not None
    assert newest.has_work
    newest.finish(None, 0.05)
    got = newest.take(0.05)
    assert got is not None
    assert (got.connection, newest.has_work) == (0, False)
