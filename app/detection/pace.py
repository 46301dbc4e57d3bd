"""Says how much a follower may do in one frame: all that helps in a file, a bounded share of it in
a live stream."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of a follower (`app.detection.follower.Follower`).

    Attributes:
        rest_s: The time in seconds, at least 0, for which a face rests after a look at it.
        most_step_s: The longest step between frames, more than 0 seconds, by which turns are shared
            out. In frames that come later, there is no more work than after such a step; else the
            next frames would come later still.
        is_thorough: True searches all of the frame within `search_s`, changed or not, however few
            frames that is.
        is_immediate: True searches the first frame, and the first one after a cut, as a whole, and
            looks at all hints from near in the same frame. With False, at most `MAX_GLANCES` views
            are searched and `MAX_NEW_HINTS` hints are looked at in a frame, and the others wait.

    Raises:
        ValueError: A time is out of its range.
    """

    rest_s: float = 0.0
    most_step_s: float = math.inf
    is_thorough: bool = False
    is_immediate: bool = True

    def __post_init__(self) -> None:
        if not (self.rest_s >= 0 and self.most_step_s > 0):
            raise ValueError(
                "rest_s is a time of at least 0 seconds, most_step_s of more; got "
                f"{self.rest_s} and {self.most_step_s}"
            )


FILE_PACE = Pace()
# Of 30 frames a second, each face is looked at in every frame; of 60, in every other frame.
LIVE_PACE = Pace(rest_s=0.025, most_step_s=1 / 30, is_immediate=False)
