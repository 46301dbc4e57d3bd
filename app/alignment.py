"""Computes how a detected face becomes the classifier's input: template, similarity fit, pixel
normalisation.

Training and the program both call this module, so a change here means retraining. It is geometry in
numpy alone, so that it runs where there is no OpenCV. `app.crops` (OpenCV) and
`training.datasets.crops` (torch) sample the pixels; their crops are equal within one grey level on
average.

Points are (x, y) in the continuous pixel convention of `app.types`.
"""

import cmath
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.types import LANDMARKS, Floats, Landmark

ColourMode = Literal["grey", "rgb"]
Matrix = NDArray[np.float64]  # (2, 3), source -> destination

# ITU-R BT.601 luma, in the B, G, R order of OpenCV images.
LUMA_BGR = np.array([0.114, 0.587, 0.299], np.float32)
MAX_OVERSAMPLING = 32  # samples a side for each crop pixel


@dataclass(frozen=True, slots=True)
class AlignmentTemplate:
    """The places of landmarks in the crop, as fractions of its side.

    (0, 0) is the crop's top left corner and (1, 1) its bottom right one. A template has at least
    two landmarks, at different places.
    """

    points: tuple[tuple[Landmark, float, float], ...]

    def __post_init__(self) -> None:
        names = [name for name, _, _ in self.points]
        if len(names) < 2 or len(set(names)) != len(names):
            raise ValueError("a template needs at least two different landmarks")
        if unknown := [name for name in names if name not in LANDMARKS]:
            raise ValueError(f"unknown landmarks {unknown}, known are {list(LANDMARKS)}")
        if not all(-1.0 <= v <= 2.0 for _, x, y in self.points for v in (x, y)):
            raise ValueError("template points are fractions of the crop's side")
        if np.ptp(self.targets(), axis=0).max() < 1e-3:
            raise ValueError("template points coincide")

    def indices(self) -> list[int]:
        """Returns the rows of `Face.landmarks` that the template uses, in its own order."""
        return [LANDMARKS.index(name) for name, _, _ in self.points]

    def targets(self) -> NDArray[np.float64]:
        """Returns the points (x, y) as `(P, 2)` fractions of the crop's side."""
        return np.array([(x, y) for _, x, y in self.points], np.float64)

    def scale_crop(self, share: float) -> "AlignmentTemplate":
        """Returns the template of crops about the same centre with `share` times as long a
        side."""
        if share == 1:
            return self
        return AlignmentTemplate(
            tuple(
                (name, 0.5 + (x - 0.5) / share, 0.5 + (y - 0.5) / share)
                for name, x, y in self.points
            )
        )

    def mirror(self) -> "AlignmentTemplate":
        """Returns the template of horizontally mirrored faces."""
        swap: dict[Landmark, Landmark] = {
            "right_eye": "left_eye",
            "left_eye": "right_eye",
            "right_ear": "left_ear",
            "left_ear": "right_ear",
        }
        return AlignmentTemplate(
            tuple((swap.get(name, name), 1.0 - x, y) for name, x, y in self.points)
        )


# The mean places of these four landmarks in FER2013's 48 px frames as the short-range detector sees
# them, made symmetric. This crop keeps all that the photographers' crop kept, with chin and brow.
# Faces are searched and measured by it; the contract of each classifier has a template of its own,
# mostly a tighter one. The ears are left out: their place is a guess on turned heads.
FACE_TEMPLATE = AlignmentTemplate(
    (
        ("right_eye", 0.327, 0.389),
        ("left_eye", 0.673, 0.389),
        ("nose_tip", 0.500, 0.581),
        ("mouth_centre", 0.500, 0.758),
    )
)


def fit_similarity(src: ArrayLike, dst: ArrayLike) -> Matrix:
    """Fits rotation, uniform scale and shift, without reflection, by least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    IEEE TPAMI 1991; in the plane its solution is the complex quotient used here.

    Args:
        src: `(P, 2)` points (x, y), P >= 2.
        dst: `(P, 2)` points to which they should move.

    Returns:
        `(2, 3)` float64, source -> destination.

    Raises:
        ValueError: The shapes differ, a value is not finite, or the source points coincide.

    >>> fit_similarity([(0, 0), (1, 0)], [(5, 5), (7, 5)])  # twice as large, moved by (5, 5)
    array([[ 2., -0.,  5.],
           [ 0.,  2.,  5.]])
    """
    a, b = np.asarray(src, np.float64), np.asarray(dst, np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 2 or len(a) < 2:
        raise ValueError(
            f"two sets of (P, 2) points with P >= 2 are needed, got {a.shape}, {b.shape}"
        )
    # A handful of points: plain numbers are several times faster than arrays.
    za = [complex(x, y) for x, y in a.tolist()]
    zb = [complex(x, y) for x, y in b.tolist()]
    if not all(map(cmath.isfinite, (*za, *zb))):
        raise ValueError("points must be finite")
    mean_a, mean_b = sum(za) / len(za), sum(zb) / len(zb)
    spread = sum(abs(z - mean_a) ** 2 for z in za)
    if spread <= 1e-12 * max(1.0, *(max(abs(z.real), abs(z.imag)) for z in za)) ** 2:
        raise ValueError("the source points coincide")
    # scale * exp(i * angle)
    turn = sum((p - mean_a).conjugate() * (q - mean_b) for p, q in zip(za, zb, strict=True))
    turn /= spread
    shift = mean_b - turn * mean_a
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def is_alignable(landmarks: Floats) -> bool:
    """Tells whether a detection can be aligned: its `landmarks (6, 2)` px are finite, and eyes,
    nose and mouth lie more than a pixel apart.

    >>> is_alignable(np.zeros((6, 2), np.float32))
    False
    """
    return bool(np.isfinite(landmarks).all() and np.ptp(landmarks[:4], axis=0).max() > 1.0)


def fit_crop_matrix(landmarks: ArrayLike, template: AlignmentTemplate, size_px: int) -> Matrix:
    """Fits the transform from a picture to the crop of one face.

    Args:
        landmarks: `(6, 2)` px (x, y) in the order of `LANDMARKS`.
        template: The places of landmarks in the crop.
        size_px: The crop's side.

    Returns:
        `(2, 3)` from image pixels to crop pixels.

    Raises:
        ValueError: As `fit_similarity` does.

    >>> template = AlignmentTemplate((("right_eye", 0.25, 0.5), ("left_eye", 0.75, 0.5)))
    >>> landmarks = [(100, 80), (140, 80), (0, 0), (0, 0), (0, 0), (0, 0)]
    >>> fit_crop_matrix(landmarks, template, 48) @ (100, 80, 1)  # where the right eye comes to lie
    array([12., 24.])
    """
    points = np.asarray(landmarks, np.float64)
    return fit_similarity(points[template.indices()], template.targets() * size_px)


def fit_frame_matrix(width_px: float, height_px: float, size_px: int) -> Matrix:
    """Fits a whole picture, centred, into a `size_px` crop, for a face picture in which no
    landmarks were found. Returns `(2, 3)` from image pixels to crop pixels.

    >>> fit_frame_matrix(200, 100, 50)
    array([[ 0.25,  0.  ,  0.  ],
           [ 0.  ,  0.25, 12.5 ]])
    """
    scale = size_px / max(width_px, height_px)
    return np.array(
        [
            [scale, 0.0, (size_px - scale * width_px) / 2],
            [0.0, scale, (size_px - scale * height_px) / 2],
        ]
    )


def oversampling(matrix: Matrix) -> int:
    """Returns how many samples a side each crop pixel must average so that shrinking by
    `matrix (2, 3)` does not alias: the whole number nearest to the shrink factor, 1 when the face
    is enlarged.

    >>> oversampling(np.array([[0.25, 0, 0], [0, 0.25, 0]]))
    4
    """
    (a, b, _), (c, d, _) = matrix.tolist()
    scale = math.sqrt(abs(a * d - b * c))
    return min(max(round(1.0 / max(scale, 1e-6)), 1), MAX_OVERSAMPLING)


def normalise(
    crops: NDArray[np.uint8], *, colour: ColourMode, mean: ArrayLike, std: ArrayLike
) -> Floats:
    """Turns crops into the network's input: pixels in 0..1, then `(x - mean) / std`.

    Args:
        crops: `(N, S, S, 3)` uint8 BGR. N = 0 is valid.
        colour: "grey" gives C = 1 channel, the luma; "rgb" gives C = 3, in the order R, G, B.
        mean: One value per channel.
        std: One value per channel.

    Returns:
        `(N, C, S, S)` float32.

    Raises:
        ValueError: `crops` have another shape.

    >>> crop = np.full((1, 1, 1, 3), (0, 0, 255), np.uint8)  # one red pixel
    >>> normalise(crop, colour="rgb", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)).ravel()
    array([ 1., -1., -1.], dtype=float32)
    """
    if crops.ndim != 4 or crops.shape[-1] != 3:
        raise ValueError(f"crops must be (N, S, S, 3), got {crops.shape}")
    if colour == "grey":
        planes = (crops @ LUMA_BGR)[:, None]  # (N, 1, S, S)
    else:
        planes = crops[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    shape = (1, planes.shape[1], 1, 1)
    mean_c = np.broadcast_to(np.asarray(mean, np.float32).reshape(1, -1, 1, 1), shape)
    std_c = np.broadcast_to(np.asarray(std, np.float32).reshape(1, -1, 1, 1), shape)
    return np.ascontiguousarray((planes / np.float32(255.0) - mean_c) / std_c, np.float32)
