"""Who is who from frame to frame, and one steady reading for each of them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.stage_state import SavedState, State
from app.tracking.identities import Identities
from app.tracking.resting_face import RestingFaces
from app.tracking.smoothing import SMOOTH_S, ReadingSmoother, SurenessFunction
from app.types import Face, Floats


class TrackedReadings(NamedTuple):
    """Of N faces: `face_ids`, smoothed `probabilities (N, K)`, and the classes to be said, `shown
    (N,)`, as `app.tracking.smoothing.SmoothedReadings` has them."""

    face_ids: tuple[int, ...]
    probabilities: Floats
    shown: NDArray[np.int64]


class Tracker:
    """Gives faces identities and steadies what is read from them (`steady`, whose `smooth_s` may be
    changed while it runs).

    A face keeps its `face_id` (counted from 1, never used twice) while it is seen again within
    `max_age_s`; faces that are gone are not emitted. Times are seconds and must not run backwards
    for long: a jump back starts everybody anew. `resting` corrects readings before they are
    averaged; it is of a live view and is not kept in the state.
    """

    def __init__(
        self,
        *,
        max_age_s: float = 1.5,
        smooth_s: float = SMOOTH_S,
        resting: RestingFaces | None = None,
    ) -> None:
        if max_age_s < 0 or not 0 <= smooth_s < math.inf:
            raise ValueError("max_age_s and smooth_s are seconds of at least 0")
        self.resting = resting
        self._identities = Identities(max_age_s=max_age_s)
        self.smoother = ReadingSmoother(smooth_s=smooth_s)

    @property
    def smooth_s(self) -> float:
        """May be changed while it runs."""
        return self.smoother.smooth_s

    @smooth_s.setter
    def smooth_s(self, seconds: float) -> None:
        self.smoother.smooth_s = seconds

    def reset(self) -> None:
        """Everybody who comes now is new."""
        if self.resting is not None:
            self.resting.clear()
        self._identities.reset()
        self.smoother.reset()

    def state(self) -> State:
        return {"identities": self._identities.state(), "steady": self.smoother.state()}

    def restore(self, state: SavedState) -> None:
        self._identities.restore(state["identities"])
        self.smoother.restore(state["steady"])

    def update(
        self,
        faces: Sequence[Face],
        probabilities: Floats,
        time_s: float,
        sureness: SurenessFunction | None = None,
    ) -> TrackedReadings:
        """What is said of the N `faces` after this frame's `probabilities (N, K)`; `sureness` as
        `ReadingSmoother.update` takes it."""
        boxes = np.array([face.box_xyxy for face in faces], np.float64).reshape(-1, 4)
        face_ids = self._identities.update(boxes, time_s)
        if self.resting is not None:
            probabilities = self.resting.correct(face_ids, probabilities, time_s)
        return TrackedReadings(
            face_ids, *self.smoother.update(face_ids, probabilities, time_s, sureness)
        )
