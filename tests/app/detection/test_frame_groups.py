"""Frames of a file are collected in groups of a tenth of a second."""

import math

import numpy as np
import pytest

from app.detection.frame_groups import MAX_GROUP, MAX_GROUP_BYTES, FrameGroups
from app.types import Frame


def frame(index: int, time_s: float, width: int = 4) -> Frame:
    return Frame(np.zeros((2, width, 3), np.uint8), index, time_s, "made")


def sizes(times_s: list[float]) -> list[int]:
    groups = FrameGroups()
    return [len(group) for n, t in enumerate(times_s) for group in groups.add(frame(n, t))]


@pytest.mark.parametrize(
    ("rate", "usual"),
    [(5.0, 1), (10.0, 1), (15.0, 2), (23.976, 3), (25.0, 3), (30.0, 3), (60.0, 6)],
)
def test_a_group_lasts_a_tenth_of_a_second(rate: float, usual: int) -> None:
    assert sizes([n / rate for n in range(4 * usual + 1)]) == [1, *[usual] * 4]


def test_times_in_milliseconds_make_the_same_groups() -> None:
    assert sizes([round(n / 30, 3) for n in range(31)]) == [1, *[3] * 10]


def test_many_frames_within_a_tenth_of_a_second_are_several_groups() -> None:
    assert sizes([n / 240 for n in range(2 * MAX_GROUP + 1)]) == [1, MAX_GROUP, MAX_GROUP]


@pytest.mark.parametrize(
    ("times_s", "groups_of"),
    [
        ([0.0, 0.03, 0.02, 0.05, 0.13], [[0], [1], [2], [3, 4]]),
        ([0.0, 0.03, 0.03, 0.14], [[0], [1], [2, 3]]),
        ([5.0, 5.03, 1.0, 1.1], [[0], [1], [2], [3]]),
    ],
)
def test_in_a_group_times_run_forwards(times_s: list[float], groups_of: list[list[int]]) -> None:
    groups = FrameGroups()
    ended = [group for n, t in enumerate(times_s) for group in groups.add(frame(n, t))]
    assert [[one.index for one in group] for group in ended] == groups_of


def test_frames_of_two_sizes_are_never_in_one_group() -> None:
    groups = FrameGroups()
    for n, t in enumerate((0.0, 0.03)):
        groups.add(frame(n, t))
    ended = groups.add(frame(2, 0.06, width=8))
    assert [[one.index for one in group] for group in ended] == [[1]]
    assert [one.index for one in groups.take()] == [2]


def test_large_frames_do_not_fill_the_memory() -> None:
    image = np.zeros((3000, 4000, 3), np.uint8)
    groups = FrameGroups()
    ended = [groups.add(Frame(image, n, n / 240, "made")) for n in range(8)]
    most = max(len(group) for some in ended for group in some)
    assert most == math.ceil(MAX_GROUP_BYTES / image.nbytes) == 3


def test_frames_that_are_dropped_come_again_in_the_same_group() -> None:
    groups = FrameGroups()
    for n in range(3):
        groups.add(frame(n, n / 30))
    kept = groups.state()
    groups.drop()
    assert (len(groups), groups.take()) == (0, [])
    again = FrameGroups()
    again.restore(kept)
    ended = [group for n in (1, 2, 3) for group in again.add(frame(n, n / 30))]
    assert [[one.index for one in group] for group in ended] == [[1, 2, 3]]
