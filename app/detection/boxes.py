"""Where detections are to each other, and what can be one face."""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from app.types import Face


def keep_largest(faces: Iterable[Face], count: int | None) -> tuple[Face, ...]:
    by_size = sorted(faces, key=lambda face: face.width_px * face.height_px, reverse=True)
    return tuple(by_size[:count])


def find_centre(face: Face) -> tuple[float, float]:
    x0, y0, x1, y1 = face.box_xyxy
    return (x0 + x1) / 2, (y0 + y1) / 2


def measure_distance(one: Face, other: Face) -> float:
    """Between the centres, in sides of the smaller box."""
    side = max(1e-6, min(one.width_px, other.width_px))
    return math.dist(find_centre(one), find_centre(other)) / side


def is_same_place(one: Face, other: Face) -> bool:
    """Whether two detections are of one face: their boxes share a good part, or one lies in the
    middle of the other."""
    x0, y0, x1, y1 = one.box_xyxy
    u0, v0, u1, v1 = other.box_xyxy
    shared = max(0.0, min(x1, u1) - max(x0, u0)) * max(0.0, min(y1, v1) - max(y0, v0))
    areas = (one.width_px * one.height_px, other.width_px * other.height_px)
    return shared > 0.3 * (sum(areas) - shared) or shared > 0.6 * min(areas)


def is_same_look(one: Face, other: Face) -> bool:
    """Whether a nearer look at either would show much the same."""
    return (
        measure_distance(one, other) < 0.2 and 0.8 < one.width_px / max(other.width_px, 1e-6) < 1.25
    )


def is_close_by(now: Face, before: Face) -> bool:
    """Whether a face can be one that was seen before, or in a first look."""
    ratio = now.width_px / max(before.width_px, 1e-6)
    return 0.4 < ratio < 2.5 and measure_distance(now, before) < 0.8


def is_confirmation(now: Face, expected: Face) -> bool:
    """Whether a look confirms a face that is already placed well."""
    return (
        0.6 < now.width_px / max(expected.width_px, 1e-6) < 1.4
        and math.dist(find_centre(now), find_centre(expected)) < 0.35 * now.width_px
    )


def has_face_order(face: Face) -> bool:
    """Whether landmarks lie in a face's order: the eyes above the mouth and apart."""
    if not np.isfinite(face.landmarks).all():
        return False
    right_eye, left_eye, _, mouth = face.landmarks[:4].astype(np.float64)
    across, down = left_eye - right_eye, mouth - (right_eye + left_eye) / 2
    # Negative when the mouth lies on the wrong side of the line from eye to eye.
    return bool(across[0] * down[1] - across[1] * down[0] > 0.01 * face.width_px**2)


def turn_half(face: Face) -> Face:
    """The same place the other way up: turned by 180 degrees about the middle of eyes, nose and
    mouth."""
    x, y = face.landmarks[:4].astype(np.float64).mean(axis=0).tolist()
    x0, y0, x1, y1 = face.box_xyxy
    box_xyxy = (2 * x - x1, 2 * y - y1, 2 * x - x0, 2 * y - y0)
    points = np.array((2 * x, 2 * y), np.float32) - face.landmarks
    return replace(face, box_xyxy=box_xyxy, landmarks=points)
