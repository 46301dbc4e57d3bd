"""Describes deletion curves: what is left of a class's score as ever more of the crop is covered.

Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC
2018. The lower the curve lies, the better the order of covering knows what the network reads.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from training.measures.masking import (
    Filling,
)

Target = Literal["predicted", "true"]
Area = Literal["marked", "anywhere", "least", "another", "centre"]
TARGETS: tuple[Target, ...] = ("predicted", "true")
# What is covered first: what the class's map marks most; the same map with its cells in a random
# order, which is as good as anywhere; what it marks least; what another face's map marks most (the
# shapes that faces have, where this face had no say); a square from the middle.
AREAS: tuple[Area, ...] = ("marked", "anywhere", "least", "another", "centre")
AREA_NAMES: dict[Area, str] = {
    "marked": "most marked",
    "anywhere": "anywhere",
    "least": "least marked",
    "another": "another face's map",
    "centre": "square in the middle",
}
SHARES = tuple(number / 10 for number in range(11))  # covered, of the crop's area


class CurveKey(NamedTuple):
    target: Target
    filling: Filling
    area: Area


Curves = dict[CurveKey, NDArray[np.float64]]  # (N, T) log-probability of the target at each share


@dataclass(frozen=True, slots=True)
class MeanOverFaces:
    """A mean over faces, half of its 95 % interval, and the share of faces above 0."""

    mean: float
    half: float
    above: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Self:
        """`values (N,)`, N >= 1."""
        n = len(values)
        half = 1.96 * float(values.std(ddof=1)) / n**0.5 if n > 1 else float("nan")
        return cls(float(values.mean()), half, float((values > 0).mean()))


def measure_drop(curve: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """`(N,)` by how much the probability has fallen at one of `SHARES`."""
    return np.asarray(np.exp(curve[:, 0]) - np.exp(curve[:, SHARES.index(share)]))


def measure_area_under(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` mean probability over the share covered, from nothing to everything."""
    return np.asarray(np.trapezoid(np.exp(curve), SHARES, axis=1))
