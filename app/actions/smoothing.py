"""Smooths the facial actions of each person with the One Euro filter, by time in seconds.

The One Euro filter (Casiez, Roussel and Vogel, CHI 2012) is a low pass whose cutoff frequency
grows with the speed of its input: a face at rest is calm, and a blink is hardly dulled. Its weights
follow from the time between two readings, so the rate of the frames does not matter.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.actions.head_pose import HeadPose
from app.actions.names import COEFFICIENTS, POSE_NAMES
from app.actions.values import make_actions
from app.stage_state import SavedState, State, dump_array, load_array
from app.types import FaceActions

# docs/actions.md compares others. A unit of speed is a degree a second for angles, and the whole
# range of a coefficient a second for coefficients.
CALM_HZ = 1.0  # cutoff for a face at rest
ANGLE_HZ = 0.1  # added to it for a degree a second
SHARE_HZ = 8.0  # added to it for the whole range a second
SPEED_HZ = 1.5  # cutoff with which the speed itself is smoothed
GAP_S = 0.5  # the filter of a person who was not read for longer starts again

_ANGLES = len(POSE_NAMES)
_SPEED_TO_HZ = np.array([ANGLE_HZ] * _ANGLES + [SHARE_HZ] * len(COEFFICIENTS))


@dataclass(frozen=True, slots=True)
class _Person:
    """The smoothed values `(54,)`, pose and coefficients, their speeds a second, and when they were
    read last."""

    values: NDArray[np.float64]
    speeds: NDArray[np.float64]
    read_s: float


class ActionSmoother:
    """Smooths the facial actions of the people of one stream, by their `face_id`.

    >>> still = make_actions(HeadPose(0.0, 0.0, 0.0), np.zeros(51))
    >>> turned = make_actions(HeadPose(10.0, 0.0, 0.0), np.zeros(51))
    >>> smoother = ActionSmoother()
    >>> _ = smoother.smooth(1, still, 0.0)
    >>> 5 < smoother.smooth(1, turned, 0.04).head_yaw_deg < 10
    True
    """

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}

    def smooth(self, face_id: int, actions: FaceActions, time_s: float) -> FaceActions:
        """Takes the reading of a person at a time in seconds. Returns the smoothed actions; after a
        gap of more than `GAP_S`, or a time that runs backwards, they are the reading itself."""
        now = np.array(
            [
                actions.head_yaw_deg,
                actions.head_pitch_deg,
                actions.head_roll_deg,
                *(actions.coefficients[name] for name in COEFFICIENTS),
            ]
        )
        before = self._people.get(face_id)
        if before is None or not 0 < time_s - before.read_s <= GAP_S:
            self._people[face_id] = _Person(now, np.zeros_like(now), time_s)
            return actions
        step_s = time_s - before.read_s
        change = now - before.values
        change[:_ANGLES] = (change[:_ANGLES] + 180) % 360 - 180
        speeds = before.speeds + _weigh(SPEED_HZ, step_s) * (change / step_s - before.speeds)
        cutoffs_hz = CALM_HZ + _SPEED_TO_HZ * np.abs(speeds)
        values = before.values + _weigh(cutoffs_hz, step_s) * change
        values[:_ANGLES] = (values[:_ANGLES] + 180) % 360 - 180
        self._people[face_id] = _Person(values, speeds, time_s)
        return make_actions(HeadPose(*values[:_ANGLES].tolist()), values[_ANGLES:])

    def forget_old(self, time_s: float) -> None:
        """Forgets the people who were not read for longer than `GAP_S`."""
        self._people = {
            number: one for number, one in self._people.items() if abs(time_s - one.read_s) <= GAP_S
        }

    def reset(self) -> None:
        """Forgets all people."""
        self._people = {}

    def state(self) -> State:
        """Returns all that the next frame's actions depend on but the readings themselves."""
        return {
            "people": [
                [number, dump_array(one.values), dump_array(one.speeds), float(one.read_s)]
                for number, one in self._people.items()
            ]
        }

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        people = {}
        for number, values, speeds, read_s in state["people"]:
            one = _Person(load_array(values), load_array(speeds), float(read_s))
            if one.values.shape != _SPEED_TO_HZ.shape or one.speeds.shape != _SPEED_TO_HZ.shape:
                raise ValueError(f"actions are of the shape {one.values.shape}")
            people[int(number)] = one
        self._people = people


def _weigh(cutoff_hz: float | NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    return np.asarray(1 - np.exp(-2 * math.pi * step_s * np.asarray(cutoff_hz)), np.float64)
