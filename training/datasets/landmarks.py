"""Finds the face of a picture, and cuts out the part of the picture that a pack stores.

Pixels are uint8, (H, W) grey or (H, W, 3) RGB.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.alignment import FACE_TEMPLATE, fit_crop_matrix
from app.detection.mediapipe_detector import SHORT_RANGE, Detector
from app.types import Face
from training.datasets.digests import hash_data_file

# The detector misses tiny faces, so that smaller pictures, such as FER2013's 48 px, are enlarged.
MIN_DETECTION_SIDE_PX = 192
MIN_SCORE = 0.3  # low, because a picture of these sets shows a face, if badly lit
REGION = 1.6  # side of the stored part of a photo, in sides of the aligned crop; room to augment
MAX_REGION_SIDE_PX = 224  # the side of the paper's input
# (6, 2) landmarks of a picture without a face.
NOT_FOUND = np.full((6, 2), np.nan, np.float32)


def describe_settings() -> dict[str, Any]:
    """Describes all settings that decide the contents of a pack, besides its pictures."""
    import mediapipe

    return {
        "detector": hash_data_file(SHORT_RANGE),
        "mediapipe": mediapipe.__version__,
        "min_detection_side_px": MIN_DETECTION_SIDE_PX,
        "min_score": MIN_SCORE,
        "region": REGION,
        "max_region_side_px": MAX_REGION_SIDE_PX,
        "template": [list(point) for point in FACE_TEMPLATE.points],
    }


def find_faces(detector: Detector, pixels: NDArray[np.uint8]) -> list[Face]:
    """Finds the faces of a picture, in its pixels; the most important face, large and central,
    comes first.

    Args:
        detector: Runs on the picture, which is enlarged to `MIN_DETECTION_SIDE_PX` where it is
            smaller.
        pixels: uint8, (H, W) grey or (H, W, 3) RGB.

    Returns:
        The faces, in px of the given picture.
    """
    height, width = pixels.shape[:2]
    enlarge = max(1, -(-MIN_DETECTION_SIDE_PX // min(height, width)))
    picture = Image.fromarray(pixels).convert("RGB")
    if enlarge > 1:
        picture = picture.resize((width * enlarge, height * enlarge), Image.Resampling.BICUBIC)
    faces = detector.detect(np.asarray(picture)[..., ::-1])

    def weight(face: Face) -> float:
        x, y = face.landmarks[:4].mean(axis=0) / (width * enlarge, height * enlarge)
        off_centre = float(np.hypot(x - 0.5, y - 0.5))
        return face.width_px * (1.0 - min(0.9, off_centre))

    def shrunk(face: Face) -> Face:
        x0, y0, x1, y1 = (value / enlarge for value in face.box_xyxy)
        landmarks = np.asarray(face.landmarks / enlarge, np.float32)
        return replace(face, box_xyxy=(x0, y0, x1, y1), landmarks=landmarks)

    return [shrunk(face) for face in sorted(faces, key=weight, reverse=True)]


def find_landmarks(detector: Detector, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Finds the landmarks of the most important face.

    Args:
        detector: The face detector.
        pixels: uint8, (H, W) grey or (H, W, 3) RGB.

    Returns:
        `(6, 2)` float32, px of the picture; NaN where no face is found.
    """
    faces = find_faces(detector, pixels)
    return faces[0].landmarks if faces else NOT_FOUND


def cut_face_region(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Cuts out the part of a photo around its face; without a face, the whole picture.

    Args:
        pixels: uint8, (H, W) grey or (H, W, 3) RGB.
        landmarks: `(6, 2)` px, or NaN.

    Returns:
        The part, no side over `MAX_REGION_SIDE_PX`, and the `(6, 2)` landmarks in its pixels.

    >>> region, moved = cut_face_region(np.zeros((448, 224), np.uint8), NOT_FOUND)
    >>> region.shape, bool(np.isnan(moved).all())
    ((224, 112), True)
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = 0, 0, width, height
    if np.isfinite(landmarks).all():
        to_unit = fit_crop_matrix(landmarks, FACE_TEMPLATE, 1)
        linear = np.linalg.inv(to_unit[:, :2])
        centre = linear @ (np.array([0.5, 0.5]) - to_unit[:, 2])
        corners = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) / 2 @ linear.T
        reach = float(np.abs(corners).max()) * REGION
        x0, y0 = (max(0, int(v)) for v in np.floor(centre - reach))
        x1, y1 = np.ceil(centre + reach).astype(int).clip(1, (width, height)).tolist()
        if x1 <= x0 or y1 <= y0:  # a face wholly outside the picture: keep the picture
            x0, y0, x1, y1 = 0, 0, width, height
    region = pixels[y0:y1, x0:x1]
    moved = landmarks - np.array([x0, y0], np.float32)
    shrink = max(region.shape[:2]) / MAX_REGION_SIDE_PX
    if shrink > 1:
        size = (
            max(1, round(region.shape[1] / shrink)),
            max(1, round(region.shape[0] / shrink)),
        )
        scale = np.array([size[0] / region.shape[1], size[1] / region.shape[0]], np.float32)
        region = np.asarray(Image.fromarray(region).resize(size, Image.Resampling.LANCZOS))
        moved = moved * scale
    return region, moved.astype(np.float32)
