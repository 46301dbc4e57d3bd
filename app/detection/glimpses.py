"""Takes small samples of a frame's grey levels, by which frames are compared without a look.

A sample costs some hundredths of a millisecond, and a picture that is still in its decoder's planes
is not converted for it (`app.types.Frame.rough_grey`).
"""

import math

import numpy as np
from numpy.typing import NDArray

from app.types import Face, Image

FRAME_WH = (64, 36)  # samples of a whole frame
FACE_PX = 16  # sides of the sample of a face
FINE = 2  # values a side that are averaged for each of them, against noise
ABOUT = 0.25  # of a face's width, by which its place is larger than its box on each side
# Two frames show two scenes if both hold.
MIN_DIFFERENCE_GREY = 12.0  # mean difference of grey levels
MAX_CORRELATION = 0.5  # of grey levels


def glimpse_frame(grey: Image) -> Image:
    """Samples a frame.

    Args:
        grey: Grey levels uint8 (H, W).

    Returns:
        uint8 (36, 64).

    >>> glimpse_frame(np.full((480, 640), 90, np.uint8)).shape
    (36, 64)
    """
    height, width = grey.shape
    return _sample(grey, (0.0, 0.0, float(width), float(height)), FRAME_WH)


def glimpse_face(grey: Image, face: Face) -> Image:
    """Samples the place of a face. Outside the frame its edge is repeated.

    Args:
        grey: Grey levels uint8 (H, W) of the frame.
        face: The face in it.

    Returns:
        uint8 (16, 16).

    >>> face = Face((8, 8, 24, 24), np.zeros((6, 2), np.float32), 0.9)
    >>> int(glimpse_face(np.full((40, 40), 90, np.uint8), face).max())
    90
    """
    x0, y0, x1, y1 = face.box_xyxy
    about = ABOUT * (x1 - x0)
    box = (x0 - about, y0 - about, x1 + about, y1 + about)
    fine = FINE * FACE_PX
    values = _sample(grey, box, (fine, fine)).reshape(FACE_PX, FINE, FACE_PX, FINE)
    return np.asarray(values.mean(axis=(1, 3)), np.uint8)


def show_different_scenes(before: Image, after: Image) -> bool:
    """Tells whether two frames differ so much that a cut lies between them.

    Args:
        before: The sample of the first frame, uint8 (h, w).
        after: The sample of the second frame.

    >>> rising = np.tile(np.arange(0, 240, 15, dtype=np.uint8), (16, 1))
    >>> show_different_scenes(rising, rising // 2), show_different_scenes(rising, rising[:, ::-1])
    (False, True)
    """
    one, other = before.astype(np.float32), after.astype(np.float32)
    if float(np.abs(one - other).mean()) < MIN_DIFFERENCE_GREY:
        return False
    one, other = one - one.mean(), other - other.mean()
    power = math.sqrt(float((one * one).sum()) * float((other * other).sum()))
    return power < 1.0 or float((one * other).sum()) / power < MAX_CORRELATION


def _sample(
    grey: Image, box_xyxy: tuple[float, float, float, float], size_wh: tuple[int, int]
) -> NDArray[np.uint8]:
    x0, y0, x1, y1 = box_xyxy
    columns, rows = (
        np.clip(
            (start + (np.arange(count) + 0.5) * (end - start) / count).astype(np.int64), 0, side - 1
        )
        for start, end, count, side in zip(
            (x0, y0), (x1, y1), size_wh, grey.shape[::-1], strict=True
        )
    )
    return np.asarray(grey[rows[:, None], columns], np.uint8)
