"""Faces at known places and poses, and a detector that finds them."""

import math

import numpy as np

from app.recognition.quality import FACE_POINTS
from app.types import Face, Image


def make_face(x: float, y: float, side: float = 64.0) -> Face:
    """Makes a face in a square box, with the landmarks at their usual places."""
    places = [(0.33, 0.39), (0.67, 0.39), (0.5, 0.58), (0.5, 0.76), (0.1, 0.45), (0.9, 0.45)]
    points = np.array([(x + side * u, y + side * v) for u, v in places], np.float32)
    return Face((x, y, x + side, y + side), points, 0.9)


class Finder:
    """Finds the same faces in every picture."""

    def __init__(self, *faces: Face) -> None:
        self.faces = faces

    def detect(self, image: Image) -> tuple[Face, ...]:
        return self.faces


def turn_landmarks(yaw_deg: float, roll_deg: float, scale: float = 80.0) -> np.ndarray:
    """Makes the landmarks (6, 2) of the average face after a turn of the head and one of the
    camera."""
    yaw, roll = math.radians(yaw_deg), math.radians(roll_deg)
    x, y, z = FACE_POINTS.T
    x = x * math.cos(yaw) - z * math.sin(yaw)
    points = np.column_stack(
        [x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)]
    )
    return (300 + scale * points).astype(np.float32)
