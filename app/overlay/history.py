"""Keeps what was said of each person in the last seconds, in rings of a fixed size.

Frames may come more seldom than steps of a ring. A reading holds until the next frame, for at most
`HOLD_S`; a frame without the person ends it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.types import Floats, TrackedFace

SPAN_S = 10.0
STEP_S = 0.1
STEPS = round(SPAN_S / STEP_S)
HOLD_S = 2.0  # without a frame, nothing is known of anybody any more
MOST_PEOPLE = 64  # who was not seen for longest gives way
NOT_SEEN, UNSURE_STEP = -2, -1  # in place of a class


class Strip(NamedTuple):
    """One person's last `SPAN_S` seconds, oldest first. `classes (STEPS,)`: the class that was
    said, `UNSURE_STEP` or `NOT_SEEN`; `shares (STEPS,)`: its probability, in doubt the highest."""

    classes: NDArray[np.int16]
    shares: Floats


@dataclass(slots=True)
class _Ring:
    """Step number n lies at n modulo `STEPS`; `last` is the newest that is filled. `is_here`: the
    newest frame showed the person."""

    last: int
    classes: NDArray[np.int16]
    shares: Floats
    is_here: bool = True

    def fill(self, first: int, stop: int, said: int, share: float) -> None:
        """Fills steps `first` to `stop` (left out), which follow what is filled."""
        steps = np.arange(max(first, stop - STEPS), stop) % STEPS
        self.classes[steps], self.shares[steps] = said, share
        self.last = max(self.last, stop - 1)


def _new(last: int) -> _Ring:
    return _Ring(last, np.full(STEPS, NOT_SEEN, np.int16), np.zeros(STEPS, np.float32))


class History:
    """Rings by `face_id`; who was not seen for `SPAN_S` is forgotten."""

    def __init__(self) -> None:
        self._rings: dict[int, _Ring] = {}
        self._now = 0

    def __len__(self) -> int:
        return len(self._rings)

    def add(self, faces: Sequence[TrackedFace], labels: Sequence[str], time_s: float) -> None:
        """Takes the readings of one frame. Times that run backwards begin anew."""
        now = math.floor(time_s / STEP_S + 1e-6)
        if now < self._now:
            self._rings = {}
        for ring in self._rings.values():
            self._hold(ring, now)
        self._now = now
        for face in faces:
            ring = self._rings.pop(face.face_id) if face.face_id in self._rings else _new(now - 1)
            said = UNSURE_STEP if face.reason is not None else list(labels).index(face.label)
            share = face.probabilities[said if said >= 0 else ...].max()
            ring.fill(ring.last + 1, now, NOT_SEEN, 0.0)
            ring.fill(now, now + 1, said, float(share))
            ring.is_here = True
            self._rings[face.face_id] = ring  # the newest last
        gone = [key for key, ring in self._rings.items() if now - ring.last >= STEPS]
        for key in (*gone, *list(self._rings)[: max(0, len(self._rings) - MOST_PEOPLE)]):
            self._rings.pop(key, None)

    def _hold(self, ring: _Ring, now: int) -> None:
        """Fills the steps between the frame before and this one with what was said then."""
        if ring.is_here:
            held = min(now, ring.last + 1 + round(HOLD_S / STEP_S))
            at = ring.last % STEPS
            ring.fill(ring.last + 1, held, int(ring.classes[at]), float(ring.shares[at]))
        ring.is_here = False  # until this frame says otherwise

    def strip(self, face_id: int) -> Strip | None:
        """Up to the newest time that was added; None for who is not known."""
        ring = self._rings.get(face_id)
        if ring is None:
            return None
        steps = np.arange(self._now - STEPS + 1, self._now + 1)
        classes = np.where(steps <= ring.last, ring.classes[steps % STEPS], NOT_SEEN)
        return Strip(classes.astype(np.int16), ring.shares[steps % STEPS])
