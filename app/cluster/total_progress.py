"""Shows how far a run over a cluster is, in one line: videos that are over, and the time left.

On a terminal tqdm draws a bar. In a log there is a line a minute.
"""

import sys
import time
from collections.abc import Callable, Sequence

from app.process.safe_output import is_terminal
from app.report.timeline import format_play_time
from app.runs.plan import RunPlan

LOG_INTERVAL_S = 60.0


def estimate_left_s(over: int, whole: int, elapsed_s: float) -> float | None:
    """Estimates the seconds that are left from the time that `over` of `whole` videos took; None
    as long as none is over.

    >>> estimate_left_s(25, 100, 60.0)
    180.0
    """
    return elapsed_s * (whole - over) / over if over else None


class TotalProgress:
    """Counts videos that are over. `close` takes the bar away."""

    def __init__(
        self, plans: Sequence[RunPlan], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._whole, self._over = len(plans), 0
        self._clock = clock
        self._began_s = self._told_s = clock()
        self._bar = None
        if is_terminal(sys.stderr) and self._whole > 1:
            from tqdm import tqdm  # here, because its import takes 18 ms

            self._bar = tqdm(total=self._whole, unit="video", leave=False, dynamic_ncols=True)

    def say(self, line: str) -> None:
        """Prints a line to stderr, above the bar."""
        if self._bar is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._bar.write(line, file=sys.stderr)

    def show_reached(self, number: int, frames: int) -> None:
        """Shows nothing: videos count when they are over."""

    def end(self, number: int) -> None:
        """Counts a video that is over."""
        self._over += 1
        if self._bar is not None:
            self._bar.update(1)
        elif self._clock() - self._told_s >= LOG_INTERVAL_S:
            self._told_s = self._clock()
            left_s = estimate_left_s(self._over, self._whole, self._told_s - self._began_s)
            assert left_s is not None
            about = format_play_time(left_s)
            self.say(f"progress: {self._over} of {self._whole} videos, about {about} left.")

    def close(self) -> None:
        """Takes the bar off the terminal."""
        if self._bar is not None:
            self._bar.close()
