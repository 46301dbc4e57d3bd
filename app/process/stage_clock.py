"""Keeps the clock by which the stages of a live stream go."""

MAX_STEP_S = 0.95  # the stages carry on over a step of this length
MAX_PAUSE_S = 120.0  # after a longer pause of a live stream, the stages restart


class StageClock:
    """The time of a live stream for its stages.

    A frame may come late because the user paused or the machine is slow. Such a step counts as
    `max_step_s`, so that the stages carry on and people keep their numbers and readings. A step of
    more than `max_pause_s`, and a step back, count in full, and the stages restart.

    >>> clock = StageClock(max_step_s=1.0)
    >>> clock.advance(0.0), clock.advance(0.5), clock.advance(10.5)
    (0.0, 0.5, 1.5)
    """

    def __init__(self, *, max_step_s: float = MAX_STEP_S, max_pause_s: float = MAX_PAUSE_S) -> None:
        self._max_step_s = max_step_s
        self._max_pause_s = max_pause_s
        self._last_s: float | None = None
        self._left_out_s = 0.0
        self.is_too_long = False  # True if the last step was longer than `max_pause_s`

    def advance(self, time_s: float) -> float:
        """Advances to the next frame, of the source's time `time_s`. Returns the stages' time."""
        step_s = 0.0 if self._last_s is None else time_s - self._last_s
        self._last_s = time_s
        self.is_too_long = step_s > self._max_pause_s
        if self._max_step_s < step_s <= self._max_pause_s:
            self._left_out_s += step_s - self._max_step_s
        return time_s - self._left_out_s
