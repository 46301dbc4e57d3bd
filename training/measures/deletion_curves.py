"""Describes deletion curves: the rest of a class's score as more and more of the crop is covered.

Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC
2018. The lower the curve lies, the better the order of covering knows what the network reads.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from training.measures.masking import Filling

Target = Literal["predicted", "true"]
Area = Literal["marked", "anywhere", "least", "another", "centre"]
TARGETS: tuple[Target, ...] = ("predicted", "true")
# The part that is covered first. "marked": what the class's map marks most. "anywhere": the cells
# of the same map in a random order. "least": what the map marks least. "another": what another
# face's map marks most, which has the shapes of faces but knows nothing of this one. "centre": a
# square that grows from the middle.
AREAS: tuple[Area, ...] = ("marked", "anywhere", "least", "another", "centre")
AREA_NAMES: dict[Area, str] = {
    "marked": "most marked",
    "anywhere": "anywhere",
    "least": "least marked",
    "another": "another face's map",
    "centre": "square in the middle",
}
SHARES = tuple(number / 10 for number in range(11))  # of the crop's area that is covered


class CurveKey(NamedTuple):
    """Names one curve: the class whose score is read, the filling of covered pixels, and the
    part that is covered first."""

    target: Target
    filling: Filling
    area: Area


Curves = dict[CurveKey, NDArray[np.float64]]  # (N, T) log-probability of the target at each share


@dataclass(frozen=True, slots=True)
class MeanOverFaces:
    """A mean over faces, half the width of its 95 % interval (normal), and the share of faces
    above 0."""

    mean: float
    half: float
    above: float

    @classmethod
    def from_values(cls, values: NDArray[np.float64]) -> Self:
        """Computes the mean of `values (N,)`, N >= 1. `half` is NaN for one face."""
        n = len(values)
        half = 1.96 * float(values.std(ddof=1)) / n**0.5 if n > 1 else float("nan")
        return cls(float(values.mean()), half, float((values > 0).mean()))


def measure_drop(curve: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Measures how far the probability has fallen when a share of the crop is covered.

    Args:
        curve: `(N, T)` log-probabilities at each of `SHARES`.
        share: One of `SHARES`.

    Returns:
        `(N,)`, in 0..1 where the probability fell.

    >>> curve = np.log(np.linspace(0.8, 0.3, 11))[None]
    >>> measure_drop(curve, 1.0).round(2).tolist()
    [0.5]
    """
    return np.asarray(np.exp(curve[:, 0]) - np.exp(curve[:, SHARES.index(share)]))


def measure_area_under(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measures the mean probability over the share covered, from nothing to everything.

    Args:
        curve: `(N, T)` log-probabilities at each of `SHARES`.

    Returns:
        `(N,)`, in 0..1.

    >>> measure_area_under(np.log(np.full((1, 11), 0.5))).round(2).tolist()
    [0.5]
    """
    return np.asarray(np.trapezoid(np.exp(curve), SHARES, axis=1))
