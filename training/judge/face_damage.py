"""Covers places of the face with masks and glasses, and draws errors of the alignment."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from app.alignment import FACE_TEMPLATE, AlignmentTemplate, fit_similarity
from app.types import Floats
from training.judge.pixel_damage import make_places


def _map_to_face(size: int, template: AlignmentTemplate) -> tuple[Floats, Floats]:
    """Maps the pixel centres of a crop to `(S, S)` y and x as fractions of `FACE_TEMPLATE`'s
    crop."""
    y, x = np.meshgrid(make_places(size), make_places(size), indexing="ij")
    (a, b, shift_x), (c, d, shift_y) = fit_similarity(template.targets(), FACE_TEMPLATE.targets())
    return (
        np.asarray(c * x + d * y + shift_y, np.float32),
        np.asarray(a * x + b * y + shift_x, np.float32),
    )


def _cover(crops: Floats, inside: NDArray[np.bool_], grey: NDArray[np.float64]) -> Floats:
    """Covers the pixels `inside (S, S)` of each crop with its own `grey (n,)`, a little darker
    towards the chin."""
    shade = 1 - 0.3 * make_places(crops.shape[1])[None, :, None, None]
    fill = grey[:, None, None, None] * shade
    return np.asarray(np.where(inside[None, :, :, None], fill, crops), np.float32)


def cover_with_mask(
    crops: Floats, top: float, template: AlignmentTemplate, generator: Generator
) -> Floats:
    """Covers each face from the chin up to `top` with a mask of a random grey, narrower towards the
    chin.

    Args:
        crops: `(n, S, S, C)` of 0..255.
        top: The mask's upper edge, y in sides of `FACE_TEMPLATE`'s crop.
        template: The template that the crops were cut by.
        generator: The source of the greys.

    Returns:
        `(n, S, S, C)` float32.

    >>> black = np.zeros((1, 48, 48, 1), np.float32)
    >>> masked = cover_with_mask(black, 0.6, FACE_TEMPLATE, np.random.default_rng(0))
    >>> bool((masked[0, :28] == 0).all()), bool((masked[0, 40, 20:28] > 0).all())
    (True, True)
    """
    y, x = _map_to_face(crops.shape[1], template)
    inside = (y > top) & (abs(x - 0.5) < 0.44 - 0.25 * np.clip(y - 0.7, 0, 1))
    return _cover(crops, inside, generator.uniform(40, 240, len(crops)))


def cover_with_sunglasses(
    crops: Floats, opacity: float, template: AlignmentTemplate, generator: Generator
) -> Floats:
    """Covers the eyes of each face with two dark lenses.

    Args:
        crops: `(n, S, S, C)` of 0..255.
        opacity: 0 to 1.
        template: The template that the crops were cut by, which tells where the eyes are.
        generator: The source of the lenses' greys.

    Returns:
        `(n, S, S, C)` float32.

    >>> white = np.full((1, 48, 48, 1), 255, np.float32)
    >>> dark = cover_with_sunglasses(white, 1.0, FACE_TEMPLATE, np.random.default_rng(0))
    >>> 0.05 < float((dark < 100).mean()) < 0.3
    True
    """
    y, x = _map_to_face(crops.shape[1], template)
    inside = np.zeros_like(x, np.bool_)
    for name, eye_x, eye_y in FACE_TEMPLATE.points:
        if name.endswith("_eye"):
            inside |= ((x - eye_x) / 0.165) ** 4 + ((y - eye_y) / 0.13) ** 4 < 1
    behind = _cover(crops, inside, generator.uniform(10, 60, len(crops)))
    return np.asarray(crops * (1 - opacity) + behind * opacity, np.float32)


def draw_rotations(
    n: int, degrees: float, size_px: int, _: AlignmentTemplate, generator: Generator
) -> NDArray[np.float64]:
    """Draws rotations of `degrees` about the middle of crops, to a random side.

    Returns:
        `(n, 2, 3)` crop -> crop, px, to compose with the alignment.

    >>> moves = draw_rotations(2, 90, 10, FACE_TEMPLATE, np.random.default_rng(0))
    >>> np.abs(moves @ np.array([5.0, 5.0, 1.0])).round(6).tolist()
    [[5.0, 5.0], [5.0, 5.0]]
    """
    turn = np.deg2rad(degrees) * np.where(generator.random(n) < 0.5, -1, 1)
    cos, sin = np.cos(turn), np.sin(turn)
    linear = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
    middle = np.full((2, 1), size_px / 2)
    return np.concatenate([linear, middle - linear @ middle], axis=2)


def draw_landmark_errors(
    n: int, deviation: float, size_px: int, template: AlignmentTemplate, generator: Generator
) -> NDArray[np.float64]:
    """Draws the wrong alignments that follow when the detector misplaces each landmark by a normal
    error.

    Args:
        n: The number of crops.
        deviation: The standard deviation of the error, in sides of `FACE_TEMPLATE`'s crop.
        size_px: The side S of the crops.
        template: The template that the crops are cut by.
        generator: The source of the errors.

    Returns:
        `(n, 2, 3)` crop -> crop, px, to compose with the alignment.

    >>> moves = draw_landmark_errors(1, 0.0, 48, FACE_TEMPLATE, np.random.default_rng(0))
    >>> bool(np.allclose(moves, [[[1, 0, 0], [0, 1, 0]]], atol=1e-6))
    True
    """
    right = template.targets()  # (P, 2)
    zoom = float(np.sqrt(np.linalg.det(fit_similarity(FACE_TEMPLATE.targets(), right)[:, :2])))
    wrong = right + zoom * deviation * generator.standard_normal((n, *right.shape))
    return np.stack([fit_similarity(w * size_px, right * size_px) for w in wrong])
