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
    def step(self) -> int:
        """The median distance of two frames of the records, in frames; 1 for a single frame."""
        return max(1, round(float(np.median(np.diff(self.frames))))) if len(self.frames) > 1 else 1

    @property
    def step_s(self) -> float:
        """The median distance of two frames of the records; 1 s for a single frame."""
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 1.0

    def find_time(self, frame: int) -> float:
        """Returns the time in seconds of a frame, interpolated if the records lack it.

        Records of every n-th frame end up to n - 1 frames before the end of the video; the times of
        these frames are extrapolated.

        Raises `ValueError` for a frame before the first of the records, or one step or more after
        their last.

        >>> RecordFrameTimes(np.array([0, 3, 6]), np.array([0.0, 0.75, 1.5])).find_time(8)
        2.0
        """
        self._check(frame, int(self.frames[-1]) + self.step - 1)
        return self._extrapolate(frame)

    def find_end(self, frame: int) -> float:
        """Returns the time in seconds at which the frame after `frame` begins. For the last frame,
        and for the number one step after it, this is the end of the video.

        Raises `ValueError` as `find_time` does, but not for the number one step after the last.
        """
        last = int(self.frames[-1])
        self._check(frame, last + self.step)
        if frame == last:
            return self._extrapolate(last + self.step)
        return self._extrapolate(min(frame + 1, last + self.step))

    def _check(self, frame: int, greatest: int) -> None:
        first, last = int(self.frames[0]), int(self.frames[-1])
        if not first <= frame <= greatest:
            raise ValueError(f"it is of frame {frame}, and the records are of {first} to {last}")

    def _extrapolate(self, frame: int) -> float:
        beyond = max(0, frame - int(self.frames[-1]))
        return float(np.interp(frame, self.frames, self.times_s)) + beyond * self.step_s / self.step
