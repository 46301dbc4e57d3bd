"""People keep their places, and places are given anew when their people are gone."""

import pytest

from app.events.person_slots import HOLD_S, PersonSlots
from tests.support.synthetic import tracked_face


@pytest.mark.parametrize(
    ("frames", "placed"),
    [
        # Frames: time and the people in view. Placed: who is in the two places.
        ([(0, [1]), (1, [2, 1])], [(1, None), (1, 2)]),
        ([(0, [1, 2]), (1, [2]), (2, [1, 2])], [(1, 2), (None, 2), (1, 2)]),
        ([(0, [1, 2, 3])], [(1, 2)]),  # there is no third place
        ([(0, [1, 2]), (1, [2, 3])], [(1, 2), (3, 2)]),  # the only one that is free
        ([(0, [1, 2]), (0.5, [2]), (1, [3])], [(1, 2), (None, 2), (3, None)]),  # away for longest
        ([(0, [1]), (HOLD_S + 1, [2])], [(1, None), (2, None)]),  # away for too long
        ([(0, [1]), (HOLD_S / 2, [2])], [(1, None), (None, 2)]),
        ([(5, [1, 2]), (0, [2])], [(1, 2), (2, None)]),  # another stream
    ],
)
def test_places_outlast_short_absences(
    frames: list[tuple[float, list[int]]], placed: list[tuple[int | None, ...]]
) -> None:
    slots = PersonSlots(2)
    given = [
        tuple(
            face and face.face_id for face in slots.place([tracked_face(i) for i in people], time_s)
        )
        for time_s, people in frames
    ]
    assert given == placed
