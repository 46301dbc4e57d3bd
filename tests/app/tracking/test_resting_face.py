"""A resting face that does not read as neutral is allowed for, within bounds, person by person."""

import numpy as np
import pytest

from app.tracking.resting_face import (
    BOUND_NATS,
    FORGET_S,
    LEAD_NATS,
    RESTING_LOOK_S,
    RestingFaces,
    compute_resting_shift,
    shift_probabilities,
)
from app.tracking.tracker import Tracker
from app.types import Face, Floats

LABELS = ("Neutral", "sadness", "anger")
SAD_AT_REST = (0.3, 0.6, 0.1)


def rows(*people: tuple[float, float, float]) -> Floats:
    return np.array(people, np.float32).reshape(-1, 3)


def looked(resting: RestingFaces, row: tuple[float, float, float], face_id: int = 1) -> float:
    """Shows a face for the whole look, at 25 frames/s; the time of the last frame."""
    resting.start()
    steps = round(25 * RESTING_LOOK_S) + 2
    for step in range(steps):
        resting.correct([face_id], rows(row), step / 25)
    return (steps - 1) / 25


def test_resting_face_reads_as_neutral_afterwards() -> None:
    resting = RestingFaces(LABELS)
    now_s = looked(resting, SAD_AT_REST)
    assert (resting.known_count, resting.left_s) == (1, None)
    after = resting.correct([1], rows(SAD_AT_REST), now_s + 0.04)[0]
    assert after.argmax() == 0
    assert np.log(after[0] / after[1]) == pytest.approx(LEAD_NATS, abs=1e-4)
    assert after.sum() == pytest.approx(1)


def test_plain_expression_is_still_read() -> None:
    resting = RestingFaces(LABELS)
    now_s = looked(resting, SAD_AT_REST)
    after = resting.correct([1], rows((0.03, 0.95, 0.02)), now_s + 0.04)[0]
    assert after.argmax() == 1


@pytest.mark.parametrize(
    ("probabilities", "shift"),
    [
        ((0.9, 0.05, 0.05), (0, 0, 0)),  # an ordinary face is left alone
        ((0.45, 0.45, 0.1), (0, -LEAD_NATS, 0)),
        ((0.001, 0.998, 0.001), (0, -BOUND_NATS, -LEAD_NATS)),  # who smiles while it looks
    ],
)
def test_no_more_is_taken_off_than_neutral_needs_and_the_bound_allows(
    probabilities: tuple[float, ...], shift: tuple[float, ...]
) -> None:
    assert compute_resting_shift(np.log(probabilities), 0) == pytest.approx(shift, abs=1e-3)


def test_shift_of_nothing_changes_nothing() -> None:
    some = rows(SAD_AT_REST, (0.2, 0.2, 0.6))
    np.testing.assert_allclose(shift_probabilities(some, np.zeros((2, 3))), some, atol=1e-7)


def test_people_are_corrected_apart() -> None:
    resting = RestingFaces(LABELS)
    resting.start()
    both = rows(SAD_AT_REST, (0.3, 0.1, 0.6))
    for step in range(130):
        resting.correct([4, 7], both, step / 25)
    assert resting.known_count == 2
    after = resting.correct([7, 9, 4], rows(*[SAD_AT_REST] * 3), 5.3)
    assert after.argmax(axis=1).tolist() == [1, 1, 0]
    np.testing.assert_allclose(after[1], SAD_AT_REST, atol=1e-6)  # of whom nothing is known


def test_readings_stay_as_they_are_while_it_looks() -> None:
    resting = RestingFaces(LABELS)
    resting.start()
    np.testing.assert_array_equal(resting.correct([1], rows(SAD_AT_REST), 0), rows(SAD_AT_REST))
    assert resting.left_s == RESTING_LOOK_S
    resting.correct([1], rows(SAD_AT_REST), 0.1)
    assert resting.left_s == pytest.approx(RESTING_LOOK_S - 0.1)


def test_pause_is_no_look() -> None:
    resting = RestingFaces(LABELS)
    resting.start()
    resting.correct([1], rows(SAD_AT_REST), 0.0)
    resting.correct([1], rows(SAD_AT_REST), 1.4)
    assert resting.left_s == pytest.approx(RESTING_LOOK_S - 0.2)


def test_who_is_gone_is_forgotten() -> None:
    resting = RestingFaces(LABELS)
    now_s = looked(resting, SAD_AT_REST)
    resting.correct([], rows(), now_s + FORGET_S - 0.1)
    assert resting.known_count == 1
    resting.correct([], rows(), now_s + FORGET_S + 0.1)
    assert resting.known_count == 0


def test_who_came_late_to_the_look_is_not_judged_by_a_glance() -> None:
    resting = RestingFaces(LABELS)
    resting.start()
    for step in range(130):
        there = [1] if step < 110 else [1, 2]
        resting.correct(there, rows(*[SAD_AT_REST] * len(there)), step / 25)
    assert resting.known_count == 1


def test_cleared_faces_are_read_as_they_are() -> None:
    resting = RestingFaces(LABELS)
    now_s = looked(resting, SAD_AT_REST)
    resting.clear()
    after = resting.correct([1], rows(SAD_AT_REST), now_s)
    np.testing.assert_array_equal(after, rows(SAD_AT_REST))


def test_model_without_neutral_is_never_corrected() -> None:
    resting = RestingFaces(("happy", "sad"))
    resting.start()
    assert (resting.neutral, resting.left_s) == (None, None)


def test_tracker_corrects_before_it_smooths_and_forgets_when_it_does() -> None:
    resting = RestingFaces(LABELS)
    tracker = Tracker(resting=resting, smoothing_s=0.25)
    found = Face((10, 10, 70, 70), np.zeros((6, 2), np.float32), 0.9)
    resting.start()
    shown = rows(SAD_AT_REST)
    for step in range(175):
        shown = tracker.update([found], rows(SAD_AT_REST), step / 25)[1]
    assert shown[0].argmax() == 0
    tracker.reset()
    assert resting.known_count == 0
