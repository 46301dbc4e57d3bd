"""Says how much a follower may do in one frame: all that helps in a file, a bounded share of it in
a live stream."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of a follower (`app.detection.follower.Follower`).

    Attributes:
        rest_s: The time in seconds, at least 0, for which a face rests after a look at it.
        calm_s: The time in seconds, at least `rest_s`, for which a face rests that neither changes
            nor is about to get another label. Meanwhile it moves with the picture
            (`app.detection.flow`). 0: no face is moved with the picture.
        turn_s: The time in seconds, more than 0, within which each face of a crowd has its turn.
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
    calm_s: float = 0.0
    turn_s: float = 0.1
    most_step_s: float = math.inf
    is_thorough: bool = False
    is_immediate: bool = True

    def __post_init__(self) -> None:
        if not (self.rest_s >= 0 and self.calm_s >= 0 and self.turn_s > 0 and self.most_step_s > 0):
            raise ValueError(
                "rest_s and calm_s are times of at least 0 seconds, turn_s and most_step_s of "
                f"more; got {self.rest_s}, {self.calm_s}, {self.turn_s} and {self.most_step_s}"
            )

    @property
    def has_flow(self) -> bool:
        """True if faces move with the picture between two looks."""
        return self.calm_s > 0


FILE_PACE = Pace()
# Of 30 frames a second, a calm face is looked at in every third frame, any other face in every
# frame; of 60, in every other frame.
LIVE_PACE = Pace(rest_s=0.025, calm_s=0.09, turn_s=0.2, most_step_s=1 / 30, is_immediate=False)
