"""What was said of each person in the last seconds, kept in rings of a fixed size."""

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
MOST_PEOPLE = 64  # who was not seen for longest gives way
NOT_SEEN, UNSURE_STEP = -2, -1  # in place of a class


class Strip(NamedTuple):
    """One person's last `SPAN_S` seconds, oldest first. `classes (STEPS,)`: the class that was
    said, `UNSURE_STEP` or `NOT_SEEN`; `shares (STEPS,)`: its probability, in doubt the highest."""

    classes: NDArray[np.int16]
    shares: Floats


@dataclass(slots=True)
class _Ring:
    """Step number n lies at n modulo `STEPS`; `last` is the newest."""

    last: int
    classes: NDArray[np.int16]
    shares: Floats


class History:
    """Rings by `face_id`. A time that runs backwards begins all of them anew; who was not seen for
    `SPAN_S` is forgotten."""

    def __init__(self) -> None:
        self._rings: dict[int, _Ring] = {}
        self._now = 0

    def __len__(self) -> int:
        return len(self._rings)

    def add(self, faces: Sequence[TrackedFace], labels: Sequence[str], time_s: float) -> None:
        now = math.floor(time_s / STEP_S + 1e-6)
        if now < self._now:
            self._rings = {}
        self._now = now
        for face in faces:
            ring = self._rings.pop(face.face_id, None) or _Ring(
                now, np.full(STEPS, NOT_SEEN, np.int16), np.zeros(STEPS, np.float32)
            )
            for step in range(max(ring.last + 1, now - STEPS + 1), now):
                ring.classes[step % STEPS] = NOT_SEEN
            said = UNSURE_STEP if face.reason is not None else list(labels).index(face.label)
            ring.last = now
            ring.classes[now % STEPS] = said
            ring.shares[now % STEPS] = face.probabilities[said if said >= 0 else ...].max()
            self._rings[face.face_id] = ring  # the newest last
        gone = [key for key, ring in self._rings.items() if now - ring.last >= STEPS]
        for key in (*gone, *list(self._rings)[: max(0, len(self._rings) - MOST_PEOPLE)]):
            self._rings.pop(key, None)

    def strip(self, face_id: int) -> Strip | None:
        """Up to the newest time that was added; None for who is not known."""
        ring = self._rings.get(face_id)
        if ring is None:
            return None
        steps = np.arange(self._now - STEPS + 1, self._now + 1)
        classes = np.where(steps <= ring.last, ring.classes[steps % STEPS], NOT_SEEN)
        return Strip(classes.astype(np.int16), ring.shares[steps % STEPS])
