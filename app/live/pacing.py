"""How fast frames come and how old they are, from a clock that is an argument."""

import time
from collections import deque
from collections.abc import Callable


class RateMeter:
    """Frames per second over the last `window_s` seconds: n stamps make n - 1 intervals."""

    def __init__(
        self, *, window_s: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window_s = window_s
        self._clock = clock
        self._stamps: deque[float] = deque()

    def tick(self) -> float | None:
        """Counts a frame. Returns frames per second, None until there are two frames."""
        now = self._clock()
        self._stamps.append(now)
        while len(self._stamps) > 2 and now - self._stamps[0] > self._window_s:
            self._stamps.popleft()
        span = now - self._stamps[0]
        return (len(self._stamps) - 1) / span if span > 0 else None

    def reset(self) -> None:
        self._stamps.clear()


class Eased:
    """A figure for the eye: each new value moves it by a tenth of the way."""

    def __init__(self) -> None:
        self.value: float | None = None

    def add(self, now: float) -> float:
        self.value = now if self.value is None else self.value + 0.1 * (now - self.value)
        return self.value


class Pacer:
    """Says how long to wait so that a file plays no faster than it was filmed."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start_s: float | None = None

    def wait_s(self, time_s: float) -> float:
        """Seconds until the frame of media time `time_s` is due; 0 when it is late. A late frame
        moves the schedule, so that what follows is not rushed through."""
        now = self._clock()
        if self._start_s is None:
            self._start_s = now - time_s
        due = self._start_s + time_s
        if due < now:
            self._start_s = now - time_s
            return 0.0
        return due - now

    def reset(self) -> None:
        self._start_s = None
