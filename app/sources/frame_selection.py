"""Chooses frames of a video: a stretch of time, every n-th frame, or a number per second."""

import math
import re
from dataclasses import dataclass

_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_BINARY_ERROR_S = 1e-9  # the error of the difference of two times in binary
# A time that is rounded or cut off to ticks lies up to a tick before the moment it stands for. A
# time base as coarse as a frame has exact times, so the slack is never more than this.
MAX_SLACK_S = 0.001


def parse_time(text: str) -> float:
    """Reads a time as seconds or as a clock. Raises `ValueError` for any other text.

    >>> parse_time("90.5"), parse_time("1:30"), parse_time("1:02:03.5")
    (90.5, 90.0, 3723.5)
    """
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        seconds = float(text)
        if not 0 <= seconds < math.inf:
            raise ValueError("times are seconds of at least 0")
        return seconds
    hours, minutes, rest = int(found[1] or 0), int(found[2]), float(found[3])
    if rest >= 60 or (found[1] is not None and minutes >= 60):
        raise ValueError("minutes and seconds are less than 60")
    return 3600.0 * hours + 60.0 * minutes + rest


@dataclass(frozen=True, slots=True)
class Selection:
    """The frames of a video that are read.

    Attributes:
        start_s: The least time of a frame in seconds.
        end_s: The time in seconds from which on no frame is read; None for the end of the video.
        every: Takes every n-th of the frames between both, from the first on.
        fps: Takes the first frame at or after each 1 / `fps` seconds from `start_s` on; None for
            no such limit. Not together with `every`.

    Raises:
        ValueError: If no frame can fit, or both `every` and `fps` are given.
    """

    start_s: float = 0.0
    end_s: float | None = None
    every: int = 1
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.start_s < 0 or (self.end_s is not None and self.end_s <= self.start_s):
            raise ValueError("the end must come after the start")  # users see these lines
        if self.every < 1 or (self.fps is not None and not 0 < self.fps < math.inf):
            raise ValueError("every is at least 1, fps more than 0")
        if self.every > 1 and self.fps is not None:
            raise ValueError("frames are counted or timed, not both")

    def chooser(self, tick_s: float = 0.0) -> "FrameChooser":
        """Makes a chooser for one video, whose times are rounded to multiples of `tick_s`."""
        return FrameChooser(self, tick_s)


class FrameChooser:
    """Decides which frames of one video are read. It must be asked about every frame, in order.

    >>> chooser = Selection(every=2).chooser()
    >>> [chooser.wants(n / 25) for n in range(4)]
    [True, False, True, False]
    """

    def __init__(self, selection: Selection, tick_s: float) -> None:
        self._selection = selection
        self._slack_s = _BINARY_ERROR_S + min(tick_s, MAX_SLACK_S)
        self._seen = 0  # since the start
        self._slot = -1

    def is_over(self, time_s: float) -> bool:
        """Tells whether no frame from `time_s` on can be wanted."""
        end_s = self._selection.end_s
        return end_s is not None and time_s >= end_s - self._slack_s

    def wants(self, time_s: float) -> bool:
        """Tells whether the next frame, at `time_s`, is read."""
        ask = self._selection
        if time_s < ask.start_s - self._slack_s or self.is_over(time_s):
            return False
        self._seen += 1
        if ask.fps is None:
            return (self._seen - 1) % ask.every == 0
        # Counted from `start_s`, so that the same frames are taken whatever comes before it.
        slot = math.floor((time_s - ask.start_s + self._slack_s) * ask.fps)
        chosen = slot > self._slot
        self._slot = max(self._slot, slot)
        return chosen
