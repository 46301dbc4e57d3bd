"""The faces of a file's frames are found group by group, at once or one group ahead."""

import numpy as np
import pytest

from app.detection.group_finder import FoundGroup, GroupFinder
from app.types import Face, Frame, Image
from tests.support.faces import make_face

FRAMES = [Frame(np.full((4, 4, 3), n, np.uint8), n, n / 20, "made") for n in range(8)]


class Follower:
    """Finds in each frame one face, whose left edge is the frame's number."""

    def __init__(self) -> None:
        self.looks: list[int] = []

    def find(self, image: Image, time_s: float, restless: object = ()) -> tuple[Face, ...]:
        self.looks.append(int(image[0, 0, 0]))
        return (make_face(float(image[0, 0, 0]), 0),)

    def find_group(self, frames: list[Frame]) -> list[tuple[Face, ...]]:
        return [self.find(frame.image, frame.time_s) for frame in frames[-1:]] * len(frames)


def indices(groups: list[FoundGroup]) -> list[list[int]]:
    return [[frame.index for frame in group.frames] for group in groups]


@pytest.mark.parametrize(
    ("ahead", "at_once", "given"),
    [
        (False, False, [[[0]], [], [[1, 2]], [], [[3, 4]], [], [[5, 6]], []]),
        (True, False, [[], [], [[0]], [], [[1, 2]], [], [[3, 4]], []]),
        (True, True, [[[0]], [], [[1, 2]], [], [[3, 4]], [], [[5, 6]], []]),
    ],
)
def test_groups_come_in_order_and_those_ahead_one_later(
    ahead: bool, at_once: bool, given: list[list[list[int]]]
) -> None:
    follower = Follower()
    finder = GroupFinder(follower)

    def feed() -> list[list[list[int]]]:
        return [indices(list(finder.add(f, at_each=False, at_once=at_once))) for f in FRAMES]

    if ahead:
        with finder.find_ahead():
            assert feed() == given
            assert finder.is_ahead is (not at_once)
            assert indices(list(finder.take_waiting(at_each=False)))[-1] == [7]
    else:
        assert feed() == given
        assert len(finder) == 1
        assert indices(list(finder.take_waiting(at_each=False))) == [[7]]
    assert not finder.is_ahead
    assert follower.looks == [0, 2, 4, 6, 7]


def test_each_frame_of_a_group_is_looked_at_where_that_is_asked() -> None:
    follower = Follower()
    finder = GroupFinder(follower)
    groups = [g for f in FRAMES[:3] for g in finder.add(f, at_each=True, at_once=True)]
    assert follower.looks == [0, 1, 2]
    assert [[one.box_xyxy[0] for (one,) in group.faces] for group in groups] == [[0], [1, 2]]


def test_dropped_frames_are_never_looked_at() -> None:
    follower = Follower()
    finder = GroupFinder(follower)
    for frame in FRAMES[:2]:
        list(finder.add(frame, at_each=False, at_once=True))
    finder.drop_waiting()
    assert list(finder.take_waiting(at_each=False)) == []
    assert follower.looks == [0]


def test_groups_are_made_alike_after_a_state_is_taken_up() -> None:
    one, other = GroupFinder(Follower()), GroupFinder(Follower())
    for frame in FRAMES[:5]:
        list(one.add(frame, at_each=False, at_once=True))
    other.restore(one.state())
    assert other.end_s == one.end_s == FRAMES[4].time_s
    assert indices(list(other.add(FRAMES[5], at_each=False, at_once=True))) == []
    assert indices(list(other.add(FRAMES[6], at_each=False, at_once=True))) == [[5, 6]]
