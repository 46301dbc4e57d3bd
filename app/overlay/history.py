"""Keeps the displayed labels of each person's last seconds, in rings of a fixed size.

A frame may span several steps of a ring. A label holds until the next frame, for at most
`LABEL_HOLD_S`, and ends at a frame without the person.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.types import Floats, TrackedFace

SPAN_S = 10.0  # what a panel's strip shows
STEP_S = 0.1  # of a ring
STEPS = round(SPAN_S / STEP_S)
LABEL_HOLD_S = 2.0  # after this time without a frame, the label is unknown
MAX_PEOPLE = 64  # the person who was not seen for longest is forgotten first
NOT_SEEN = -2  # in place of a class index: the person was not seen
UNSURE_STEP = -1  # in place of a class index: the label was `app.types.UNSURE`


class Strip(NamedTuple):
    """One person's last `SPAN_S` seconds, the oldest first.

    `classes (STEPS,)` int16: the index of the displayed label, `UNSURE_STEP` or `NOT_SEEN`.
    `shares (STEPS,)` float32: its probability; where unsure, the highest one.
    """

    classes: NDArray[np.int16]
    shares: Floats


@dataclass(slots=True)
class _Ring:
    """The steps of one person. Step number n lies at index n modulo `STEPS`. `last` is the number
    of the newest filled step. `is_here`: the newest frame showed the person."""

    last: int
    classes: NDArray[np.int16]
    shares: Floats
    is_here: bool = True

    def fill(self, first: int, stop: int, step: int, share: float) -> None:
        """Fills the steps from `first` up to, not including, `stop`. They come next."""
        steps = np.arange(max(first, stop - STEPS), stop) % STEPS
        self.classes[steps], self.shares[steps] = step, share
        self.last = max(self.last, stop - 1)


def _make_ring(last: int) -> _Ring:
    return _Ring(last, np.full(STEPS, NOT_SEEN, np.int16), np.zeros(STEPS, np.float32))


class History:
    """The displayed labels of each person, by `face_id`. A person who was not seen for `SPAN_S` is
    forgotten."""

    def __init__(self) -> None:
        self._rings: dict[int, _Ring] = {}
        self._now = 0

    def __len__(self) -> int:
        return len(self._rings)

    def add(self, faces: Sequence[TrackedFace], labels: Sequence[str], time_s: float) -> None:
        """Adds the faces of one frame at `time_s`. After a time that runs backwards, all earlier
        frames are forgotten. `labels` are the names of the model's classes."""
        now = math.floor(time_s / STEP_S + 1e-6)
        if now < self._now:
            self._rings = {}
        for ring in self._rings.values():
            self._hold(ring, now)
        self._now = now
        for face in faces:
            ring = (
                self._rings.pop(face.face_id)
                if face.face_id in self._rings
                else _make_ring(now - 1)
            )
            step = UNSURE_STEP if face.reason is not None else list(labels).index(face.label)
            share = face.probabilities[step if step >= 0 else ...].max()
            ring.fill(ring.last + 1, now, NOT_SEEN, 0.0)
            ring.fill(now, now + 1, step, float(share))
            ring.is_here = True
            self._rings[face.face_id] = ring  # the newest last
        gone = [key for key, ring in self._rings.items() if now - ring.last >= STEPS]
        for key in (*gone, *list(self._rings)[: max(0, len(self._rings) - MAX_PEOPLE)]):
            self._rings.pop(key, None)

    def _hold(self, ring: _Ring, now: int) -> None:
        """Fills the steps between the frame before and this one with the label of then."""
        if ring.is_here:
            held = min(now, ring.last + 1 + round(LABEL_HOLD_S / STEP_S))
            at = ring.last % STEPS
            ring.fill(ring.last + 1, held, int(ring.classes[at]), float(ring.shares[at]))
        ring.is_here = False  # `add` sets it again for the faces of this frame

    def get_strip(self, face_id: int) -> Strip | None:
        """Returns a person's last seconds, up to the newest time that was added; None for a person
        who is not known."""
        ring = self._rings.get(face_id)
        if ring is None:
            return None
        steps = np.arange(self._now - STEPS + 1, self._now + 1)
        classes = np.where(steps <= ring.last, ring.classes[steps % STEPS], NOT_SEEN)
        return Strip(classes.astype(np.int16), ring.shares[steps % STEPS])
