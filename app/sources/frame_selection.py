"""Which frames of a video are read: a stretch of time, every n-th frame, or so many a second."""

import math
import re
from dataclasses import dataclass

_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_BINARY_S = 1e-9  # what is left of the difference of two times in binary
# Times that are rounded or cut off to ticks lie up to a tick before what they stand for. In time
# bases as coarse as a frame, times are exact.
MOST_SLACK_S = 0.001


def parse_time(text: str) -> float:
    """Seconds of `90`, `90.5`, `1:30` or `1:02:03.5`. Raises `ValueError`."""
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
    """Frames whose own time is at least `start_s` and less than `end_s`; of them every `every`-th,
    from the first on, or with `fps` the first at or after each tick of that many a second."""

    start_s: float = 0.0
    end_s: float | None = None
    every: int = 1
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.start_s < 0 or (self.end_s is not None and self.end_s <= self.start_s):
            raise ValueError("the end must come after the start")
        if self.every < 1 or (self.fps is not None and not 0 < self.fps < math.inf):
            raise ValueError("every is at least 1, fps more than 0")
        if self.every > 1 and self.fps is not None:
            raise ValueError("frames are counted or timed, not both")

    @property
    def whole(self) -> bool:
        return self == Selection()

    def chooser(self, tick_s: float = 0.0) -> "FrameChooser":
        """`tick_s` is what times are rounded to."""
        return FrameChooser(self, tick_s)


class FrameChooser:
    """Says of the frames of one video, asked about all of them in order, which are read."""

    def __init__(self, selection: Selection, tick_s: float) -> None:
        self._selection = selection
        self._slack_s = _BINARY_S + min(tick_s, MOST_SLACK_S)
        self._seen = 0  # since the start
        self._slot = -1

    def is_over(self, time_s: float) -> bool:
        """Whether no later frame can be wanted."""
        end_s = self._selection.end_s
        return end_s is not None and time_s >= end_s - self._slack_s

    def wants(self, time_s: float) -> bool:
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
