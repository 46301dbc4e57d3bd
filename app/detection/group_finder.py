"""Finds the faces of a file's frames, group by group."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from app.detection.frame_groups import GROUP_S, FrameGroups
from app.detection.ports import FaceFollower
from app.process.work_beside import WorkBeside
from app.stage_state import SavedState, State
from app.types import Face, Frame


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """The frames of a group, the faces of each, and the seconds that finding them took."""

    frames: Sequence[Frame]
    faces: Sequence[tuple[Face, ...]]
    taken_s: float


class GroupFinder:
    """Collects the frames of one stream in groups, and finds the faces of each complete group: at
    once, or ahead in a thread of its own while the group before is used (`find_ahead`).

    Args:
        follower: Finds the faces. While a group is found ahead, nothing else may use it.
        group_s: The time in seconds from one frame that is looked at to the next.
        clock: Gives seconds, for `FoundGroup.taken_s`.
    """

    def __init__(
        self,
        follower: FaceFollower,
        *,
        group_s: float = GROUP_S,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._follower = follower
        self._groups = FrameGroups(group_s=group_s)
        self._clock = clock
        self._beside: WorkBeside[FoundGroup] | None = None

    def __len__(self) -> int:
        """Counts the frames that wait for their group to be complete."""
        return len(self._groups)

    @property
    def is_ahead(self) -> bool:
        """True while a group is found ahead."""
        return self._beside is not None and self._beside.is_busy

    @property
    def end_s(self) -> float:
        """The time of the last frame of the last group; minus infinity before the first."""
        return self._groups.end_s

    @contextmanager
    def find_ahead(self) -> Iterator[None]:
        """Finds ahead inside the block. What fails in finding comes out of the call that would give
        that group."""
        self._beside = beside = WorkBeside[FoundGroup]("find faces")
        try:
            yield
        finally:
            self._beside = None
            beside.close()

    def add(self, frame: Frame, *, at_each: bool, at_once: bool) -> Iterator[FoundGroup]:
        """Takes the next frame when the first group is asked for.

        Args:
            frame: The frame.
            at_each: True looks at each frame of a group.
            at_once: True finds the faces of each complete group now; nothing is found ahead.

        Yields:
            The groups that are ready, in order. A group that is found ahead is ready when the next
            one is complete.
        """
        for frames in self._groups.add(frame):
            find = partial(self._find, frames, at_each=at_each)
            if self._beside is None or at_once:
                yield from self._take_ahead()
                yield find()
                continue
            before = self._beside.take() if self._beside.is_busy else None
            self._beside.begin(find)
            if before is not None:
                yield before

    def take_waiting(self, *, at_each: bool) -> Iterator[FoundGroup]:
        """Yields the group that is found ahead, and that of the frames that wait, where there are
        such groups."""
        yield from self._take_ahead()
        if frames := self._groups.take():
            yield self._find(frames, at_each=at_each)

    def drop_waiting(self) -> None:
        """Forgets the frames that wait for their group to be complete, as if they had not come."""
        self._groups.drop()

    def restart(self) -> None:
        """Begins anew: the next frame is a group of its own."""
        self._groups.restart()

    def state(self) -> State:
        """Returns all that the next group depends on but the follower and frames that wait."""
        return self._groups.state()

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._groups.restore(state)

    def _take_ahead(self) -> Iterator[FoundGroup]:
        if self._beside is not None and self._beside.is_busy:
            yield self._beside.take()

    def _find(self, frames: Sequence[Frame], *, at_each: bool) -> FoundGroup:
        """Finds the faces of a group. Uses nothing that reading uses, because another thread may be
        reading."""
        began_s = self._clock()
        if at_each or len(frames) < 2:
            faces = [self._follower.find(frame.image, frame.time_s) for frame in frames]
        else:
            faces = self._follower.find_group(frames)
        return FoundGroup(frames, faces, self._clock() - began_s)
