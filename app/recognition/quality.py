"""Measures how well a face can be seen: its size, pose, sharpness and light.

The figures are cheap. They serve to sort out rows of a record, not to judge faces. Images and
points follow `app.types`.
"""

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.alignment import FACE_TEMPLATE, fit_similarity
from app.types import (
    TOO_BLURRED,
    TOO_DARK,
    TOO_SMALL,
    TURNED_AWAY,
    Face,
    FaceQuality,
    Floats,
    FrameResult,
    Image,
    Reason,
)

# The detector's six points on an average face, in units of the distance of the eyes: x to the
# picture's right, y down, z away from the camera. Proportions from a factorisation of the landmarks
# of FER+'s 28,460 training faces into shape and pose (Tomasi & Kanade, "Shape and motion from image
# streams under orthography", IJCV 1992); it leaves the unit of depth open, which is set so that the
# ears lie 0.95 behind the eyes (60 mm where eyes are 63 mm apart).
FACE_POINTS = np.array(
    [
        (-0.5, 0.0, 0.0),
        (0.5, 0.0, 0.0),
        (0.0, 0.556, -0.65),
        (0.0, 1.065, -0.29),
        (-1.009, 0.196, 0.95),
        (1.009, 0.196, 0.95),
    ]
)
_FIT = np.linalg.pinv(FACE_POINTS - FACE_POINTS.mean(axis=0))  # (3, 6): 6 points -> affine camera
PATCH_PX = 48  # the network's own resolution: detail above that does not matter
MIN_GREY_DEVIATION = 0.03  # of 255: a patch with less is of one grey

# The limits from which a face is hard to read; docs/records.md has the figures behind them.
SMALL_PX = 30.0
BLURRED_SHARPNESS = 0.05
TURNED_DEG = 30.0
DARK_BRIGHTNESS = 0.12
BRIGHT_BRIGHTNESS = 0.88


def find_reading_problem(quality: FaceQuality) -> Reason | None:
    """Finds the reason for which a face is hard to read, or None.

    The most telling reason comes first, because a small face is also blurred, and a turned or dark
    face may be, too.

    >>> find_reading_problem(FaceQuality(20.0, 0.0, 0.0, 0.01, 0.5))
    'too small'
    """
    if quality.size_px < SMALL_PX:
        return TOO_SMALL
    if abs(quality.yaw_deg) > TURNED_DEG:
        return TURNED_AWAY
    if quality.brightness is not None and quality.brightness < DARK_BRIGHTNESS:
        return TOO_DARK
    if quality.sharpness is not None and quality.sharpness < BLURRED_SHARPNESS:
        return TOO_BLURRED
    return None


def measure_quality(image: Image, face: Face) -> FaceQuality:
    """Measures one face.

    Args:
        image: `(H, W, 3)` uint8 BGR.
        face: The face in `image`.

    Returns:
        The figures.

    >>> points = np.array([(40, 40), (60, 40), (50, 50), (50, 60), (30, 45), (70, 45)], np.float32)
    >>> grey = np.full((100, 100, 3), 51, np.uint8)
    >>> measured = measure_quality(grey, Face((30, 20, 70, 80), points, 0.9))
    >>> round(measured.size_px, 1), measured.roll_deg, measured.sharpness, measured.brightness
    (49.0, 0.0, None, 0.2)
    """
    roll_deg, yaw_deg = estimate_pose_deg(face.landmarks)
    grey = _patch(image, face.landmarks)
    sharpness = brightness = None
    if grey is not None:
        mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(grey))
        brightness = mean / 255.0
        if deviation > MIN_GREY_DEVIATION:
            edges = float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))[1][0, 0])
            sharpness = (edges / deviation) ** 2
    return FaceQuality(
        size_px=math.sqrt(max(face.width_px, 0.0) * max(face.height_px, 0.0)),
        roll_deg=roll_deg,
        yaw_deg=yaw_deg,
        sharpness=sharpness,
        brightness=brightness,
    )


def add_quality(result: FrameResult) -> FrameResult:
    """Returns `result` with the quality of every face; measures those that have none yet."""
    if all(one.quality for one in result.faces):
        return result
    image = result.frame.image
    faces = tuple(
        one if one.quality else replace(one, quality=measure_quality(image, one.face))
        for one in result.faces
    )
    return replace(result, faces=faces)


def estimate_pose_deg(landmarks: Floats) -> tuple[float, float]:
    """Estimates how a head is turned, by the rotation nearest to the affine camera that maps
    `FACE_POINTS` to the landmarks.

    Args:
        landmarks: `(6, 2)` px (x, y) in the order of `LANDMARKS`.

    Returns:
        (roll, yaw) in degrees, as in `FaceQuality`. Points that all but coincide give a yaw of 0.

    >>> roll_deg, yaw_deg = estimate_pose_deg((20 * FACE_POINTS[:, :2] + 50).astype(np.float32))
    >>> (round(roll_deg), abs(round(yaw_deg)))  # a face that looks straight into the camera
    (0, 0)
    """
    points = np.asarray(landmarks, np.float64)
    (right_x, right_y), (left_x, left_y) = points[:2].tolist()
    roll = math.atan2(left_y - right_y, left_x - right_x)
    # Columns of _FIT sum to 0, so the points need not be centred.
    u, sizes, vt = np.linalg.svd(points.T @ _FIT.T, full_matrices=False)  # of (2, 3)
    if sizes[1] < 1e-9:
        return math.degrees(roll), 0.0
    # The two nearest orthonormal rows are the picture's axes, seen from the face.
    (across_x, across_y, across_z), (down_x, down_y, down_z) = (u @ vt).tolist()
    away_z = across_x * down_y - across_y * down_x
    # The face looks along -z; turned back by its roll, it looks sideways by its yaw.
    sideways = -(math.cos(roll) * across_z + math.sin(roll) * down_z)
    return math.degrees(roll), math.degrees(math.atan2(sideways, away_z))


def _patch(image: Image, landmarks: Floats) -> NDArray[np.float32] | None:
    """Samples the upright square about the aligned crop, as far as the square lies in the picture.
    Returns grey levels 0..255 `(PATCH_PX, PATCH_PX)`, or None where no part of it does."""
    points = np.asarray(landmarks, np.float64)[FACE_TEMPLATE.indices()]
    if not np.ptp(points, axis=0).any():
        return None
    (a, b, x), (c, d, y) = fit_similarity(FACE_TEMPLATE.targets(), points).tolist()  # crop -> px
    half = math.hypot(a, c) / 2
    middle_x, middle_y = (a + b) / 2 + x, (c + d) / 2 + y
    height, width = image.shape[:2]
    x0, x1 = max(0, round(middle_x - half)), min(width, round(middle_x + half))
    y0, y1 = max(0, round(middle_y - half)), min(height, round(middle_y + half))
    if x1 <= x0 or y1 <= y0:
        return None
    shorter = min(x1 - x0, y1 - y0)
    part: cv2.typing.MatLike = image[y0:y1, x0:x1]
    if shorter > 4 * PATCH_PX:  # thinned out first; 9 samples are left for each pixel
        part = cv2.resize(part, (3 * PATCH_PX, 3 * PATCH_PX), interpolation=cv2.INTER_NEAREST)
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    how = cv2.INTER_AREA if shorter > PATCH_PX else cv2.INTER_LINEAR
    return cv2.resize(grey, (PATCH_PX, PATCH_PX), interpolation=how).astype(np.float32)
