"""Identities hold while faces move, and readings are steady in seconds."""

import numpy as np
import pytest

from app.tracking.tracker import Tracker
from app.types import Face, Floats


def face(x: float, y: float = 0.0, side: float = 100.0) -> Face:
    return Face((x, y, x + side, y + side), np.zeros((6, 2), np.float32), 0.9)


def rows(*values: tuple[float, ...]) -> Floats:
    return np.array(values, np.float32).reshape(len(values), -1)


EVEN = rows((0.5, 0.5))


def test_no_faces_have_no_identities() -> None:
    ids, smoothed, shown = Tracker().update((), np.zeros((0, 3), np.float32), 0.0)
    assert ids == ()
    assert (smoothed.shape, shown.shape) == ((0, 3), (0,))


@pytest.mark.parametrize(
    ("before", "now", "ids"),
    [
        ((face(0), face(300)), (face(310), face(10)), (2, 1)),  # the order changed
        ((face(0), face(300)), (face(305),), (2,)),  # one left
        ((face(0),), (face(300), face(5)), (2, 1)),  # one came
        ((face(0),), (face(150),), (2,)),  # too far to be the same
        ((face(0),), (face(0, side=300),), (2,)),  # three times as large
        ((face(0), face(60)), (face(25), face(85)), (1, 2)),  # both moved to the right
    ],
)
def test_identities_follow_the_faces(
    before: tuple[Face, ...], now: tuple[Face, ...], ids: tuple[int, ...]
) -> None:
    tracker = Tracker()
    tracker.update(before, np.repeat(EVEN, len(before), axis=0), 0.0)
    assert tracker.update(now, np.repeat(EVEN, len(now), axis=0), 0.04)[0] == ids


@pytest.mark.parametrize(("gap_s", "face_id"), [(0.5, 1), (0.9, 2)])
def test_identity_outlives_a_short_absence_only(gap_s: float, face_id: int) -> None:
    tracker = Tracker(max_age_s=0.7)
    tracker.update((face(0),), EVEN, 0.0)
    assert tracker.update((), EVEN[:0], 0.1)[0] == ()
    assert tracker.update((face(5),), EVEN, gap_s)[0] == (face_id,)


def test_first_reading_is_taken_as_it_is() -> None:
    _, smoothed, _ = Tracker().update((face(0),), rows((0.7, 0.2, 0.1)), 3.0)
    np.testing.assert_allclose(smoothed, [[0.7, 0.2, 0.1]], atol=1e-6)


def test_smoothing_feels_the_same_at_any_frame_rate() -> None:
    def after_half_a_second(fps: int) -> Floats:
        tracker = Tracker(smoothing_s=0.25)
        tracker.update((face(0),), rows((0.9, 0.1)), 0.0)
        for step in range(1, fps // 2 + 1):
            _, smoothed, _ = tracker.update((face(0),), rows((0.45, 0.55)), step / fps)
        return smoothed

    slow, fast = after_half_a_second(12), after_half_a_second(60)
    np.testing.assert_allclose(slow, fast, atol=1e-4)
    # Of the log odds' way from 0.9:0.1 to 0.45:0.55, exp(-2) is left.
    left = np.exp(-2.0)
    odds = left * np.log(9.0) + (1 - left) * np.log(0.45 / 0.55)
    assert slow[0, 0] == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-4)


def test_no_smoothing_shows_each_frame() -> None:
    tracker = Tracker(smoothing_s=0)
    tracker.update((face(0),), rows((0.9, 0.1)), 0.0)
    _, smoothed, shown = tracker.update((face(0),), rows((0.2, 0.8)), 0.01)
    np.testing.assert_allclose(smoothed, [[0.2, 0.8]], atol=1e-6)
    assert shown.tolist() == [1]


def test_readings_of_two_faces_do_not_mix() -> None:
    tracker = Tracker()
    for step in range(20):
        order = (face(0), face(300)) if step % 2 else (face(300), face(0))
        values = rows((1.0, 0.0), (0.0, 1.0)) if step % 2 else rows((0.0, 1.0), (1.0, 0.0))
        ids, smoothed, _ = tracker.update(order, values, step / 25)
        by_id = dict(zip(ids, smoothed, strict=True))
        assert by_id[1][1] > 0.999
        assert by_id[2][0] > 0.999


def test_time_running_backwards_starts_anew() -> None:
    tracker = Tracker()
    tracker.update((face(0),), rows((0.9, 0.1)), 5.0)
    ids, smoothed, _ = tracker.update((face(0),), rows((0.2, 0.8)), 1.0)
    assert ids == (2,)
    np.testing.assert_allclose(smoothed, [[0.2, 0.8]], atol=1e-6)


def test_smoothed_rows_sum_to_one_even_from_zeros() -> None:
    _, smoothed, _ = Tracker().update((face(0),), rows((1.0, 0.0, 0.0)), 0.0)
    assert smoothed.sum() == pytest.approx(1.0)
    assert np.isfinite(smoothed).all()


@pytest.mark.parametrize("options", [{"max_age_s": -1.0}, {"smoothing_s": -0.1}])
def test_negative_times_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="seconds"):
        Tracker(**options)
