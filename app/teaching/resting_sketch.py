"""Makes a sketch of a resting face, by which a clearly other face is noticed.

A sketch holds 16 numbers: the features of an embedding, added and subtracted in 16 fixed random
orders. It cannot be turned back into an embedding. It says that a face is clearly not the one that
was taught, and misses a quarter of all others, so it tells nobody among many people; docs/teach.md
has the shares.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SKETCH_SIZE = 16
SKETCH_DECIMALS = 1
# Mean squared difference of two sketches from which the faces are not the same. It takes the
# profile from 1 of 100 people whose picture changes much, and from 77 of 100 strangers at rest
# (`python -m tools.measure_teaching`).
MAX_SKETCH_DISTANCE = 0.4

Array = NDArray[np.float64]


@lru_cache(8)
def _make_signs(dim: int) -> Array:
    """Makes the signs `(dim, SKETCH_SIZE)`, the same on every machine."""
    bits = np.frombuffer(hashlib.shake_256(b"sketch").digest(dim * SKETCH_SIZE // 8 + 1), np.uint8)
    signs = np.unpackbits(bits)[: dim * SKETCH_SIZE].reshape(dim, SKETCH_SIZE)
    return np.asarray(2.0 * signs - 1.0, np.float64)


def make_sketch(features: Array) -> Array:
    """Makes the sketch of features `(d,)`: float64 `(SKETCH_SIZE,)`.

    >>> make_sketch(np.zeros(4)).shape
    (16,)
    """
    return np.asarray(features @ _make_signs(len(features)) / np.sqrt(len(features)), np.float64)


def measure_sketch_distance(one: Array, other: Array) -> float:
    """Measures the mean squared difference of two sketches.

    >>> measure_sketch_distance(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    2.0
    """
    return float(((one - other) ** 2).mean())
