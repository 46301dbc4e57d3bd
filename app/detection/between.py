"""Places a face in the frames between two looks at it, and tells whether the looks allow that.

A file's frames can wait, so a face is looked at in every few frames only. Where it hardly moved
from one look to the next and its place looks much the same, its place in the frames between lies on
a straight line.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from app.detection.boxes import measure_distance
from app.types import Face

MAX_MOVE = 0.06  # sides of the box that a face may move between two looks
MAX_GROWTH = 0.08  # share by which its box may grow or shrink
# Mean difference of grey levels, after the mean of each is taken off, between the places of a face
# at two looks; a cut or a hand before the face gives more.
MAX_CHANGE_GREY = 24.0


def is_steady(before: Face, after: Face) -> bool:
    """Tells whether a face moved so little between two looks that its way was straight.

    >>> points = np.zeros((6, 2), np.float32)
    >>> one, near = Face((0, 0, 50, 50), points, 0.9), Face((2, 0, 52, 50), points, 0.9)
    >>> is_steady(one, near), is_steady(one, Face((9, 0, 59, 50), points, 0.9))
    (True, False)
    """
    ratio = after.width_px / max(before.width_px, 1e-6)
    return measure_distance(before, after) <= MAX_MOVE and abs(ratio - 1) <= MAX_GROWTH


def looks_alike(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Tells whether a face's place looks the same at two looks, whatever the light.

    Args:
        before: The face's place at the first look, uint8 (16, 16), as
            `app.detection.glimpses.glimpse_face` takes it.
        after: The same at the second look.

    >>> rising = np.tile(np.arange(0, 240, 15, dtype=np.uint8), (16, 1))
    >>> looks_alike(rising, rising + 15), looks_alike(rising, rising[:, ::-1])
    (True, False)
    """
    change = cv2.subtract(after, before, dtype=cv2.CV_16S)
    return float(np.abs(change - change.mean()).mean()) <= MAX_CHANGE_GREY


def interpolate_face(before: Face, after: Face, share: float) -> Face:
    """Places a face between two looks, marked as not seen.

    Args:
        before: The face at the first look.
        after: The face at the second look.
        share: The share of the time between the looks that has passed, 0 to 1.

    Returns:
        The face with the key of `after`.

    >>> points = np.zeros((6, 2), np.float32)
    >>> one, two = Face((0, 0, 10, 10), points, 0.8), Face((2, 0, 12, 10), points + 2, 0.9)
    >>> halfway = interpolate_face(one, two, 0.5)
    >>> halfway.box_xyxy, halfway.landmarks[0].tolist(), halfway.seen
    ((1.0, 0.0, 11.0, 10.0), [1.0, 1.0], False)
    """
    x0, y0, x1, y1 = (
        (1 - share) * a + share * b for a, b in zip(before.box_xyxy, after.box_xyxy, strict=True)
    )
    return Face(
        (x0, y0, x1, y1),
        before.landmarks + np.float32(share) * (after.landmarks - before.landmarks),
        (1 - share) * before.score + share * after.score,
        seen=False,
        key=after.key,
    )
