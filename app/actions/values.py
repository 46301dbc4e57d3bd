"""Makes the values of facial actions, and lists them in the order of `ACTION_NAMES`."""

import numpy as np
from numpy.typing import NDArray

from app.actions.head_pose import HeadPose
from app.actions.names import COEFFICIENTS
from app.types import FaceActions

_ROWS = {name: row for row, name in enumerate(COEFFICIENTS)}


def make_actions(pose: HeadPose, coefficients: NDArray[np.float64]) -> FaceActions:
    """Makes the actions of a face.

    Args:
        pose: The pose of its head.
        coefficients: 51 shares, 0 to 1, in the order of `COEFFICIENTS`.

    >>> shares = np.zeros(51)
    >>> shares[[COEFFICIENTS.index(f"eyeLook{way}") for way in ("OutLeft", "InRight")]] = 0.5
    >>> actions = make_actions(HeadPose(0.0, 0.0, 0.0), shares)
    >>> actions.look_x, actions.look_y, actions.coefficients["eyeLookOutLeft"]
    (0.5, 0.0, 0.5)
    """

    def add(*names: str) -> float:
        return float(sum(coefficients[_ROWS[name]] for name in names))

    to_right = add("eyeLookOutLeft", "eyeLookInRight") - add("eyeLookInLeft", "eyeLookOutRight")
    up = add("eyeLookUpLeft", "eyeLookUpRight") - add("eyeLookDownLeft", "eyeLookDownRight")
    return FaceActions(
        *pose,
        blink=add("eyeBlinkLeft", "eyeBlinkRight") / 2,
        look_x=to_right / 2,
        look_y=up / 2,
        coefficients=dict(zip(COEFFICIENTS, coefficients.tolist(), strict=True)),
    )


def list_action_values(actions: FaceActions) -> list[float]:
    """Lists the values of actions in the order of `app.actions.names.ACTION_NAMES`.

    >>> actions = make_actions(HeadPose(10.0, -5.0, 2.0), np.zeros(51))
    >>> list_action_values(actions)[:6], len(list_action_values(actions))
    ([10.0, -5.0, 2.0, 0.0, 0.0, 0.0], 57)
    """
    return [
        actions.head_yaw_deg,
        actions.head_pitch_deg,
        actions.head_roll_deg,
        actions.blink,
        actions.look_x,
        actions.look_y,
        *(actions.coefficients[name] for name in COEFFICIENTS),
    ]
