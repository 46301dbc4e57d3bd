"""Measures the pose of a head for the camera that took the whole frame.

Axes: x to the picture's right, y up, z out of the picture, towards the camera. They are
right-handed, and so are the angles: yaw turns about y, pitch about x, roll about z. A face that
looks into the camera's direction has all at 0. Yaw is positive where the nose points to the
picture's right, pitch where it points down, roll where the head is turned counterclockwise as seen.
The turn is Rz(roll) Ry(yaw) Rx(pitch): turning the picture changes roll alone.

The angles are those between the head and the axis of the camera. A head that moves sideways without
turning keeps them, although the camera then sees more of its side; the same pixels elsewhere in the
frame are another pose. This takes the camera's focal length, which no picture tells: it is assumed
to be `FOCAL_SHARE` of the frame's longer side, a field of view of 60 degrees, as many webcams and
phones have it.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from app.actions.rigid_points import RIGID_FACE_CM

FOCAL_SHARE = 1 / (2 * math.tan(math.radians(30)))  # of the longer side: 60 degrees across
# By its perspective, the network's face is seen from farther away than the head is: on rendered
# heads, the fit from 1.5 times as far has about half the errors of yaw that the fit from the true
# distance has (docs/actions.md).
NETWORK_DISTANCE_FACTOR = 1.5
# The least extent of a face in focal lengths: that of a head 5 m away. OpenCV solves nothing for
# points that lie closer together, and from farther away a head hardly looks different.
MIN_SPREAD = 0.03
# From the axes of this module to those of OpenCV, whose y points down and z away from the camera.
_TO_OPENCV = np.diag([1.0, -1.0, -1.0])


class HeadPose(NamedTuple):
    """The turn of a head in degrees."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def measure_head_pose(
    points: NDArray[np.float64], size_wh: tuple[int, int], *, distance_factor: float = 1.0
) -> HeadPose | None:
    """Measures the pose of a head by the places of its rigid points.

    Args:
        points: The places of `RIGID_POINTS` in px of the frame, (33, 2).
        size_wh: The width and height of the frame in px.
        distance_factor: By how many times as far as it is the head seems to be by its perspective;
            1 for the places of true points.

    Returns:
        The pose; None where the points are those of no face before the camera.

    >>> focal_px = FOCAL_SHARE * 1280  # a head 60 cm before the camera, looking into it
    >>> flat = RIGID_FACE_CM[:, :2] * (1, -1) / (60 - RIGID_FACE_CM[:, 2:]) * focal_px + (640, 360)
    >>> [round(angle, 3) + 0.0 for angle in measure_head_pose(flat, (1280, 720))]
    [0.0, 0.0, 0.0]
    """
    focal_px = FOCAL_SHARE * max(size_wh)
    offsets = (points - np.divide(size_wh, 2)) / focal_px
    if not np.isfinite(offsets).all():
        return None
    # A camera that looks straight at the face: what is seen from farther away stays in its middle.
    towards = _turn_to_axis((offsets.min(0) + offsets.max(0)) / 2)
    rays = np.column_stack([offsets, np.ones(len(offsets))]) @ towards.T
    seen = focal_px * rays[:, :2] / rays[:, 2:]
    scale = focal_px * min(distance_factor, float(np.ptp(seen / focal_px)) / MIN_SPREAD)
    camera = np.diag([scale, scale, 1.0])
    face = RIGID_FACE_CM @ _TO_OPENCV
    try:
        is_found, turn, shift = cv2.solvePnP(face, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
        if not is_found:
            return None
        turn, shift = cv2.solvePnPRefineLM(face, seen, camera, None, turn, shift)
    except cv2.error:  # for points that are all in one place
        return None
    if not (np.isfinite(turn).all() and np.isfinite(shift).all()) or float(shift[2, 0]) <= 0:
        return None
    head = towards.T @ np.asarray(cv2.Rodrigues(turn)[0], np.float64)
    return split_turn(_TO_OPENCV @ head @ _TO_OPENCV)


def _turn_to_axis(offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Makes the rotation (3, 3) in OpenCV's axes that brings a line of sight into the camera's
    axis. `offset` (2,) is its place in focal lengths beside the middle of the picture."""
    across = float(np.hypot(*offset))
    if across == 0:
        return np.eye(3)
    axis = np.array([offset[1], -offset[0], 0.0]) / across
    return np.asarray(cv2.Rodrigues(axis * math.atan(across))[0], np.float64)


def split_turn(matrix: NDArray[np.float64]) -> HeadPose:
    """Splits a rotation (3, 3) in the axes of this module into yaw, pitch and roll.

    >>> split_turn(make_turn(HeadPose(20.0, -10.0, 30.0)))
    HeadPose(yaw_deg=20.0, pitch_deg=-10.0, roll_deg=30.0)
    """
    yaw = math.asin(min(1.0, max(-1.0, -float(matrix[2, 0]))))
    pitch = math.atan2(float(matrix[2, 1]), float(matrix[2, 2]))
    roll = math.atan2(float(matrix[1, 0]), float(matrix[0, 0]))
    return HeadPose(*(round(math.degrees(angle), 9) for angle in (yaw, pitch, roll)))


def make_turn(pose: HeadPose) -> NDArray[np.float64]:
    """Makes the rotation (3, 3) of a pose, in the axes of this module.

    >>> make_turn(HeadPose(90.0, 0.0, 0.0)).round(6)[:, 2].tolist()  # the nose: along x
    [1.0, 0.0, 0.0]
    """
    (sy, cy), (sx, cx), (sz, cz) = (
        (math.sin(angle), math.cos(angle)) for angle in np.radians(pose)
    )
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)
