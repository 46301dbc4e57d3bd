"""Cuts aligned crops out of a frame with OpenCV, anti-aliased where it shrinks.

`training.warp` does the same with torch; a test holds the two together.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.alignment import AlignmentTemplate, Matrix, crop_matrix, oversampling
from app.types import Face, Image


def warp(image: Image, matrix: Matrix, size_px: int) -> Image:
    """Samples `image (H, W, 3)` into a `(size_px, size_px, 3)` crop. `matrix (2, 3)` leads from
    image to crop pixels; what lies outside the image repeats its edge."""
    k = oversampling(matrix)
    fine = matrix * k
    # OpenCV counts pixel centres at whole numbers, this project at halves.
    shift = fine[:, :2] @ (0.5, 0.5) + fine[:, 2] - 0.5
    crop = cv2.warpAffine(
        image,
        np.column_stack([fine[:, :2], shift]),
        (size_px * k, size_px * k),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if k > 1:
        crop = cv2.resize(crop, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, np.uint8)


def align(
    image: Image, faces: Sequence[Face], template: AlignmentTemplate, size_px: int
) -> NDArray[np.uint8]:
    """Crops `(N, size_px, size_px, 3)` uint8 BGR of N faces; N = 0 is valid."""
    crops = [warp(image, crop_matrix(f.landmarks, template, size_px), size_px) for f in faces]
    return np.stack(crops) if crops else np.zeros((0, size_px, size_px, 3), np.uint8)
