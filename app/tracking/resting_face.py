"""Corrects for a resting face that does not read as neutral, person by person.

Some faces at rest look sad or angry to the network. Five seconds of such a face say how far each
class stands above neutral in it; that excess, as far as `BOUND_NATS`, is taken off the class from
then on. Classes that stay well below neutral are left alone, so an ordinary face hardly changes.
What it gives and what it costs: docs/live_view.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.types import Floats

NEUTRAL = "neutral"
LOOK_S = 5.0
LEAD_NATS = 0.7  # by which neutral leads in a resting face afterwards, where the bound allows it
BOUND_NATS = 1.5  # the most that is taken off a class
FORGET_S = 1.5  # who was not seen for so long is gone
MOST_PEOPLE = 64
FLOOR = 1e-6
MAX_STEP_S = 0.2  # what one frame counts for at most: a pause is not a look
LEAST_LOOKS = 5


def compute_resting_shift(
    mean_logs: NDArray[np.float64],
    neutral: int,
    *,
    lead_nats: float = LEAD_NATS,
    bound_nats: float = BOUND_NATS,
) -> NDArray[np.float64]:
    """`(K,)` what to add to log-probabilities, never above 0 and 0 for neutral. `mean_logs (K,)`:
    the mean log-probabilities of a resting face.

    >>> mean_logs = np.log([0.2, 0.2, 0.6])
    >>> compute_resting_shift(mean_logs, 0, lead_nats=0.1, bound_nats=9.0).round(2).tolist()
    [0.0, -0.1, -1.2]
    """
    excess = mean_logs - mean_logs[neutral] + lead_nats
    shift = -np.clip(excess, 0.0, bound_nats)
    shift[neutral] = 0.0
    return np.asarray(shift, np.float64)


def shift_probabilities(probabilities: Floats, shifts: NDArray[np.float64]) -> Floats:
    """`(N, K)` probabilities whose logarithms were moved by `shifts (N, K)` or `(K,)`."""
    powers = probabilities.astype(np.float64) * np.exp(shifts)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


@dataclass(slots=True)
class _Person:
    """`shift` None: still being looked at."""

    seen_s: float
    total: NDArray[np.float64]
    looks: int = 0
    looked_s: float = 0.0
    shift: NDArray[np.float64] | None = None


class RestingFaces:
    """The resting faces of the people of one stream, by `face_id`.

    `start` begins to look at everybody who is there and everybody who comes until the first of
    them is done; `clear` forgets all. `neutral` None: the model has no such class, and nothing is
    ever corrected.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        names = [label.lower() for label in labels]
        self.neutral = names.index(NEUTRAL) if NEUTRAL in names else None
        self._looking = False
        self._people: dict[int, _Person] = {}

    @property
    def known_count(self) -> int:
        """People who are corrected."""
        return sum(one.shift is not None for one in self._people.values())

    @property
    def left_s(self) -> float | None:
        """Until the look is over, None when there is none."""
        if not self._looking:
            return None
        looked = [one.looked_s for one in self._people.values() if one.shift is None]
        return max(0.0, LOOK_S - max(looked, default=0.0))

    def start(self) -> None:
        self.clear()
        self._looking = self.neutral is not None

    def clear(self) -> None:
        self._looking = False
        self._people = {}

    def correct(self, face_ids: Sequence[int], rows: Floats, time_s: float) -> Floats:
        """`rows (N, K)` of the people of a frame, corrected for those who are known."""
        if not self._looking and not self._people:
            return rows
        assert self.neutral is not None
        self._people = {
            number: one
            for number, one in self._people.items()
            if 0 <= time_s - one.seen_s <= FORGET_S
        }
        if self._looking:
            self._look(face_ids, rows, time_s)
        shifts = np.zeros(rows.shape, np.float64)
        for row, number in enumerate(face_ids):
            one = self._people.get(number)
            if one is not None:
                one.seen_s = time_s
                if one.shift is not None:
                    shifts[row] = one.shift
        return shift_probabilities(rows, shifts) if shifts.any() else rows

    def _look(self, face_ids: Sequence[int], rows: Floats, time_s: float) -> None:
        for number, row in zip(face_ids, rows, strict=True):
            one = self._people.get(number)
            if one is None:
                if len(self._people) >= MOST_PEOPLE:
                    continue
                one = self._people[number] = _Person(time_s, np.zeros(rows.shape[1]))
            one.total += np.log(np.maximum(row.astype(np.float64), FLOOR))
            one.looks += 1
            one.looked_s += min(MAX_STEP_S, max(0.0, time_s - one.seen_s))
        if self.left_s == 0.0:
            # Who came in the middle of it is judged by what was seen, if that was enough.
            self._looking = False
            assert self.neutral is not None
            for number, one in list(self._people.items()):
                if one.looks >= LEAST_LOOKS and one.looked_s >= LOOK_S / 2:
                    one.shift = compute_resting_shift(one.total / one.looks, self.neutral)
                else:
                    del self._people[number]
