"""Holds a face between two looks of a follower, and predicts where the face should be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.detection.boxes import find_centre
from app.detection.flow import Patch
from app.stage_state import SavedState, State, dump_array, dump_face, load_array, load_face
from app.types import Face


@dataclass(frozen=True, slots=True)
class FollowedFace:
    """A face where it was last seen, at `seen_s`.

    `trust` is the mean of its scores over a while, 0 to 1. `velocity_xy` is in px/s. `is_lost` is
    True if the last look did not find the face. `thumb` is its place at that look, uint8 (16, 16)
    grey, where that is compared with the next look. In a live stream, `patch` is that place in
    finer detail, and `moved_xy` the way in px that the face has gone since; no checkpoint has them.

    >>> face = Face((0.0, 0.0, 50.0, 50.0), np.zeros((6, 2), np.float32), 0.9, key=3)
    >>> later = FollowedFace(face, seen_s=1.0, trust=0.9, velocity_xy=(100.0, 0.0)).extrapolate(1.1)
    >>> later.seen, later.key, [round(side) for side in later.box_xyxy]
    (False, 3, [10, 0, 60, 50])
    """

    face: Face
    seen_s: float
    trust: float
    velocity_xy: tuple[float, float] = (0.0, 0.0)
    is_lost: bool = False
    thumb: NDArray[np.uint8] | None = None
    patch: Patch | None = None
    moved_xy: tuple[float, float] = (0.0, 0.0)

    def extrapolate(self, time_s: float) -> Face:
        """Returns the face at its expected place at `time_s`, marked as not seen."""
        step_s = time_s - self.seen_s
        return self.shift(self.velocity_xy[0] * step_s, self.velocity_xy[1] * step_s)

    def shift(self, x: float, y: float) -> Face:
        """Returns the face `x`, `y` px from where it was seen, marked as not seen."""
        x0, y0, x1, y1 = self.face.box_xyxy
        return Face(
            (x0 + x, y0 + y, x1 + x, y1 + y),
            self.face.landmarks + np.array((x, y), np.float32),
            self.face.score,
            seen=False,
            key=self.face.key,
        )

    def measure_velocity_xy(self, now: Face, time_s: float) -> tuple[float, float]:
        """Returns the velocity (x, y) in px/s from the last sight to `now`, at `time_s`."""
        step_s = time_s - self.seen_s
        if step_s <= 0 or self.is_lost:
            return (0.0, 0.0)
        (x0, y0), (x1, y1) = find_centre(self.face), find_centre(now)
        return ((x1 - x0) / step_s, (y1 - y0) / step_s)

    def state(self) -> State:
        """Returns the face as plain values."""
        return {
            "face": dump_face(self.face),
            "seen_s": float(self.seen_s),
            "trust": float(self.trust),
            "velocity_xy": [float(value) for value in self.velocity_xy],
            "lost": self.is_lost,
            "thumb": None if self.thumb is None else dump_array(self.thumb),
        }

    @classmethod
    def load(cls, state: SavedState) -> "FollowedFace":
        """Takes up a state that `state` gave."""
        x, y = (float(value) for value in state["velocity_xy"])
        thumb = state.get("thumb")  # results of earlier versions have none
        return cls(
            load_face(state["face"]),
            float(state["seen_s"]),
            float(state["trust"]),
            (x, y),
            bool(state["lost"]),
            None if thumb is None else load_array(thumb),
        )
