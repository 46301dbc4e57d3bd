"""Compares detections by their boxes and landmarks: how far apart they are, and which can be one
face."""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from app.types import Face


def keep_largest(faces: Iterable[Face], count: int | None) -> tuple[Face, ...]:
    """Returns the `count` faces with the largest boxes (None: all), the largest first."""
    by_size = sorted(faces, key=lambda face: face.width_px * face.height_px, reverse=True)
    return tuple(by_size[:count])


def find_centre(face: Face) -> tuple[float, float]:
    """Returns the centre (x, y) of a face's box in px."""
    x0, y0, x1, y1 = face.box_xyxy
    return (x0 + x1) / 2, (y0 + y1) / 2


def measure_distance(one: Face, other: Face) -> float:
    """Returns the distance between the centres of two boxes, in sides of the smaller box.

    >>> points = np.zeros((6, 2), np.float32)
    >>> small, large = Face((0, 0, 10, 10), points, 0.9), Face((10, 0, 50, 40), points, 0.9)
    >>> measure_distance(small, large)  # centres (5, 5) and (30, 20)
    2.9154759474226504
    """
    side = max(1e-6, min(one.width_px, other.width_px))
    return math.dist(find_centre(one), find_centre(other)) / side


def is_same_place(one: Face, other: Face) -> bool:
    """Tells whether two detections are of one face: their boxes share a good part, or one lies in
    the middle of the other.

    >>> points = np.zeros((6, 2), np.float32)
    >>> left, right = Face((0, 0, 10, 10), points, 0.9), Face((5, 0, 15, 10), points, 0.9)
    >>> is_same_place(left, right)  # they share a third of what they cover together
    True
    >>> is_same_place(left, Face((8, 0, 18, 10), points, 0.9))
    False
    """
    x0, y0, x1, y1 = one.box_xyxy
    u0, v0, u1, v1 = other.box_xyxy
    shared = max(0.0, min(x1, u1) - max(x0, u0)) * max(0.0, min(y1, v1) - max(y0, v0))
    areas = (one.width_px * one.height_px, other.width_px * other.height_px)
    return shared > 0.3 * (sum(areas) - shared) or shared > 0.6 * min(areas)


def is_same_look(one: Face, other: Face) -> bool:
    """Tells whether a nearer look at one of two detections would show much the same as a look at
    the other."""
    ratio = one.width_px / max(other.width_px, 1e-6)
    return measure_distance(one, other) < 0.2 and 0.8 < ratio < 1.25


def is_close_by(now: Face, before: Face) -> bool:
    """Tells whether a face can be one that was seen before, or in a first look."""
    ratio = now.width_px / max(before.width_px, 1e-6)
    return 0.4 < ratio < 2.5 and measure_distance(now, before) < 0.8


def is_confirmation(now: Face, expected: Face) -> bool:
    """Tells whether a look confirms a face whose place is known well."""
    return (
        0.6 < now.width_px / max(expected.width_px, 1e-6) < 1.4
        and math.dist(find_centre(now), find_centre(expected)) < 0.35 * now.width_px
    )


def has_face_order(face: Face) -> bool:
    """Tells whether the landmarks are finite and lie in a face's order: the eyes above the mouth
    and apart."""
    if not np.isfinite(face.landmarks).all():
        return False
    right_eye, left_eye, _, mouth = face.landmarks[:4].astype(np.float64)
    across, down = left_eye - right_eye, mouth - (right_eye + left_eye) / 2
    # Negative when the mouth lies on the wrong side of the line from eye to eye.
    return bool(across[0] * down[1] - across[1] * down[0] > 0.01 * face.width_px**2)


def turn_half(face: Face) -> Face:
    """Returns the same place the other way up: box and landmarks turned by 180 degrees about the
    middle of eyes, nose and mouth."""
    x, y = face.landmarks[:4].astype(np.float64).mean(axis=0).tolist()
    x0, y0, x1, y1 = face.box_xyxy
    box_xyxy = (2 * x - x1, 2 * y - y1, 2 * x - x0, 2 * y - y0)
    points = np.array((2 * x, 2 * y), np.float32) - face.landmarks
    return replace(face, box_xyxy=box_xyxy, landmarks=points)
