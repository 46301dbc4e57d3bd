"""Ways to measure how sure a network is, and what a threshold on one of them lets through.

A score takes `logits (N, K)` and the temperature and gives `(N,)`, larger where the network is
surer of what it sees.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.contract import compute_entropy_nats
from training.measures.metrics import compute_softmax

Floats: TypeAlias = NDArray[np.float64]


def score_max_probability(logits: Floats, temperature: float) -> Floats:
    """Hendrycks & Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution
    Examples", ICLR 2017."""
    return np.asarray(compute_softmax(logits, temperature).max(axis=1), np.float64)


def score_margin(logits: Floats, temperature: float) -> Floats:
    """Of the most probable class over the next, as probabilities."""
    ordered = np.sort(compute_softmax(logits, temperature), axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2], np.float64)


def score_negative_entropy(logits: Floats, temperature: float) -> Floats:
    """Nats, at most 0."""
    return -compute_entropy_nats(compute_softmax(logits, temperature))


def score_negative_energy(logits: Floats, temperature: float) -> Floats:
    """log Σ exp of the logits; the temperature is left out, for it flattens the sum. Liu et al.,
    "Energy-based Out-of-distribution Detection", NeurIPS 2020."""
    top = logits.max(axis=1)
    return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)), np.float64)


def score_max_logit(logits: Floats, temperature: float) -> Floats:
    """Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings", 2022."""
    return np.asarray(logits.max(axis=1), np.float64)


Score = Callable[[Floats, float], Floats]
SCORES: dict[str, Score] = {
    "max probability": score_max_probability,
    "margin": score_margin,
    "negative entropy": score_negative_entropy,
    "energy": score_negative_energy,
    "max logit": score_max_logit,
}


def count_kept_faces(coverage: float, count: int) -> int:
    """How many of `count` faces a coverage means: at least that share, and at least one."""
    return max(1, int(np.ceil(coverage * count - 1e-9)))


def find_keeping_score(scores: Floats, coverage: float) -> float:
    """The score from which on a share of the faces, `scores (N,)`, is kept."""
    return float(np.sort(scores)[::-1][count_kept_faces(coverage, len(scores)) - 1])


def measure_acceptance(face_scores: Floats, other_scores: Floats, coverage: float) -> float:
    """The share of what is no face that a threshold lets through which keeps `coverage` of the
    faces."""
    return float((other_scores >= find_keeping_score(face_scores, coverage)).mean())


def measure_auroc(face_scores: Floats, other_scores: Floats) -> float:
    """The probability that a face scores higher than what is none; ties count one half."""
    ordered = np.sort(other_scores)
    below = np.searchsorted(ordered, face_scores, "left")
    upto = np.searchsorted(ordered, face_scores, "right")
    return float((below + upto).mean() / 2 / len(ordered))
