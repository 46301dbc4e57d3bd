"""The clock of the stages of a live stream."""

KEEP_S = 120.0  # a longer pause of what is live begins anew


class StageClock:
    """The time of a live stream as its stages take it.

    Between two frames that come late, because the user paused or the machine is slow, nobody was
    there to see a change: such a step counts as `most_step_s`, which the stages bear without a cut,
    so that people keep their numbers and what is known of them. A step of more than `keep_s`, and
    one back, count as they are, and all begins anew.
    """

    def __init__(self, *, most_step_s: float = 0.95, keep_s: float = KEEP_S) -> None:
        self._most_step_s = most_step_s
        self._keep_s = keep_s
        self._last_s: float | None = None
        self._left_out_s = 0.0
        self.too_long = False  # whether the last step was longer than `keep_s`

    def at(self, time_s: float) -> float:
        """The stages' time of the frame of `time_s`, which is the next one."""
        step_s = 0.0 if self._last_s is None else time_s - self._last_s
        self._last_s = time_s
        self.too_long = step_s > self._keep_s
        if self._most_step_s < step_s <= self._keep_s:
            self._left_out_s += step_s - self._most_step_s
        return time_s - self._left_out_s
