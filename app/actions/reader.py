"""Reads the facial actions of one face that is known already, without a search of the frame.

The face is cut out upright with some of what is around it, as the network expects it, and small
faces are enlarged. Its points are mapped back to the frame, so that the pose is that for the camera
of the frame and not of the crop. docs/actions.md has the figures behind the constants.
"""

import math
from collections.abc import Sequence
from threading import Lock
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.actions.head_pose import NETWORK_DISTANCE_FACTOR, measure_head_pose
from app.actions.landmarker import Landmarker
from app.actions.rigid_points import RIGID_POINTS
from app.actions.values import make_actions
from app.alignment import Matrix
from app.crops import warp
from app.process.fork_safety import HomeProcess
from app.types import LANDMARKS, Face, FaceActions, Floats, Image

CROP_PX = 320  # of which the network for points samples a part, at 256
# What is shown around the box at each side, in sides of the box. The second one is tried where the
# network finds no face, or a neighbour, in the first.
MARGINS = (0.5, 0.25)
# Box sides by which the eyes that the network finds may lie beside those of the face that is meant.
MAX_OFFSET = 0.25
# Landmarks of the network at the corners of the subject's right and left eye.
RIGHT_EYE, LEFT_EYE = (33, 133), (263, 362)
_RIGID = list(RIGID_POINTS)


class ActionReader:
    """Reads facial actions. A context manager. Any number of threads may use it, in turns.

    Args:
        landmarker: The network; it is closed with the reader. None loads the shipped one.

    Raises:
        ModelError: The network's file is missing or damaged.
        DeviceError: MediaPipe does not start here; in `read`, the process is a fork.
    """

    def __init__(self, landmarker: Landmarker | None = None) -> None:
        self._landmarker = landmarker or Landmarker()
        self._home = HomeProcess()
        self._lock = Lock()

    @property
    def inferences(self) -> int:
        """The number of crops that the network has read so far."""
        return self._landmarker.inferences

    @property
    def inference_s(self) -> float:
        """The time in seconds that this took."""
        return self._landmarker.inference_s

    def read(self, image: Image, face: Face) -> FaceActions | None:
        """Reads the facial actions of a face.

        Args:
            image: The frame, uint8 (H, W, 3) BGR.
            face: The face, with a box and landmarks in px of the frame.

        Returns:
            The actions; None where the network finds no face there, or the pose of none.
        """
        side_px = max(face.width_px, face.height_px)
        if not (math.isfinite(side_px) and side_px >= 1):
            return None
        for margin in MARGINS:
            matrix = place_crop(face, margin)
            self._home.check()  # before the lock, which another thread may have held at the fork
            with self._lock:  # the network samples the crop again, so aliasing hardly matters
                mesh = self._landmarker.read(warp(image, matrix, CROP_PX, is_quick=True))
            if mesh is None:
                continue
            points = map_back(mesh.points, matrix)
            if not _is_meant(points, face, side_px):
                continue
            height, width = image.shape[:2]
            pose = measure_head_pose(
                points[_RIGID], (width, height), distance_factor=NETWORK_DISTANCE_FACTOR
            )
            if pose is not None:
                return make_actions(pose, mesh.coefficients)
        return None

    def close(self) -> None:
        """Frees the network, when a thread that uses it is done. A second call does nothing."""
        if self._home.is_left:
            return
        with self._lock:
            self._landmarker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def place_crop(face: Face, margin: float) -> Matrix:
    """Places the crop that shows a face upright: a similarity (2, 3) from px of the frame to px of
    a square of `CROP_PX`.

    Args:
        face: The face.
        margin: The width of what is shown at each side of the box, in sides of the box.

    >>> points = np.float32([[10, 15], [20, 15], [15, 20], [15, 25], [5, 15], [25, 15]])
    >>> place_crop(Face((10, 10, 20, 20), points, 0.9), 0.5).round(2).tolist()
    [[16.0, 0.0, -80.0], [-0.0, 16.0, -80.0]]
    """
    x0, y0, x1, y1 = face.box_xyxy
    scale = CROP_PX / (max(face.width_px, face.height_px) * (1 + 2 * margin))
    right, left = _find_eyes(face.landmarks)
    across = left - right
    angle = math.atan2(float(across[1]), float(across[0]))
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return np.column_stack([turn, CROP_PX / 2 - turn @ centre])


def map_back(points: NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    """Maps points of a crop back to the frame.

    Args:
        points: Places in px of the crop, (N, 2).
        matrix: Leads from px of the frame to px of the crop, (2, 3).

    >>> map_back(np.array([[4.0, 6.0]]), np.array([[2.0, 0, 0], [0, 2, 2]])).tolist()
    [[2.0, 2.0]]
    """
    return np.asarray(np.linalg.solve(matrix[:, :2], (points - matrix[:, 2]).T).T, np.float64)


def _find_eyes(landmarks: Floats) -> Sequence[NDArray[np.float64]]:
    return [
        landmarks[LANDMARKS.index(name)].astype(np.float64) for name in ("right_eye", "left_eye")
    ]


def _is_meant(points: NDArray[np.float64], face: Face, side_px: float) -> bool:
    """Tells whether the eyes of the network are those of the face, and not of a neighbour."""
    found = points[list(RIGHT_EYE)].mean(0), points[list(LEFT_EYE)].mean(0)
    away_px = max(
        float(np.linalg.norm(one - other))
        for one, other in zip(found, _find_eyes(face.landmarks), strict=True)
    )
    return away_px <= MAX_OFFSET * side_px
