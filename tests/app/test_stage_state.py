"""What a stage remembers comes back as it was, through JSON, and nothing else is taken."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.refused_hints import RefusedHints
from app.detection.view_schedule import ViewSchedule
from app.reading.carried_readings import CarriedReadings
from app.stage_state import dump_array, dump_face, load_array, load_face
from app.tracking.identities import Identities
from app.tracking.reasons import SteadyReasons
from app.tracking.tracker import Tracker
from app.types import Face

number = st.floats(allow_nan=False, width=64)
single = st.floats(allow_nan=False, width=32)


def through_json(state: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(state))


@given(st.lists(number), st.lists(single), st.binary())
def test_arrays_come_back_bit_for_bit(
    doubles: list[float], singles: list[float], raw: bytes
) -> None:
    for array in (
        np.array(doubles, np.float64),
        np.array(singles, np.float32),
        np.frombuffer(raw, np.uint8).reshape(1, -1),
    ):
        back = load_array(through_json(dump_array(array)))
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        assert back.tobytes() == array.tobytes()


@given(st.tuples(number, number, number, number), number, st.booleans(), st.none() | st.integers(1))
def test_faces_come_back(
    box: tuple[float, float, float, float], score: float, seen: bool, key: int | None
) -> None:
    face = Face(box, np.arange(12, dtype=np.float32).reshape(6, 2) / 3, score, seen, key)
    back = load_face(through_json(dump_face(face)))
    assert (back.box_xyxy, back.score, back.seen, back.key) == (face.box_xyxy, score, seen, key)
    assert back.landmarks.tobytes() == face.landmarks.tobytes()


def test_states_from_before_faces_had_keys_are_taken_up() -> None:
    kept = dump_face(Face((0.0, 0.0, 9.0, 9.0), np.zeros((6, 2), np.float32), 0.9))
    del kept["key"]
    face = load_face(through_json(kept))
    assert face.key is None
    readings = CarriedReadings()
    readings.restore({"faces": [kept], "rows": dump_array(np.ones((1, 2), np.float32))})
    assert readings.carry([replace(face, seen=False)]) == {}


def walk(step: int) -> tuple[list[Face], np.ndarray]:
    """Two people who pass each other, and their readings."""
    left, right = 3.1 * step, 300 - 2.7 * step
    boxes = [(left, 10.0, left + 50, 60.0), (right, 20.0, right + 60, 80.0)]
    rng = np.random.default_rng(step)
    shares = rng.dirichlet(np.ones(4), 2).astype(np.float32)
    return [Face(box, np.zeros((6, 2), np.float32), 0.9) for box in boxes], shares


def test_tracker_goes_on_as_if_nothing_had_been() -> None:
    one, other = Tracker(), Tracker()
    for step in range(60):
        faces, shares = walk(step)
        if step % 7 == 3:
            state, other = through_json(other.state()), Tracker()
            other.restore(state)
        mine, theirs = (t.update(faces, shares, step / 25) for t in (one, other))
        assert mine[0] == theirs[0]
        assert mine[1].tobytes() == theirs[1].tobytes()
    assert one.state() == other.state()


@pytest.mark.parametrize(
    "stage",
    [Tracker(), Identities(), RefusedHints(), CarriedReadings(), ViewSchedule(), SteadyReasons()],
)
def test_new_stages_have_a_state_too(stage: Any) -> None:
    before = stage.state()
    stage.restore(through_json(before))
    assert stage.state() == before
    with pytest.raises((KeyError, TypeError, ValueError)):
        stage.restore({"people": 3})
