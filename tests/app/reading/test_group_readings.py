"""Readings between two looks lie between those of the looks, where they say the same."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from app.reading.group_readings import interpolate_reading, is_same_reading, read_group
from app.types import Face, Floats

Place = tuple[int, int]


def face(key: int | None, *, seen: bool = True) -> Face:
    return Face((0.0, 0.0, 9.0, 9.0), np.zeros((6, 2), np.float32), 0.9, seen=seen, key=key)


def reading(first: float) -> Floats:
    return np.array([first, 1 - first], np.float32)


def sure(readings: Floats) -> NDArray[np.float64]:
    """Is sure of 0.6 and more."""
    return np.asarray(readings.max(axis=1) - 0.6, np.float64)


class Network:
    """Gives each frame's reading, and counts what is read."""

    def __init__(self, *shares: float) -> None:
        self.shares, self.read_places = shares, list[Place]()

    def __call__(self, places: Sequence[Place]) -> Floats:
        self.read_places += places
        rows = [reading(self.shares[number]) for number, _ in places]
        return np.array(rows, np.float32).reshape(len(rows), 2)


TIMES_S = [0.1, 0.2, 0.3]


def read(network: Network, faces: Sequence[Sequence[Face]], before: Floats | None) -> list[Floats]:
    return read_group(
        faces, TIMES_S, (0.0, lambda key: before if key == 1 else None), network, sure
    )


@pytest.mark.parametrize(
    ("before", "last", "read_in"),
    [
        (0.90, 0.92, [2]),  # the same
        (0.95, 0.80, [0, 1, 2]),  # the same class, another share
        (0.62, 0.58, [0, 1, 2]),  # sure before, unsure after
        (0.40, 0.60, [0, 1, 2]),  # another class
    ],
)
def test_a_face_is_read_between_two_looks_only_if_it_changed(
    before: float, last: float, read_in: list[int]
) -> None:
    network = Network(0.3, 0.7, last)
    faces = [[face(1, seen=False)], [face(1, seen=False)], [face(1)]]
    found = read(network, faces, reading(before))
    assert sorted(number for number, _ in network.read_places) == read_in
    assert found[2][0].tolist() == reading(last).tolist()
    if len(read_in) == 3:
        assert [row[0].tolist() for row in found[:2]] == [
            reading(0.3).tolist(),
            reading(0.7).tolist(),
        ]
    else:
        assert before < found[0][0, 0] < found[1][0, 0] < last


def test_a_face_that_moves_is_read_no_more_often_than_one_at_rest() -> None:
    network = Network(0.5, 0.5, 0.9)
    read(network, [[face(1)], [face(1)], [face(1)]], reading(0.9))
    assert network.read_places == [(2, 0)]


@pytest.mark.parametrize("last", [[], [face(2)]])
def test_a_face_without_a_reading_at_one_end_is_read(last: list[Face]) -> None:
    network = Network(0.5, 0.6, 0.9)
    found = read(network, [[face(1, seen=False)], [face(3, seen=False)], last], reading(0.9))
    assert sorted(network.read_places) == [(0, 0), (1, 0), *((2, 0) for _ in last)]
    assert [one.shape for one in found] == [(1, 2), (1, 2), (len(last), 2)]


def test_no_face_gives_empty_readings_of_all_classes() -> None:
    assert [one.shape for one in read(Network(), [[], [], []], None)] == [(0, 2)] * 3


def test_of_a_crowd_nobody_is_read_between_two_looks() -> None:
    network = Network(0.1, 0.1, 0.9)
    crowd = [face(1) for _ in range(4)]
    read(network, [[face(1, seen=False)], [], crowd], reading(0.1))
    assert {number for number, _ in network.read_places} == {2}


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_logits_lie_on_a_straight_line(share: float) -> None:
    one, other = reading(0.9), reading(0.6)
    found = interpolate_reading(one, other, share)
    wanted = (1 - share) * np.log(9.0) + share * np.log(1.5)
    assert np.log(found[0] / found[1]) == pytest.approx(wanted, abs=1e-5)
    assert found.sum() == pytest.approx(1.0, abs=1e-6)


def test_a_class_that_was_impossible_is_no_trouble() -> None:
    assert np.isfinite(interpolate_reading(reading(1.0), reading(0.99), 0.5)).all()
    assert is_same_reading(reading(1.0), reading(0.99), sure)
