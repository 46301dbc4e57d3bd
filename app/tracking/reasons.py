"""Steadies the reasons why faces are unsure, so that a figure at its threshold does not flicker."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.stage_state import SavedState, State
from app.tracking.smoothing import GAP_S
from app.types import REASONS, Reason

REASON_HOLD_S = 1.0  # for which another reason has to hold before it is shown


@dataclass(slots=True)
class _PersonReason:
    """The reason that is shown for a person, and since when the last frame's reason holds."""

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
    def load(cls, state: SavedState) -> "_PersonReason":
        rival = None if state["rival"] is None else _load_reason(state["rival"])
        return cls(
            _load_reason(state["reason"]),
            float(state["seen_s"]),
            rival,
            float(state["rival_since_s"]),
        )


def _load_reason(text: str) -> Reason:
    for known in REASONS:
        if known == text:
            return known
    raise ValueError(f"{text!r} is no reason")


class SteadyReasons:
    """The reasons that are shown for the unsure people of one stream.

    The reason of a person changes only when another reason has held for `hold_s` seconds without a
    break. Frames in which the person is not unsure are a break, too.

    >>> steady = SteadyReasons(hold_s=1.0)
    >>> steady.update({1: "dark"}, 0.0)
    {1: 'dark'}
    >>> steady.update({1: "blurred"}, 0.1), steady.update({1: "blurred"}, 0.2)
    ({1: 'dark'}, {1: 'dark'})
    """

    def __init__(self, *, hold_s: float = REASON_HOLD_S) -> None:
        self._hold_s = hold_s
        self._people: dict[int, _PersonReason] = {}

    def state(self) -> State:
        """Returns all that the next frame's reasons depend on."""
        return {"people": [[number, one.state()] for number, one in self._people.items()]}

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._people = {int(number): _PersonReason.load(one) for number, one in state["people"]}

    def update(self, now: Mapping[int, Reason], time_s: float) -> dict[int, Reason]:
        """Takes the reasons of the frame of `time_s` seconds, by the number of the unsure person.

        Returns the reason to show for each of these people. People who were not unsure for `GAP_S`
        are forgotten.
        """
        self._people = {
            number: one for number, one in self._people.items() if 0 <= time_s - one.seen_s <= GAP_S
        }
        for number in self._people.keys() - now.keys():
            self._people[number].rival = None  # a frame without a reason breaks the hold
        return {number: self._choose(number, reason, time_s) for number, reason in now.items()}

    def _choose(self, number: int, reason: Reason, time_s: float) -> Reason:
        one = self._people.setdefault(number, _PersonReason(reason, time_s))
        one.seen_s = time_s
        if reason != one.rival:
            one.rival, one.rival_since_s = reason, time_s
        if time_s - one.rival_since_s >= self._hold_s:
            one.reason = reason
        return one.reason
