"""Damages crops of faces in 17 ways, each at five strengths, to judge a model under damage.

The kinds follow Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ICLR 2019. The module uses NumPy and Pillow alone, and nothing of
`training.augment.degrade`: the judge of a network shares no code with its training. The kinds
without `in_training` have no counterpart there at all.

Lengths are in sides of the crop, light is in grey levels. A codec's blocks and noise have the grain
of a crop of `GRAIN_PX`, so that models of different input sizes meet the same damage. Random
choices depend on the generator but not on the strength: a face keeps the direction of its shadow
while the shadow deepens.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from app.alignment import AlignmentTemplate
from app.types import Floats
from training.judge.face_damage import (
    cover_with_mask,
    cover_with_sunglasses,
    draw_landmark_errors,
    draw_rotations,
)
from training.judge.pixel_damage import (
    add_camera_noise,
    add_fog,
    add_salt_and_pepper,
    blur_by_motion,
    cast_colour,
    cast_shadow,
    compress_as_jpeg,
    darken,
    defocus,
    lower_contrast,
    lower_resolution,
    overexpose,
    posterise,
)

LEVELS = 5  # strengths of each kind

# (crops (n, S, S, C) of 0..255, strength's value, generator) -> the same, perhaps beyond 0..255
ChangePixels = Callable[[Floats, float, Generator], Floats]
# The same for damage at a place of the face; the crop's template says where the face is.
CoverFace = Callable[[Floats, float, AlignmentTemplate, Generator], Floats]
# (n, strength's value, S, template, generator) -> (n, 2, 3), maps from crop to crop, px, to compose
# with the alignment
DrawMoves = Callable[[int, float, int, AlignmentTemplate, Generator], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Corruption:
    """One kind of damage, to pixels or to the alignment. `values` are the five strengths and `unit`
    their unit; `in_training` is True where training has a kind that prepares for this one. One of
    `pixels`, `covers` and `moves` is given. `needs_colour` says that `pixels` takes RGB alone."""

    name: str
    unit: str
    values: tuple[float, float, float, float, float]
    in_training: bool
    pixels: ChangePixels | None = None
    covers: CoverFace | None = None
    moves: DrawMoves | None = None
    needs_colour: bool = False


CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption(
        "resolution", "pixels across the crop", (34, 26, 20, 16, 12), True, lower_resolution
    ),
    Corruption("defocus", "radius of the disc", (0.02, 0.03, 0.042, 0.058, 0.078), True, defocus),
    Corruption("jpeg", "quality", (80, 55, 30, 15, 8), True, compress_as_jpeg),
    Corruption("noise", "grey levels", (3, 6, 11, 18, 28), True, add_camera_noise),
    Corruption("dark", "gamma", (1.8, 2.7, 3.8, 5.0, 6.5), True, darken),
    Corruption("overexposed", "gain", (1.25, 1.5, 1.85, 2.3, 2.9), True, overexpose),
    Corruption("low contrast", "share left", (0.5, 0.3, 0.2, 0.13, 0.09), True, lower_contrast),
    Corruption("shadow", "share of light lost", (0.4, 0.6, 0.75, 0.87, 0.95), True, cast_shadow),
    Corruption(
        "face mask", "its top edge", (0.85, 0.77, 0.70, 0.62, 0.55), True, covers=cover_with_mask
    ),
    Corruption(
        "sunglasses", "opacity", (0.3, 0.55, 0.75, 0.9, 1.0), True, covers=cover_with_sunglasses
    ),
    Corruption("rotation", "degrees", (10, 18, 26, 34, 42), True, moves=draw_rotations),
    Corruption(
        "landmark noise",
        "deviation",
        (0.02, 0.045, 0.07, 0.095, 0.125),
        True,
        moves=draw_landmark_errors,
    ),
    Corruption(
        "colour cast", "gain", (0.1, 0.2, 0.3, 0.45, 0.6), True, cast_colour, needs_colour=True
    ),
    Corruption("motion blur", "length", (0.04, 0.07, 0.11, 0.16, 0.22), False, blur_by_motion),
    Corruption("fog", "density", (0.35, 0.5, 0.63, 0.75, 0.84), False, add_fog),
    Corruption(
        "salt and pepper", "share", (0.003, 0.008, 0.018, 0.04, 0.09), False, add_salt_and_pepper
    ),
    Corruption("posterise", "grey levels left", (16, 10, 7, 4, 3), False, posterise),
)
