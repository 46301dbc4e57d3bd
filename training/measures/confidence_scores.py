"""Scores how sure a network is, and measures what a threshold on such a score lets through.

A score takes `logits (N, K)` float64 and the temperature and gives `(N,)` float64, larger where the
network is surer.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.contract import compute_entropy_nats
from training.measures.metrics import compute_softmax

Floats: TypeAlias = NDArray[np.float64]


def score_max_probability(logits: Floats, temperature: float) -> Floats:
    """Scores by the largest probability.

    Hendrycks & Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples",
    ICLR 2017.

    Args:
        logits: `(N, K)` float64.
        temperature: The divisor of the logits, above 0.

    Returns:
        `(N,)` float64, 1/K to 1.

    >>> score_max_probability(np.array([[0.0, 0.0], [np.log(3.0), 0.0]]), 1.0).round(2).tolist()
    [0.5, 0.75]
    """
    return np.asarray(compute_softmax(logits, temperature).max(axis=1), np.float64)


def score_margin(logits: Floats, temperature: float) -> Floats:
    """Scores by the distance between the two largest probabilities.

    Args:
        logits: `(N, K)` float64.
        temperature: The divisor of the logits, above 0.

    Returns:
        `(N,)` float64, 0 to 1.

    >>> score_margin(np.array([[np.log(3.0), 0.0]]), 1.0).round(2).tolist()
    [0.5]
    """
    ordered = np.sort(compute_softmax(logits, temperature), axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2], np.float64)


def score_negative_entropy(logits: Floats, temperature: float) -> Floats:
    """Scores by the entropy of the probabilities times -1.

    Args:
        logits: `(N, K)` float64.
        temperature: The divisor of the logits, above 0.

    Returns:
        `(N,)` float64, -log K to 0, in nats.

    >>> score_negative_entropy(np.zeros((1, 2)), 1.0).round(3).tolist()
    [-0.693]
    """
    return -compute_entropy_nats(compute_softmax(logits, temperature))


def score_negative_energy(logits: Floats, temperature: float) -> Floats:
    """Scores by log Σ exp of the logits.

    Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020.

    Args:
        logits: `(N, K)` float64.
        temperature: Not used, because it would flatten the sum.

    Returns:
        `(N,)` float64, in nats.

    >>> score_negative_energy(np.zeros((1, 2)), 1.0).round(3).tolist()
    [0.693]
    """
    top = logits.max(axis=1)
    return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)), np.float64)


def score_max_logit(logits: Floats, temperature: float) -> Floats:
    """Scores by the largest logit.

    Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings", 2022.

    Args:
        logits: `(N, K)` float64.
        temperature: Not used.

    Returns:
        `(N,)` float64, in nats.

    >>> score_max_logit(np.array([[1.0, 4.0]]), 1.0).tolist()
    [4.0]
    """
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
    """Counts the faces that a coverage keeps of `count`: at least that share, and at least one.

    >>> count_kept_faces(0.9, 11), count_kept_faces(0.01, 11)
    (10, 1)
    """
    return max(1, int(np.ceil(coverage * count - 1e-9)))


def find_keeping_score(scores: Floats, coverage: float) -> float:
    """Finds the threshold that keeps a share of the faces.

    Args:
        scores: `(N,)`, N >= 1.
        coverage: Share of the faces whose score is at least the threshold.

    Returns:
        The threshold, one of the scores.

    >>> find_keeping_score(np.array([0.1, 0.9, 0.5, 0.7]), 0.5)
    0.7
    """
    return float(np.sort(scores)[::-1][count_kept_faces(coverage, len(scores)) - 1])


def measure_acceptance(face_scores: Floats, other_scores: Floats, coverage: float) -> float:
    """Measures the share of pictures without a face that pass a threshold on the score.

    Args:
        face_scores: `(N,)` scores of faces, from which the threshold follows.
        other_scores: `(M,)` scores of pictures without a face.
        coverage: Share of the faces that the threshold keeps.

    Returns:
        A share in 0..1.

    >>> measure_acceptance(np.array([0.5, 0.9]), np.array([0.1, 0.6]), 1.0)
    0.5
    """
    return float((other_scores >= find_keeping_score(face_scores, coverage)).mean())


def measure_auroc(face_scores: Floats, other_scores: Floats) -> float:
    """Measures the probability that a face scores higher than a picture without one; ties count one
    half.

    Args:
        face_scores: `(N,)`, in any order.
        other_scores: `(M,)`, in any order.

    Returns:
        A probability in 0..1.

    >>> measure_auroc(np.array([0.8, 0.4]), np.array([0.1, 0.4]))
    0.875
    """
    ordered = np.sort(other_scores)
    below = np.searchsorted(ordered, face_scores, "left")
    upto = np.searchsorted(ordered, face_scores, "right")
    return float((below + upto).mean() / 2 / len(ordered))
