"""Measures the rate of frames, and paces a file, by a clock that is an argument."""

import time
from collections import deque
from collections.abc import Callable


class RateMeter:
    """Measures frames per second over the last `window_s` seconds: n frames make n - 1
    intervals."""

    def __init__(
        self, *, window_s: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window_s = window_s
        self._clock = clock
        self._stamps: deque[float] = deque()

    def tick(self) -> float | None:
        """Counts a frame. Returns frames per second, None until two frames have come."""
        now = self._clock()
        self._stamps.append(now)
        while len(self._stamps) > 2 and now - self._stamps[0] > self._window_s:
            self._stamps.popleft()
        span = now - self._stamps[0]
        return (len(self._stamps) - 1) / span if span > 0 else None

    def reset(self) -> None:
        """Forgets all frames."""
        self._stamps.clear()


NEW_VALUE_WEIGHT = 0.1  # calm enough to be read at 30 frames a second


class EasedFigure:
    """Calms a figure for the eye: each new value moves it a tenth of the way."""

    def __init__(self) -> None:
        self.value: float | None = None

    def add(self, new: float) -> float:
        """Adds a value. Returns the calmed figure.

        >>> figure = EasedFigure()
        >>> figure.add(10.0), figure.add(20.0)
        (10.0, 11.0)
        """
        old = new if self.value is None else self.value
        self.value = old + NEW_VALUE_WEIGHT * (new - old)
        return self.value


class Pacer:
    """Tells how long to wait so that a file plays no faster than it was filmed."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start_s: float | None = None

    def wait_s(self, time_s: float) -> float:
        """Returns the seconds until the frame of media time `time_s` is due, 0 for a late frame. A
        late frame moves the schedule, so that later frames are not rushed through."""
        now = self._clock()
        if self._start_s is None:
            self._start_s = now - time_s
        due = self._start_s + time_s
        if due < now:
            self._start_s = now - time_s
            return 0.0
        return due - now

    def reset(self) -> None:
        """Begins a new schedule with the next frame, as after a pause."""
        self._start_s = None
