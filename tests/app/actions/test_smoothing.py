"""The filter of facial actions: calm at rest, quick in a blink, by time and not by frames."""

import numpy as np
import pytest

from app.actions.head_pose import HeadPose
from app.actions.names import COEFFICIENTS
from app.actions.smoothing import GAP_S, ActionSmoother
from app.actions.values import list_action_values, make_actions
from app.types import FaceActions

EYES = [COEFFICIENTS.index(f"eyeBlink{side}") for side in ("Left", "Right")]


def actions(yaw: float = 0.0, *, roll: float = 0.0, blink: float = 0.0) -> FaceActions:
    shares = np.zeros(51)
    shares[EYES] = blink
    return make_actions(HeadPose(yaw, 0.0, roll), shares)


def test_a_face_at_rest_is_calmer_than_its_readings() -> None:
    noise = np.random.default_rng(0).normal(0, 0.5, 300)
    smoother = ActionSmoother()
    found = [
        smoother.smooth(1, actions(float(v)), n / 30).head_yaw_deg for n, v in enumerate(noise)
    ]
    assert np.std(found[30:]) < 0.6 * np.std(noise)


def test_a_blink_of_a_tenth_of_a_second_is_hardly_dulled() -> None:
    closed = [0.05] * 30 + [0.4, 0.8, 0.8, 0.4] + [0.05] * 30
    smoother = ActionSmoother()
    found = [smoother.smooth(1, actions(blink=v), n / 30).blink for n, v in enumerate(closed)]
    assert max(found) > 0.7
    assert found[-25] < 0.1


def test_the_rate_of_frames_hardly_matters() -> None:
    """A head that turns by 40 degrees a second, at 30 and at 60 frames a second."""
    ends = []
    for fps in (30, 60):
        smoother = ActionSmoother()
        for n in range(fps + 1):
            found = smoother.smooth(1, actions(40 * n / fps), n / fps)
        ends.append(found.head_yaw_deg)
    assert ends[0] == pytest.approx(ends[1], abs=1)
    assert 35 < ends[0] < 40


def test_roll_goes_the_short_way_round() -> None:
    smoother = ActionSmoother()
    smoother.smooth(1, actions(roll=179.0), 0.0)
    found = smoother.smooth(1, actions(roll=-179.0), 0.04).head_roll_deg
    assert abs(found) > 178.9


@pytest.mark.parametrize("time_s", [GAP_S + 0.01, 0.0, -1.0])
def test_the_filter_starts_again(time_s: float) -> None:
    smoother = ActionSmoother()
    smoother.smooth(1, actions(0.0), 0.0)
    assert smoother.smooth(1, actions(30.0), time_s) == actions(30.0)


def test_people_have_filters_of_their_own_and_a_restored_one_goes_on() -> None:
    smoother, other = ActionSmoother(), ActionSmoother()
    for n in range(5):
        smoother.smooth(1, actions(2.0 * n), n / 30)
        smoother.smooth(2, actions(-2.0 * n, blink=0.3), n / 30)
    other.restore(smoother.state())
    for number in (1, 2):
        one = smoother.smooth(number, actions(5.0), 5 / 30)
        assert list_action_values(other.smooth(number, actions(5.0), 5 / 30)) == list_action_values(
            one
        )
    smoother.forget_old(10.0)
    assert smoother.state() == {"people": []}
    with pytest.raises(ValueError, match="shape"):
        other.restore({"people": [[1, *[{"kind": "float64", "shape": [1], "values": [0]}] * 2, 0]]})
