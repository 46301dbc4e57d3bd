"""One steady reading for each person, out of readings that tremble with camera and detector.

Probabilities are averaged as logarithms. The logarithms of calibrated probabilities are the
network's logits, divided by its temperature, up to a constant of each frame that cancels when they
are made to sum to 1 again: so this is averaging logits, and margins in nats (differences of log
probabilities, log odds) mean the same for networks of any temperature. The average of many frames
is as bold as one frame is, not bolder: frames of one face err together, so they are no independent
witnesses. The temperature was fitted on single pictures; that it suits averages is taken over, not
measured.

The label shown is not just the largest. Another one, "unsure" among them, takes its place when it
leads for `hold_s` by `margin_nats` in the average over `smooth_s`, or by `decided_nats` in a quick
average over `QUICK_S`: then the expression has changed, and the slow average begins anew with the
quick one. docs/steadiness.md has the figures that chose these.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.defaults import SMOOTH_S as SMOOTH_S
from app.stage_state import SavedState, State, dump_array, load_array
from app.types import REASONS, Floats, Reason

QUICK_S = 0.05  # of the quick average; the slow one's is `SMOOTH_S`
MARGIN_NATS, DECIDED_NATS, HOLD_S = 0.5, 1.5, 0.1
FLOOR = 1e-6  # probabilities below this count as it, for the logarithm of 0 is none
GAP_S = 0.5  # who was not seen for longer is read anew
REASON_HOLD_S = 1.0
NO_CLASS = -1  # in place of a class: unsure

# `(N, K)` probabilities -> `(N,)` nats, at least 0 where a label may be said.
SurenessFunction = Callable[[Floats], NDArray[np.float64]]


class SmoothedReadings(NamedTuple):
    """`probabilities (N, K)`: smoothed, rows sum to 1. `shown (N,)`: the class to be said, or
    `NO_CLASS` where that is unsure."""

    probabilities: Floats
    shown: NDArray[np.int64]


@dataclass(slots=True)
class _Lead:
    """Who leads over what is shown, and since when. `since_s` NaN: nobody."""

    rival: int = NO_CLASS
    since_s: float = math.nan

    def held_s(self, rival: int, leads: bool, time_s: float) -> float:
        """How long it has led without a break; less than 0 where it does not."""
        if not leads:
            self.since_s = math.nan
            return -1.0
        if math.isnan(self.since_s) or rival != self.rival:
            self.rival, self.since_s = rival, time_s
        return time_s - self.since_s

    def state(self) -> State:
        return {"rival": self.rival, "since_s": float(self.since_s)}

    @classmethod
    def of(cls, state: SavedState) -> "_Lead":
        return cls(int(state["rival"]), float(state["since_s"]))


@dataclass(slots=True)
class _Person:
    """`slow (K,)`, `quick (K,)`: averaged logarithms. `shown` None: nothing yet."""

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
    def of(cls, state: SavedState) -> "_Person":
        return cls(
            load_array(state["slow"]),
            load_array(state["quick"]),
            float(state["seen_s"]),
            None if state["shown"] is None else int(state["shown"]),
            _Lead.of(state["slow_lead"]),
            _Lead.of(state["quick_lead"]),
        )


class ReadingSmoother:
    """Readings of the people of one stream, in order of time.

    A person is a number. Who was not seen for longer than `GAP_S` begins anew with their next
    reading, as everybody does when time runs backwards; after a shorter gap the new reading weighs
    as much as the time since the last one asks for. `smooth_s` may be changed while it runs; 0
    shows every frame as it is, without margin and hold.
    """

    def __init__(
        self,
        *,
        smooth_s: float = SMOOTH_S,
        margin_nats: float = MARGIN_NATS,
        decided_nats: float = DECIDED_NATS,
        hold_s: float = HOLD_S,
    ) -> None:
        if not (margin_nats >= 0 and decided_nats >= 0 and hold_s >= 0):
            raise ValueError("margin_nats, decided_nats and hold_s must be at least 0")
        self.smooth_s = smooth_s
        self._margin_nats = margin_nats
        self._decided_nats = decided_nats
        self._hold_s = hold_s
        self.reset()

    @property
    def smooth_s(self) -> float:
        return self._smooth_s

    @smooth_s.setter
    def smooth_s(self, seconds: float) -> None:
        if not 0 <= seconds < math.inf:
            raise ValueError("smooth_s must be a time of at least 0 seconds")
        self._smooth_s = seconds

    def reset(self) -> None:
        """Everybody begins anew, as after a cut."""
        self._people: dict[int, _Person] = {}
        self._now_s = -math.inf

    def state(self) -> State:
        return {
            "people": [[number, one.state()] for number, one in self._people.items()],
            "now_s": float(self._now_s),
        }

    def restore(self, state: SavedState) -> None:
        self._people = {int(number): _Person.of(one) for number, one in state["people"]}
        self._now_s = float(state["now_s"])

    def update(
        self,
        people: Sequence[int],
        probabilities: Floats,
        time_s: float,
        sureness: SurenessFunction | None = None,
    ) -> SmoothedReadings:
        """`probabilities (N, K)` are this frame's of the N `people`. `sureness` None: never in
        doubt."""
        if time_s < self._now_s:
            self.reset()
        self._now_s = time_s
        self._people = {
            number: one for number, one in self._people.items() if time_s - one.seen_s <= GAP_S
        }
        count = len(people)
        if self._smooth_s == 0:
            self._people = {}
        if self._smooth_s == 0 or not count:
            plain = np.asarray(probabilities, np.float32)
            return SmoothedReadings(plain, _best(plain, sureness)[0])
        logs = np.log(np.maximum(np.asarray(probabilities, np.float64), FLOOR))
        known = [self._averaged(n, row, time_s) for n, row in zip(people, logs, strict=True)]
        # Both averages of everybody at once: (2 N, K), the slow ones first.
        both = _softmax(np.stack([one.slow for one in known] + [one.quick for one in known]))
        best, sure = _best(both, sureness)
        smoothed = both[:count]
        for row, one in enumerate(known):
            slow = one.slow
            self._decide(one, both[row::count], best[row::count], sure[row::count], time_s)
            if one.slow is not slow:  # a change that was decided in this frame shows in it
                smoothed[row] = _softmax(one.slow[None])[0]
        return SmoothedReadings(smoothed, np.array([one.shown for one in known], np.int64))

    def _averaged(self, number: int, now: NDArray[np.float64], time_s: float) -> _Person:
        one = self._people.get(number)
        if one is None:
            one = self._people[number] = _Person(now, now, time_s)
            return one
        step_s = time_s - one.seen_s
        one.slow = one.slow + _share(step_s, self._smooth_s) * (now - one.slow)
        one.quick = one.quick + _share(step_s, min(QUICK_S, self._smooth_s)) * (now - one.quick)
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
        """`shares (2, K)`, `best (2,)`, `sure (2,)`: of the slow and of the quick average."""
        if one.shown is None:
            one.shown = int(best[0])
            return
        for row, lead, nats in (
            (1, one.quick_lead, self._decided_nats),
            (0, one.slow_lead, self._margin_nats),
        ):
            rival = int(best[row])
            leads = (
                rival != one.shown and _lead_nats(rival, one.shown, shares[row], sure[row]) >= nats
            )
            # 1e-9: 0.1 s stay 0.1 s, whatever is left of their difference in binary.
            if lead.held_s(rival, leads, time_s) >= self._hold_s - 1e-9:
                one.shown = rival
                one.slow_lead, one.quick_lead = _Lead(), _Lead()
                if row == 1:
                    one.slow = one.quick
                return


def _share(step_s: float, smooth_s: float) -> float:
    return 1.0 - math.exp(-step_s / smooth_s)


def _softmax(logs: NDArray[np.float64]) -> Floats:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _best(
    probabilities: Floats, sureness: SurenessFunction | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(class or `NO_CLASS`, sureness in nats), both `(N,)`."""
    tops = probabilities.argmax(axis=1)
    sure = np.full(len(tops), np.inf) if sureness is None else sureness(probabilities)
    return np.where(sure >= 0, tops, NO_CLASS), sure


def _lead_nats(rival: int, shown: int, shares: Floats, sure: float) -> float:
    """By how much the one is ahead of the other: of a class by log odds, of doubt, or doubt of a
    class, by the distance from where doubt begins."""
    if rival == NO_CLASS:
        return -float(sure)
    if shown == NO_CLASS:
        return float(sure)
    return math.log(max(float(shares[rival]), FLOOR) / max(float(shares[shown]), FLOOR))


@dataclass(slots=True)
class _Why:
    reason: Reason
    seen_s: float
    rival: Reason | None = None
    rival_since_s: float = 0.0

    def state(self) -> State:
        return {
            "reason": self.reason,
            "seen_s": float(self.seen_s),
            "rival": self.rival,
            "rival_since_s": float(self.rival_since_s),
        }

    @classmethod
    def of(cls, state: SavedState) -> "_Why":
        rival = None if state["rival"] is None else _reason(state["rival"])
        return cls(
            _reason(state["reason"]), float(state["seen_s"]), rival, float(state["rival_since_s"])
        )


def _reason(text: str) -> Reason:
    for known in REASONS:
        if known == text:
            return known
    raise ValueError(f"{text!r} is no reason")


class SteadyReasons:
    """Why nothing is said of a person, changed only when another reason has held for `hold_s`
    without a break, so that a figure at its threshold does not flicker."""

    def __init__(self, *, hold_s: float = REASON_HOLD_S) -> None:
        self._hold_s = hold_s
        self._people: dict[int, _Why] = {}

    def state(self) -> State:
        return {"people": [[number, one.state()] for number, one in self._people.items()]}

    def restore(self, state: SavedState) -> None:
        self._people = {int(number): _Why.of(one) for number, one in state["people"]}

    def update(self, now: Mapping[int, Reason], time_s: float) -> dict[int, Reason]:
        """`now`: this frame's reasons, by the number of the person; all others are forgotten after
        `GAP_S`."""
        self._people = {
            number: one for number, one in self._people.items() if 0 <= time_s - one.seen_s <= GAP_S
        }
        for number in self._people.keys() - now.keys():
            self._people[number].rival = None  # no doubt at all breaks the hold
        return {number: self._held(number, reason, time_s) for number, reason in now.items()}

    def _held(self, number: int, reason: Reason, time_s: float) -> Reason:
        one = self._people.setdefault(number, _Why(reason, time_s))
        one.seen_s = time_s
        if reason != one.rival:
            one.rival, one.rival_since_s = reason, time_s
        if time_s - one.rival_since_s >= self._hold_s:
            one.reason = reason
        return one.reason
