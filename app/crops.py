"""Cuts aligned crops out of a frame with OpenCV, anti-aliased where it shrinks.

`training.datasets.crops` does the same with torch; a test holds the two together.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.alignment import AlignmentTemplate, ColourMode, Matrix, fit_crop_matrix, oversampling
from app.types import Face, Image

# From so many samples a side on the picture is halved first, which OpenCV does many times faster
# than it samples; a crop differs by less than half a grey level, on average, for it.
HALVED_FROM = 6


def warp(image: Image, matrix: Matrix, size_px: int) -> Image:
    """Samples `image (H, W, 3)` or `(H, W)` into a crop of `size_px` a side. `matrix (2, 3)` leads
    from image to crop pixels; what lies outside the image repeats its edge."""
    k = oversampling(matrix)
    if k >= HALVED_FROM:
        image, matrix = _near(image, matrix, size_px)
        while k >= HALVED_FROM and min(image.shape[:2]) > 1:
            image, matrix = halve_image(image), matrix * (2, 2, 1)
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


def halve_image(image: Image) -> Image:
    """Half as wide and high, each pixel the mean of four. An odd last row or column is left out."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    even = image[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _near(image: Image, matrix: Matrix, size_px: int) -> tuple[Image, Matrix]:
    """The part of a picture that a crop shows, and the matrix from there. The whole of it where
    that is none."""
    (a, b, x), (c, d, y) = matrix.tolist()
    area = a * d - b * c
    across = [(d * (u - x) - b * (v - y)) / area for u in (0, size_px) for v in (0, size_px)]
    down = [(a * (v - y) - c * (u - x)) / area for u in (0, size_px) for v in (0, size_px)]
    height, width = image.shape[:2]
    # A few pixels more, for samples lie between pixels.
    x0, x1 = max(0, int(min(across)) - 8), min(width, int(max(across)) + 8)
    y0, y1 = max(0, int(min(down)) - 8), min(height, int(max(down)) + 8)
    if x0 >= x1 or y0 >= y1:
        return image, matrix
    moved = np.array([[a, b, x + a * x0 + b * y0], [c, d, y + c * x0 + d * y0]])
    return image[y0:y1, x0:x1], moved


def align_faces(
    image: Image,
    faces: Sequence[Face],
    template: AlignmentTemplate,
    size_px: int,
    *,
    colour: ColourMode = "rgb",
) -> NDArray[np.uint8]:
    """Crops `(N, size_px, size_px, 3)` uint8 BGR of N faces; N = 0 is valid. `colour` "grey": all
    three channels are the luma, which is sampled in a third of the time."""
    crops = np.zeros((len(faces), size_px, size_px, 3), np.uint8)
    for crop, face in zip(crops, faces, strict=True):
        matrix = fit_crop_matrix(face.landmarks, template, size_px)
        if colour == "grey":
            part, matrix = _near(image, matrix, size_px)
            grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.uint8)
            crop[:] = warp(grey, matrix, size_px)[..., None]
        else:
            crop[:] = warp(image, matrix, size_px)
    return crops
