"""Gives the faces of a stream the numbers of their people, and smooths each person's readings."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.stage_state import SavedState, State
from app.tracking.identities import MAX_AGE_S, Identities
from app.tracking.resting_face import RestingFaces
from app.tracking.smoothing import SMOOTHING_S, ReadingSmoother, SurenessFunction
from app.types import Face, Floats


class TrackedReadings(NamedTuple):
    """Readings of N faces: the numbers of their people, `face_ids`, smoothed `probabilities (N, K)`
    and the displayed classes `shown (N,)` as in `app.tracking.smoothing.SmoothedReadings`."""

    face_ids: tuple[int, ...]
    probabilities: Floats
    shown: NDArray[np.int64]


# Corrects the readings (N, K) of N people, who are given by their numbers.
ReadingCorrection = Callable[[Sequence[int], Floats], Floats]


class Tracker:
    """Tracks the people of one stream, whose frames come in order of time.

    A person keeps a `face_id`, counted from 1 and never used twice, while seen again within
    `max_age_s`. When time runs backwards, everybody is new.

    Args:
        max_age_s: The time in seconds, at least 0, after which a person who was not seen is gone.
        smoothing_s: The time in seconds, at least 0, over which readings are averaged.
        resting: Corrects readings before they are averaged. It belongs to a live view and is not
            part of the state.

    Raises:
        ValueError: A time is out of its range.
    """

    def __init__(
        self,
        *,
        max_age_s: float = MAX_AGE_S,
        smoothing_s: float = SMOOTHING_S,
        resting: RestingFaces | None = None,
    ) -> None:
        if max_age_s < 0 or not 0 <= smoothing_s < math.inf:
            raise ValueError(
                "max_age_s and smoothing_s are seconds of at least 0, got "
                f"{max_age_s} and {smoothing_s}"
            )
        self.resting = resting
        self._identities = Identities(max_age_s=max_age_s)
        self._smoother = ReadingSmoother(smoothing_s=smoothing_s)

    @property
    def smoothing_s(self) -> float:
        """The time in seconds over which readings are averaged. It may be set at any time."""
        return self._smoother.smoothing_s

    @smoothing_s.setter
    def smoothing_s(self, seconds: float) -> None:
        self._smoother.smoothing_s = seconds

    def reset(self) -> None:
        """Forgets everybody. Numbers go on from the last one."""
        if self.resting is not None:
            self.resting.clear()
        self._identities.reset()
        self._smoother.reset()

    def state(self) -> State:
        """Returns all that the next frame's readings depend on but the frame itself."""
        return {"identities": self._identities.state(), "steady": self._smoother.state()}

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._identities.restore(state["identities"])
        self._smoother.restore(state["steady"])

    def update(
        self,
        faces: Sequence[Face],
        probabilities: Floats,
        time_s: float,
        sureness: SurenessFunction | None = None,
        correct: ReadingCorrection | None = None,
    ) -> TrackedReadings:
        """Takes the faces of one frame.

        Args:
            faces: The N faces.
            probabilities: Their probabilities in this frame alone, float32 (N, K).
            time_s: The time of the frame in seconds.
            sureness: As in `ReadingSmoother.update`.
            correct: Corrects the readings before resting faces are allowed for; None leaves them.
        """
        boxes = np.array([face.box_xyxy for face in faces], np.float64).reshape(-1, 4)
        face_ids = self._identities.update(boxes, time_s)
        if correct is not None:
            probabilities = correct(face_ids, probabilities)
        if self.resting is not None:
            probabilities = self.resting.correct(face_ids, probabilities, time_s)
        return TrackedReadings(
            face_ids, *self._smoother.update(face_ids, probabilities, time_s, sureness)
        )
