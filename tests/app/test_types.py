"""The values of the stages: what earlier versions pickled can still be read."""

import pickle
from dataclasses import fields

import numpy as np
import pytest

from app.types import Face, TrackedFace

POINTS = np.zeros((6, 2), np.float32)
FACE = Face((0.0, 0.0, 1.0, 1.0), POINTS, 0.9, key=7)
TRACKED = TrackedFace(FACE, 3, "neutral", np.ones(1, np.float32), np.ones(1, np.float32))


@pytest.mark.parametrize(("value", "youngest"), [(FACE, "key"), (TRACKED, "taught")])
def test_values_without_their_youngest_field_are_restored(
    value: Face | TrackedFace, youngest: str
) -> None:
    names = [item.name for item in fields(value)]
    assert names[-1] == youngest
    made = type(value).__new__(type(value))
    made.__setstate__([getattr(value, name) for name in names[:-1]])
    assert getattr(made, youngest) is fields(value)[-1].default
    assert all(getattr(made, name) is getattr(value, name) for name in names[:-1])


def test_pickled_values_come_back_whole() -> None:
    back = pickle.loads(pickle.dumps(TRACKED))
    assert (back.face.key, back.face_id, back.label) == (7, 3, "neutral")
    np.testing.assert_array_equal(back.face.landmarks, POINTS)
