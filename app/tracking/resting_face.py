"""Corrects the readings of people whose resting face does not read as neutral.

Some faces at rest look sad or angry to the network. Five seconds of such a face show how far each
class stands above neutral in it. From then on, this excess, up to `BOUND_NATS`, is taken off the
class. Classes that stay well below neutral are not changed, so an ordinary face hardly changes.
docs/live_view.md has the gains and the costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.types import Floats

NEUTRAL = "neutral"  # the label of the class to which others are compared
RESTING_LOOK_S = 5.0  # duration of a look at resting faces
LEAD_NATS = 0.7  # lead of neutral in a corrected resting face, where the bound allows it
BOUND_NATS = 1.5  # the most that is taken off a class
FORGET_S = 1.5  # the correction of a person who was not seen for this time is forgotten
MAX_PEOPLE = 64  # who are looked at, so that memory is bounded
FLOOR = 1e-6  # lower probabilities count as this one, because 0 has no logarithm
MAX_STEP_S = 0.2  # the most that one frame adds to a look, because a pause is no look
MIN_LOOKS = 5  # frames that a correction needs


def compute_resting_shift(
    mean_logs: NDArray[np.float64],
    neutral: int,
    *,
    lead_nats: float = LEAD_NATS,
    bound_nats: float = BOUND_NATS,
) -> NDArray[np.float64]:
    """Computes the correction of a person from a look at the resting face.

    Args:
        mean_logs: The mean log-probabilities of the resting face, float64 (K,).
        neutral: The index of the neutral class.
        lead_nats: The lead of neutral that the correction aims at.
        bound_nats: The most that is taken off a class.

    Returns:
        float64 (K,) nats to add to log-probabilities: at most 0, and 0 for neutral.

    >>> mean_logs = np.log([0.2, 0.2, 0.6])
    >>> compute_resting_shift(mean_logs, 0, lead_nats=0.1, bound_nats=9.0).round(2).tolist()
    [0.0, -0.1, -1.2]
    """
    excess = mean_logs - mean_logs[neutral] + lead_nats
    shift = -np.clip(excess, 0.0, bound_nats)
    shift[neutral] = 0.0
    return np.asarray(shift, np.float64)


def shift_probabilities(probabilities: Floats, shifts: NDArray[np.float64]) -> Floats:
    """Moves the logarithms of probabilities, and makes the rows sum to 1 again.

    Args:
        probabilities: float32 (N, K).
        shifts: Nats to add, float64 (N, K) or (K,).

    Returns:
        float32 (N, K).

    >>> even = np.array([[0.5, 0.5]], np.float32)
    >>> shift_probabilities(even, np.log([1.0, 0.25])).tolist()
    [[0.800000011920929, 0.20000000298023224]]
    """
    powers = probabilities.astype(np.float64) * np.exp(shifts)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


@dataclass(slots=True)
class _Person:
    """The sum of a person's log-probabilities over a look, and the correction, `shift`; None while
    the look lasts."""

    seen_s: float
    total: NDArray[np.float64]
    looks: int = 0
    looked_s: float = 0.0
    shift: NDArray[np.float64] | None = None


class RestingFaces:
    """The resting faces of the people of one stream, by `face_id`.

    `start` begins a look at everybody who is there or comes before the look is over. The look is
    over as soon as one person was seen for `RESTING_LOOK_S`. `clear` forgets all corrections.

    Attributes:
        neutral: The index of the neutral class; None if the model has none, and then nothing is
            corrected.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        names = [label.lower() for label in labels]
        self.neutral = names.index(NEUTRAL) if NEUTRAL in names else None
        self._looking = False
        self._people: dict[int, _Person] = {}

    @property
    def known_count(self) -> int:
        """The number of people who are corrected."""
        return sum(one.shift is not None for one in self._people.values())

    @property
    def left_s(self) -> float | None:
        """The seconds until the look is over; None while there is none."""
        if not self._looking:
            return None
        looked = [one.looked_s for one in self._people.values() if one.shift is None]
        return max(0.0, RESTING_LOOK_S - max(looked, default=0.0))

    def start(self) -> None:
        """Forgets all corrections and begins a look."""
        self.clear()
        self._looking = self.neutral is not None

    def clear(self) -> None:
        """Forgets all corrections and ends the look."""
        self._looking = False
        self._people = {}

    def correct(self, face_ids: Sequence[int], rows: Floats, time_s: float) -> Floats:
        """Corrects the readings of one frame.

        Args:
            face_ids: The numbers of the N people.
            rows: Their probabilities, float32 (N, K).
            time_s: The time of the frame in seconds.

        Returns:
            float32 (N, K); the rows of people without a correction are unchanged.
        """
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
                if len(self._people) >= MAX_PEOPLE:
                    continue
                one = self._people[number] = _Person(time_s, np.zeros(rows.shape[1]))
            one.total += np.log(np.maximum(row.astype(np.float64), FLOOR))
            one.looks += 1
            one.looked_s += min(MAX_STEP_S, max(0.0, time_s - one.seen_s))
        if self.left_s == 0.0:
            # People who came during the look are corrected if half of a look was seen of them.
            self._looking = False
            assert self.neutral is not None
            for number, one in list(self._people.items()):
                if one.looks >= MIN_LOOKS and one.looked_s >= RESTING_LOOK_S / 2:
                    one.shift = compute_resting_shift(one.total / one.looks, self.neutral)
                else:
                    del self._people[number]
