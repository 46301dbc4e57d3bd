"""Smooths the readings of each person over time, because single readings tremble with the camera
and the detector.

Probabilities are averaged as logarithms. The logarithm of a calibrated probability is the network's
logit divided by its temperature, plus a constant of the frame, which cancels when the averages are
made to sum to 1 again. So logits are averaged, and margins in nats (differences of log
probabilities, log odds) mean the same for networks of any temperature. The average of many frames
is as confident as one frame, and not more so, because the errors in frames of one face are not
independent. The temperature was fitted on single pictures; whether it suits averages was not
measured.

The displayed label is not just the class with the largest average. Another class, or "unsure",
replaces the displayed one when the displayed one has been led for `hold_s` either by `margin_nats`
in the slow average over `smoothing_s`, or by `decided_nats` in a quick average over `QUICK_S`. In
the second case the expression has changed, and the slow average goes on from the quick one.
docs/steadiness.md has the figures behind these values.

Leads add up. "unsure" leads the likeliest class by its distance from where doubt begins, and any
other displayed class by as much more as the likeliest class leads that one. So a displayed class
that is no longer the likeliest gives way to "unsure" where no other class is beyond doubt.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.defaults import SMOOTHING_S as SMOOTHING_S
from app.stage_state import SavedState, State, dump_array, load_array
from app.types import Floats

QUICK_S = 0.05  # time constant of the quick average; that of the slow one is `SMOOTHING_S`
# Leads and their duration that change the displayed label; docs/steadiness.md compares others.
MARGIN_NATS = 0.5  # lead in the slow average
DECIDED_NATS = 1.5  # lead in the quick average
LEAD_HOLD_S = 0.1  # so that a lead of one or two frames, of 30 a second, changes nothing
FLOOR = 1e-6  # lower probabilities count as this one, because 0 has no logarithm
GAP_S = 0.5  # the averages of a person who was not seen for longer start again
NO_CLASS = -1  # in place of a class where the label is unsure

# Maps probabilities `(N, K)` to nats `(N,)`, at least 0 where a class may be displayed.
SurenessFunction = Callable[[Floats], NDArray[np.float64]]


class SmoothedReadings(NamedTuple):
    """Readings of N people: smoothed `probabilities (N, K)` float32, whose rows sum to 1, and the
    displayed classes `shown (N,)`, `NO_CLASS` where the label is unsure."""

    probabilities: Floats
    shown: NDArray[np.int64]


@dataclass(slots=True)
class _Lead:
    """Since when the displayed class has been led, by whichever rivals; `since_s` NaN: it is not.

    Rivals may take turns. If each of them had to lead for itself, two that are alike would keep a
    third class on display.
    """

    since_s: float = math.nan

    def measure_hold_s(self, is_led: bool, time_s: float) -> float:
        """Returns how long the class has been led without a break; -1 if it is not."""
        if not is_led:
            self.since_s = math.nan
            return -1.0
        if math.isnan(self.since_s):
            self.since_s = time_s
        return time_s - self.since_s

    def state(self) -> State:
        return {"since_s": float(self.since_s)}

    @classmethod
    def load(cls, state: SavedState) -> "_Lead":
        return cls(float(state["since_s"]))


@dataclass(slots=True)
class _Person:
    """The averages of one person: `slow (K,)` and `quick (K,)` logarithms of probabilities, and the
    displayed class, `shown`; None before the first frame."""

    slow: NDArray[np.float64]
    quick: NDArray[np.float64]
    seen_s: float
    shown: int | None = None
    slow_lead: _Lead = field(default_factory=_Lead)
    quick_lead: _Lead = field(default_factory=_Lead)

    def state(self) -> State:
        return {
            "slow": dump_array(self.slow),
            "quick": dump_array(self.quick),
            "seen_s": float(self.seen_s),
            "shown": self.shown,
            "slow_lead": self.slow_lead.state(),
            "quick_lead": self.quick_lead.state(),
        }

    @classmethod
    def load(cls, state: SavedState) -> "_Person":
        return cls(
            load_array(state["slow"]),
            load_array(state["quick"]),
            float(state["seen_s"]),
            None if state["shown"] is None else int(state["shown"]),
            _Lead.load(state["slow_lead"]),
            _Lead.load(state["quick_lead"]),
        )


class ReadingSmoother:
    """Smooths the readings of the people of one stream, which come in order of time.

    A person is a number. The averages of a person start again with the next reading after a gap of
    more than `GAP_S`, and everybody's start again when time runs backwards. After a shorter gap,
    the weight of the new reading follows from the time since the last one.

    Args:
        smoothing_s: The time constant of the slow average in seconds, at least 0. With 0, every
            frame is shown as it is, without margin and hold. The attribute may be set at any time.
        margin_nats: The lead in the slow average, at least 0, that changes the displayed label.
        decided_nats: The lead in the quick average, at least 0, that changes the displayed label.
        hold_s: The time in seconds, at least 0, for which a lead has to last.

    Raises:
        ValueError: A value is out of its range.
    """

    def __init__(
        self,
        *,
        smoothing_s: float = SMOOTHING_S,
        margin_nats: float = MARGIN_NATS,
        decided_nats: float = DECIDED_NATS,
        hold_s: float = LEAD_HOLD_S,
    ) -> None:
        if not (margin_nats >= 0 and decided_nats >= 0 and hold_s >= 0):
            raise ValueError(
                "margin_nats, decided_nats and hold_s must be at least 0, got "
                f"{margin_nats}, {decided_nats} and {hold_s}"
            )
        self.smoothing_s = smoothing_s
        self._margin_nats = margin_nats
        self._decided_nats = decided_nats
        self._hold_s = hold_s
        self.reset()

    @property
    def smoothing_s(self) -> float:
        """The time constant of the slow average in seconds."""
        return self._smoothing_s

    @smoothing_s.setter
    def smoothing_s(self, seconds: float) -> None:
        if not 0 <= seconds < math.inf:
            raise ValueError(f"smoothing_s must be a time of at least 0 seconds, got {seconds}")
        self._smoothing_s = seconds

    def reset(self) -> None:
        """Forgets all averages, as after a cut."""
        self._people: dict[int, _Person] = {}
        self._now_s = -math.inf

    def state(self) -> State:
        """Returns all that the next frame's readings depend on but the readings themselves."""
        return {
            "people": [[number, one.state()] for number, one in self._people.items()],
            "now_s": float(self._now_s),
        }

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._people = {int(number): _Person.load(one) for number, one in state["people"]}
        self._now_s = float(state["now_s"])

    def update(
        self,
        people: Sequence[int],
        probabilities: Floats,
        time_s: float,
        sureness: SurenessFunction | None = None,
    ) -> SmoothedReadings:
        """Takes the readings of one frame.

        Args:
            people: The numbers of the N people in the frame.
            probabilities: Their probabilities in this frame alone, float32 (N, K).
            time_s: The time of the frame in seconds.
            sureness: Tells how sure smoothed probabilities are; None: always sure.

        Returns:
            The smoothed probabilities and the displayed classes of the N people.

        >>> smoother = ReadingSmoother(smoothing_s=0.25)
        >>> first = smoother.update([7], np.array([[0.9, 0.1]], np.float32), 0.0)
        >>> second = smoother.update([7], np.array([[0.2, 0.8]], np.float32), 0.04)
        >>> second.probabilities.round(3), second.shown
        (array([[0.841, 0.159]], dtype=float32), array([0]))
        """
        if time_s < self._now_s:
            self.reset()
        self._now_s = time_s
        self._people = {
            number: one for number, one in self._people.items() if time_s - one.seen_s <= GAP_S
        }
        count = len(people)
        if self._smoothing_s == 0:
            self._people = {}
        if self._smoothing_s == 0 or not count:
            plain = np.asarray(probabilities, np.float32)
            return SmoothedReadings(plain, _find_best(plain, sureness)[0])
        logs = np.log(np.maximum(np.asarray(probabilities, np.float64), FLOOR))
        known = [self._average(n, row, time_s) for n, row in zip(people, logs, strict=True)]
        # Both averages of everybody at once: (2 N, K), the slow ones first.
        both = _softmax(np.stack([one.slow for one in known] + [one.quick for one in known]))
        best, sure = _find_best(both, sureness)
        smoothed = both[:count]
        for row, one in enumerate(known):
            slow = one.slow
            self._decide(one, both[row::count], best[row::count], sure[row::count], time_s)
            if one.slow is not slow:  # a change that was decided in this frame shows in it
                smoothed[row] = _softmax(one.slow[None])[0]
        return SmoothedReadings(smoothed, np.array([one.shown for one in known], np.int64))

    def _average(self, number: int, now: NDArray[np.float64], time_s: float) -> _Person:
        one = self._people.get(number)
        if one is None:
            one = self._people[number] = _Person(now, now, time_s)
            return one
        step_s = time_s - one.seen_s
        slow_weight = _weigh_step(step_s, self._smoothing_s)
        quick_weight = _weigh_step(step_s, min(QUICK_S, self._smoothing_s))
        one.slow = one.slow + slow_weight * (now - one.slow)
        one.quick = one.quick + quick_weight * (now - one.quick)
        one.seen_s = time_s
        return one

    def _decide(
        self,
        one: _Person,
        shares: Floats,
        best: NDArray[np.int64],
        sure: NDArray[np.float64],
        time_s: float,
    ) -> None:
        """Chooses the displayed class of a person. `shares (2, K)`, `best (2,)` and `sure (2,)` are
        those of the slow and of the quick average."""
        if one.shown is None:
            one.shown = int(best[0])
            return
        for row, lead, nats in (
            (1, one.quick_lead, self._decided_nats),
            (0, one.slow_lead, self._margin_nats),
        ):
            rival = int(best[row])
            over = one.shown
            if row == 1 and rival == NO_CLASS and over != NO_CLASS:
                # Many a change passes through doubt in the quick average, and must not stop there.
                over = int(shares[row].argmax())
            lead_nats = _measure_lead_nats(rival, over, shares[row], sure[row])
            is_led = rival != one.shown and lead_nats >= nats
            # 1e-9, because the difference of two times in binary may be a little less than 0.1 s.
            if lead.measure_hold_s(is_led, time_s) >= self._hold_s - 1e-9:
                one.shown = rival
                one.slow_lead, one.quick_lead = _Lead(), _Lead()
                if row == 1:
                    one.slow = one.quick
                return


def _weigh_step(step_s: float, smoothing_s: float) -> float:
    return 1.0 - math.exp(-step_s / smoothing_s)


def _softmax(logs: NDArray[np.float64]) -> Floats:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _find_best(
    probabilities: Floats, sureness: SurenessFunction | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns the likeliest classes `(N,)`, `NO_CLASS` where unsure, and the sureness `(N,)` in
    nats."""
    tops = probabilities.argmax(axis=1)
    sure = np.full(len(tops), np.inf) if sureness is None else sureness(probabilities)
    return np.where(sure >= 0, tops, NO_CLASS), sure


def _measure_lead_nats(rival: int, shown: int, shares: Floats, sure: float) -> float:
    """Returns the lead of `rival`, the best of an average, over `shown` in nats.

    The lead of a class over another one is their log odds. `NO_CLASS` leads the likeliest class by
    the distance from where doubt begins, and another class by as much more as the likeliest class
    leads that one. A class leads `NO_CLASS` by the distance from where doubt begins.
    """
    if shown == NO_CLASS:
        return float(sure)
    top = float(shares.max() if rival == NO_CLASS else shares[rival])
    lead_nats = math.log(max(top, FLOOR) / max(float(shares[shown]), FLOOR))
    return lead_nats - float(sure) if rival == NO_CLASS else lead_nats
