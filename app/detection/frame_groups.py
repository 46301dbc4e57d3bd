"""Collects the frames of a file in groups that are read together."""

import math

from app.stage_state import SavedState, State
from app.types import Frame

GROUP_S = 0.1  # each face is looked at and read ten times a second; docs/speed.md compares others
MAX_GROUP = 8  # frames
MAX_GROUP_BYTES = 100_000_000  # four frames of 3840 x 2160
ROUNDING_S = 0.002  # by which times of frames are rounded, in milliseconds


class FrameGroups:
    """Collects the frames of one stream. A group ends with the first frame that comes `group_s`
    after the last group's end, earlier where frames are many or large, and before a frame of
    another size or one whose time is not later. The first frame of a stream is a group of its own.

    Attributes:
        end_s: The time of the last frame of the last group; minus infinity before the first.

    >>> import numpy as np
    >>> image, groups = np.zeros((2, 2, 3), np.uint8), FrameGroups(group_s=0.1)
    >>> ended = [groups.add(Frame(image, n, n / 20, "made")) for n in range(6)]
    >>> [[[frame.index for frame in group] for group in some] for some in ended]
    [[[0]], [], [[1, 2]], [], [[3, 4]], []]
    """

    def __init__(self, *, group_s: float = GROUP_S) -> None:
        self._group_s = group_s
        self._waiting: list[Frame] = []
        self.end_s = -math.inf

    def __len__(self) -> int:
        """Counts the frames that wait for their group to end."""
        return len(self._waiting)

    def add(self, frame: Frame) -> list[list[Frame]]:
        """Takes the next frame. Returns the groups that are complete, in order."""
        waiting, ended = self._waiting, []
        if waiting and (frame.size_wh != waiting[0].size_wh or frame.time_s <= waiting[-1].time_s):
            ended.append(self.take())
        self._waiting.append(frame)
        if (
            not 0 <= frame.time_s - self.end_s < self._group_s - ROUNDING_S
            or len(self._waiting) >= MAX_GROUP
            or len(self._waiting) * frame.image_bytes >= MAX_GROUP_BYTES
        ):
            ended.append(self.take())
        return ended

    def take(self) -> list[Frame]:
        """Ends the group that is being collected. Returns its frames, which may be none."""
        group, self._waiting = self._waiting, []
        if group:
            self.end_s = group[-1].time_s
        return group

    def drop(self) -> None:
        """Forgets the frames that wait, as if they had not come."""
        self._waiting = []

    def restart(self) -> None:
        """Begins anew: the next frame is a group of its own."""
        self._waiting = []
        self.end_s = -math.inf

    def state(self) -> State:
        """Returns all that the next group depends on but frames that wait."""
        return {"end_s": float(self.end_s)}

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._waiting = []
        self.end_s = float(state["end_s"])
