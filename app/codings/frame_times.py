"""Holds the times of the frames of records, for tables that count frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RecordFrameTimes:
    """The times of the T frames of records.

    `frames (T,) int64` are the numbers of the frames and `times_s (T,) float64` their times in
    seconds. Both go up. Records may hold every n-th frame only.
    """

    frames: NDArray[np.int64]
    times_s: NDArray[np.float64]

    @property
    def step_s(self) -> float:
        """The median distance of two frames of the records; 1 s for a single frame."""
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 1.0

    def find_time(self, frame: int) -> float:
        """Returns the time in seconds of a frame, interpolated if the records lack it.

        Raises `ValueError` for a frame before the first or after the last of the records.
        """
        first, last = int(self.frames[0]), int(self.frames[-1])
        if not first <= frame <= last:
            raise ValueError(f"it is of frame {frame}, and the records are of {first} to {last}")
        return float(np.interp(frame, self.frames, self.times_s))

    def find_end(self, frame: int) -> float:
        """Returns the time in seconds at which the frame after `frame` begins. For the last frame,
        and for the number after the last, this is the end of the video."""
        last = int(self.frames[-1])
        if frame in (last, last + 1):
            return float(self.times_s[-1]) + self.step_s
        return self.find_time(frame + 1)
