"""Who is who from frame to frame, and one steady reading for each of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from app.types import Face, Floats

# Boxes further apart than this, in mean face sides, are not the same person.
MAX_DISTANCE = 1.0
MAX_SIZE_RATIO = 2.0


@dataclass(slots=True)
class _Track:
    face_id: int
    box: NDArray[np.float64]  # (4,) xyxy px
    seen_s: float
    log_probabilities: Floats | None = None


class Tracker:
    """Gives faces identities and smooths what is read from them.

    A face keeps its `face_id` (counted from 1, never used twice) while it is seen again within
    `max_age_s`; faces that are gone are not emitted. Readings are averaged in the log domain with
    the time constant `smooth_s`, so that it feels the same at any frame rate; 0 switches that off.
    Times are seconds and must not run backwards for long: a jump back starts everybody anew.
    """

    def __init__(self, *, max_age_s: float = 0.7, smooth_s: float = 0.25) -> None:
        if max_age_s < 0 or smooth_s < 0:
            raise ValueError("max_age_s and smooth_s are seconds of at least 0")
        self._max_age_s = max_age_s
        self._smooth_s = smooth_s
        self._tracks: list[_Track] = []
        self._next_id = 1
        self._now_s = -math.inf

    def update(
        self, faces: Sequence[Face], probabilities: Floats, time_s: float
    ) -> tuple[tuple[int, ...], Floats]:
        """Identities of the N `faces` and their smoothed `probabilities (N, K)`."""
        if time_s < self._now_s:
            self._tracks = []
        self._now_s = time_s
        self._tracks = [t for t in self._tracks if time_s - t.seen_s <= self._max_age_s]
        boxes = np.array([face.box_xyxy for face in faces], np.float64).reshape(-1, 4)
        found = _match(np.array([t.box for t in self._tracks]).reshape(-1, 4), boxes)
        tracks: list[_Track] = []
        for row, box in enumerate(boxes):
            if row in found:
                track = self._tracks[found[row]]
            else:
                track = _Track(self._next_id, box, time_s)
                self._next_id += 1
                self._tracks.append(track)
            track.log_probabilities = self._smooth(track, probabilities[row], time_s)
            track.box, track.seen_s = box, time_s
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


def _match(before: NDArray[np.float64], now: NDArray[np.float64]) -> dict[int, int]:
    """Row of `now (N, 4)` -> row of `before (M, 4)`, at the least total distance."""
    if not len(before) or not len(now):
        return {}
    centres = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (before, now)]
    sides = [
        np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6), axis=1))
        for boxes in (before, now)
    ]
    distance = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=2)  # (M, N)
    cost = distance / ((sides[0][:, None] + sides[1][None]) / 2)
    growth = np.abs(np.log(sides[0][:, None] / sides[1][None]))
    possible = (cost < MAX_DISTANCE) & (growth < math.log(MAX_SIZE_RATIO))
    rows, columns = linear_sum_assignment(np.where(possible, cost + growth, 1e6))
    return {int(n): int(m) for m, n in zip(rows, columns, strict=True) if possible[m, n]}
