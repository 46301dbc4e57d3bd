"""Cuts aligned crops out of a frame with OpenCV, anti-aliased where it shrinks.

`training.datasets.crops` does the same with torch; a test holds the two together.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.alignment import AlignmentTemplate, ColourMode, Matrix, fit_crop_matrix, oversampling
from app.types import Face, Image

# From this number of samples a side, the picture is halved first. OpenCV halves many times faster
# than it samples, and the crop differs by less than half a grey level on average.
HALVING_SAMPLES = 6


def warp(image: Image, matrix: Matrix, size_px: int, *, is_quick: bool = False) -> Image:
    """Samples a picture into a square crop.

    Args:
        image: `(H, W, 3)` or `(H, W)` uint8.
        matrix: `(2, 3)` from image pixels to crop pixels.
        size_px: The side S of the crop.
        is_quick: True takes one sample a pixel, a quarter of the work, where the picture shrinks
            by less than 2.5. The crop may then alias a little.

    Returns:
        `(S, S, 3)` or `(S, S)` uint8. The image's edge is repeated outside of it.

    >>> image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    >>> warp(image, np.array([[1.0, 0, -1], [0, 1, -1]]), 2)  # moved by a pixel to left and top
    array([[ 5,  6],
           [ 9, 10]], dtype=uint8)
    """
    k = oversampling(matrix)
    if is_quick and k <= 2:
        k = 1
    if k >= HALVING_SAMPLES:
        image, matrix = _cut_near(image, matrix, size_px)
        while k >= HALVING_SAMPLES and min(image.shape[:2]) > 1:
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
    """Halves a picture's width and height, each new pixel being the mean of four.

    Args:
        image: `(H, W, 3)` or `(H, W)` uint8. An odd last row or column is left out.

    Returns:
        `(H // 2, W // 2, 3)` or `(H // 2, W // 2)` uint8.

    >>> halve_image(np.array([[0, 4, 9], [8, 4, 9]], np.uint8))
    array([[4]], dtype=uint8)
    """
    height, width = image.shape[0] // 2, image.shape[1] // 2
    even = image[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _cut_near(image: Image, matrix: Matrix, size_px: int) -> tuple[Image, Matrix]:
    """Cuts out the part of a picture that a crop shows. Returns the part and the matrix from there,
    or the whole picture where the crop shows nothing of it."""
    (a, b, x), (c, d, y) = matrix.tolist()
    area = a * d - b * c
    across = [(d * (u - x) - b * (v - y)) / area for u in (0, size_px) for v in (0, size_px)]
    down = [(a * (v - y) - c * (u - x)) / area for u in (0, size_px) for v in (0, size_px)]
    height, width = image.shape[:2]
    # A few pixels more, because samples lie between pixels.
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
    """Cuts the aligned crops of faces out of a picture.

    Args:
        image: `(H, W, 3)` uint8 BGR.
        faces: N faces; N = 0 is valid.
        template: The places of landmarks in the crop.
        size_px: The side S of each crop.
        colour: "grey" gives the luma in all three channels, in a third of the time.

    Returns:
        `(N, S, S, 3)` uint8 BGR.

    >>> from app.alignment import FACE_TEMPLATE
    >>> align_faces(np.zeros((9, 9, 3), np.uint8), [], FACE_TEMPLATE, 48).shape
    (0, 48, 48, 3)
    """
    crops = np.zeros((len(faces), size_px, size_px, 3), np.uint8)
    for crop, face in zip(crops, faces, strict=True):
        matrix = fit_crop_matrix(face.landmarks, template, size_px)
        if colour == "grey":
            part, matrix = _cut_near(image, matrix, size_px)
            grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.uint8)
            crop[:] = warp(grey, matrix, size_px)[..., None]
        else:
            crop[:] = warp(image, matrix, size_px)
    return crops
