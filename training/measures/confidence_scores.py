"""Ways to measure how sure a network is, and what a threshold on one of them lets through.

A score takes `logits (N, K)` and the temperature and gives `(N,)`, larger where the network is
surer of what it sees.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.contract import entropy_nats
from training.measures.metrics import softmax

Floats: TypeAlias = NDArray[np.float64]


def max_probability(logits: Floats, temperature: float) -> Floats:
    """Hendrycks & Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution
    Examples", ICLR 2017."""
    return np.asarray(softmax(logits, temperature).max(axis=1), np.float64)


def margin(logits: Floats, temperature: float) -> Floats:
    """Of the most probable class over the next, as probabilities."""
    ordered = np.sort(softmax(logits, temperature), axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2], np.float64)


def negative_entropy(logits: Floats, temperature: float) -> Floats:
    """Nats, at most 0."""
    return -entropy_nats(softmax(logits, temperature))


def negative_energy(logits: Floats, temperature: float) -> Floats:
    """log Σ exp of the logits; the temperature is left out, for it flattens the sum. Liu et al.,
    "Energy-based Out-of-distribution Detection", NeurIPS 2020."""
    top = logits.max(axis=1)
    return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)), np.float64)


def max_logit(logits: Floats, temperature: float) -> Floats:
    """Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings", 2022."""
    return np.asarray(logits.max(axis=1), np.float64)


Score = Callable[[Floats, float], Floats]
SCORES: dict[str, Score] = {
    "max probability": max_probability,
    "margin": margin,
    "negative entropy": negative_entropy,
    "energy": negative_energy,
    "max logit": max_logit,
}


def faces_kept(coverage: float, count: int) -> int:
    """How many of `count` faces a coverage means: at least that share, and at least one."""
    return max(1, int(np.ceil(coverage * count - 1e-9)))


def kept_from(scores: Floats, coverage: float) -> float:
    """The score from which on a share of the faces, `scores (N,)`, is kept."""
    return float(np.sort(scores)[::-1][faces_kept(coverage, len(scores)) - 1])


def accepted_at(face_scores: Floats, other_scores: Floats, coverage: float) -> float:
    """The share of what is no face that a threshold lets through which keeps `coverage` of the
    faces."""
    return float((other_scores >= kept_from(face_scores, coverage)).mean())


def auroc(face_scores: Floats, other_scores: Floats) -> float:
    """The probability that a face scores higher than what is none; ties count one half."""
    ordered = np.sort(other_scores)
    below = np.searchsorted(ordered, face_scores, "left")
    upto = np.searchsorted(ordered, face_scores, "right")
    return float((below + upto).mean() / 2 / len(ordered))
