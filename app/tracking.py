"""Who is who from frame to frame, and one steady reading for each of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.calibration import RestingFaces
from app.identity import Identities
from app.types import Face, Floats


@dataclass(slots=True)
class _Track:
    face_id: int
    seen_s: float
    log_probabilities: Floats | None = None


class Tracker:
    """Gives faces identities and smooths what is read from them.

    A face keeps its `face_id` (counted from 1, never used twice) while it is seen again within
    `max_age_s`; faces that are gone are not emitted. Readings are averaged in the log domain with
    the time constant `smooth_s`, so that it feels the same at any frame rate; 0 switches that off.
    Times are seconds and must not run backwards for long: a jump back starts everybody anew.
    `resting` corrects readings before they are averaged.
    """

    def __init__(
        self,
        *,
        max_age_s: float = 1.5,
        smooth_s: float = 0.25,
        resting: RestingFaces | None = None,
    ) -> None:
        if max_age_s < 0 or smooth_s < 0:
            raise ValueError("max_age_s and smooth_s are seconds of at least 0")
        self._max_age_s = max_age_s
        self._smooth_s = smooth_s
        self.resting = resting
        self._identities = Identities(max_age_s=max_age_s)
        self._tracks: dict[int, _Track] = {}  # by face_id
        self._now_s = -math.inf

    @property
    def smooth_s(self) -> float:
        """May be changed while it runs."""
        return self._smooth_s

    @smooth_s.setter
    def smooth_s(self, seconds: float) -> None:
        if not 0 <= seconds < math.inf:
            raise ValueError("smooth_s is a time of at least 0 seconds")
        self._smooth_s = seconds

    def reset(self) -> None:
        """Everybody who comes now is new."""
        if self.resting is not None:
            self.resting.clear()
        self._tracks = {}
        self._identities.reset()
        self._now_s = -math.inf

    def update(
        self, faces: Sequence[Face], probabilities: Floats, time_s: float
    ) -> tuple[tuple[int, ...], Floats]:
        """Identities of the N `faces` and their smoothed `probabilities (N, K)`."""
        if time_s < self._now_s:
            self._tracks = {}
        self._now_s = time_s
        self._tracks = {
            face_id: track
            for face_id, track in self._tracks.items()
            if time_s - track.seen_s <= self._max_age_s
        }
        boxes = np.array([face.box_xyxy for face in faces], np.float64).reshape(-1, 4)
        tracks: list[_Track] = []
        face_ids = self._identities.update(boxes, time_s)
        if self.resting is not None:
            probabilities = self.resting.corrected(face_ids, probabilities, time_s)
        for row, face_id in enumerate(face_ids):
            track = self._tracks.setdefault(face_id, _Track(face_id, time_s))
            track.log_probabilities = self._smooth(track, probabilities[row], time_s)
            track.seen_s = time_s
            tracks.append(track)
        smoothed = np.zeros_like(probabilities, np.float32)
        for row, track in enumerate(tracks):
            assert track.log_probabilities is not None
            powers = np.exp(track.log_probabilities - track.log_probabilities.max())
            smoothed[row] = powers / powers.sum()
        return tuple(track.face_id for track in tracks), smoothed

    def _smooth(self, track: _Track, probabilities: Floats, time_s: float) -> Floats:
        now: Floats = np.log(np.maximum(probabilities, 1e-6)).astype(np.float32)
        if track.log_probabilities is None or self._smooth_s == 0:
            return now
        share = 1.0 - math.exp(-(time_s - track.seen_s) / self._smooth_s)
        return track.log_probabilities + np.float32(share) * (now - track.log_probabilities)
