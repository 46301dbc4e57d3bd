"""Shows how far a run over a cluster is, in one line: what is done of all videos, and the time
that is left.

On a terminal tqdm draws a bar. In a log there is a line a minute.
"""

import sys
import time
from collections.abc import Callable, Sequence

from app.batch.progress import estimate_frames
from app.process.safe_output import is_terminal
from app.report.timeline import format_play_time
from app.runs.plan import RunPlan

LOG_INTERVAL_S = 60.0
MAX_HEADERS = 200  # videos whose lengths are read first, within a second; many videos are counted


def estimate_left_s(done: float, left: float, elapsed_s: float) -> float | None:
    """Estimates the seconds that are left from the time that the work `done` took; None as long as
    nothing is done. Both are in the same unit.

    >>> estimate_left_s(25, 75, 60.0)
    180.0
    """
    return elapsed_s * left / done if done else None


class TotalProgress:
    """Adds up what is done of all videos: in frames where all lengths are known and the videos are
    few, else in whole videos. `close` takes the bar away.

    Args:
        plans: The plans.
        clock: Gives the time in seconds.
    """

    def __init__(
        self, plans: Sequence[RunPlan], clock: Callable[[], float] = time.monotonic
    ) -> None:
        lengths = [estimate_frames(plan) for plan in plans] if len(plans) <= MAX_HEADERS else []
        self._lengths = [frames for frames in lengths if frames is not None]
        self._counts_frames = bool(lengths) and len(self._lengths) == len(lengths)
        if not self._counts_frames:
            self._lengths = [1] * len(plans)
        self._reached = [0] * len(plans)
        self._left, self._done = sum(self._lengths), 0  # work that was done before is in neither
        self._over = 0
        self._clock = clock
        self._began_s = self._told_s = clock()
        self._bar = None
        if is_terminal(sys.stderr) and len(plans) > 1:
            from tqdm import tqdm  # here, because its import takes 18 ms

            unit = "frame" if self._counts_frames else "video"
            self._bar = tqdm(total=self._left, unit=unit, leave=False, dynamic_ncols=True)

    def say(self, line: str) -> None:
        """Prints a line to stderr, above the bar."""
        if self._bar is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._bar.write(line, file=sys.stderr)

    def show_reached(self, number: int, frames: int) -> None:
        """Shows that a run went through `frames` frames of the video with this number."""
        if self._counts_frames:
            self._go_on(number, min(frames, self._lengths[number]))
        self._tell()

    def end(self, number: int, *, was_read: bool = True) -> None:
        """Counts a video that is over. `was_read` False: it was finished before, or failed, so that
        it took no time."""
        self._over += 1
        if was_read:
            self._go_on(number, self._lengths[number])
        else:
            rest = self._lengths[number] - self._reached[number]
            self._reached[number] += rest
            self._left -= rest
            if self._bar is not None:
                self._bar.total = self._done + self._left
                self._bar.refresh()
        self._tell()

    def _go_on(self, number: int, reached: int) -> None:
        new = reached - self._reached[number]
        if new > 0:
            self._reached[number] = reached
            self._done += new
            self._left -= new
            if self._bar is not None:
                self._bar.update(new)

    def _tell(self) -> None:
        """Prints a line if the last one was long ago and there is no bar."""
        now_s = self._clock()
        if self._bar is not None or now_s - self._told_s < LOG_INTERVAL_S:
            return
        self._told_s = now_s
        left_s = estimate_left_s(self._done, self._left, now_s - self._began_s)
        about = "" if left_s is None else f", about {format_play_time(left_s)} left"
        frames = f", {self._done} frames read" if self._counts_frames else ""
        self.say(f"progress: {self._over} of {len(self._lengths)} videos{frames}{about}.")

    def close(self) -> None:
        """Takes the bar off the terminal."""
        if self._bar is not None:
            self._bar.close()
