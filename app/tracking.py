"""Who is who from frame to frame, and one steady reading for each of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.identity import Identities
from app.state import State, array_from, array_state
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
    """

    def __init__(self, *, max_age_s: float = 1.5, smooth_s: float = 0.25) -> None:
        if max_age_s < 0 or smooth_s < 0:
            raise ValueError("max_age_s and smooth_s are seconds of at least 0")
        self._max_age_s = max_age_s
        self._smooth_s = smooth_s
        self._identities = Identities(max_age_s=max_age_s)
        self._tracks: dict[int, _Track] = {}  # by face_id
        self._now_s = -math.inf

    def reset(self) -> None:
        """Everybody who comes now is new."""
        self._tracks = {}
        self._identities.reset()
        self._now_s = -math.inf

    def state(self) -> State:
        return {
            "identities": self._identities.state(),
            "tracks": [
                {
                    "face_id": track.face_id,
                    "seen_s": float(track.seen_s),
                    "log_probabilities": None
                    if track.log_probabilities is None
                    else array_state(track.log_probabilities),
                }
                for track in self._tracks.values()
            ],
            "now_s": self._now_s,
        }

    def restore(self, state: State) -> None:
        self._identities.restore(state["identities"])
        self._tracks = {
            int(one["face_id"]): _Track(
                int(one["face_id"]),
                float(one["seen_s"]),
                None if one["log_probabilities"] is None else array_from(one["log_probabilities"]),
            )
            for one in state["tracks"]
        }
        self._now_s = float(state["now_s"])

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
        for row, face_id in enumerate(self._identities.update(boxes, time_s)):
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
