"""Fits a small correction of a person's readings, linear in the embedding of the face.

The correction adds `W' x + b` nats to the logarithms of the probabilities, where x is the embedding
in the units of the contract. It begins at zero, which is the model as it is: W and b have normal
priors around 0, and the fit is the maximum of the posterior. Because it moves the probabilities
that the decision rule gives, that rule, doubt and smoothing stay in force.

Every taught expression is shown for the same time, so the fit sees the readings as if all
expressions were equally frequent (Menon et al., "Long-tail learning via logit adjustment", ICLR
2021). Else the correction would unlearn how rare some expressions are. docs/teach.md has the
figures behind the constants.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.contract import EmbeddingFacts
from app.types import Floats

# Prior standard deviations, in nats: of the correction that a feature vector of usual length gets
# from W, and of b. Together with the weight of a second, they are the strongest that cost no made
# person's group more than half a point (`python -m tools.measure_teaching`).
FEATURE_STD_NATS = 2.0
OFFSET_STD_NATS = 0.3
# Seconds of one expression are near copies of each other, so that each counts as this part of an
# independent face.
SECOND_WEIGHT = 0.1
MAX_FEATURE = 10.0  # deviations from the mean; a longer way is a fault of the picture
MIN_STD = 1e-6  # a feature with a smaller deviation says nothing
MAX_STEPS = 30  # of Newton's method; 6 are usual
MIN_GAIN_NATS = 1e-6  # of the objective in a step, below which the fit is done
MIN_SHARE = 1e-3  # lower shares of a class in training count as this one
FLOOR = 1e-12  # lower probabilities count as this one, because 0 has no logarithm

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PersonalHead:
    """The correction of one person's readings: `weights (d, K)` for features of
    `standardise_embeddings`, and `offsets (K,)`, both float64 in nats."""

    weights: Array
    offsets: Array

    def compute_shifts(self, features: Array) -> Array:
        """Computes the nats `(N, K)` to add to log-probabilities, from features `(N, d)`.

        >>> head = PersonalHead(np.array([[0.5, 0.0]]), np.array([0.0, 1.0]))
        >>> head.compute_shifts(np.array([[2.0]])).tolist()
        [[1.0, 1.0]]
        """
        return np.asarray(features @ self.weights + self.offsets, np.float64)


def standardise_embeddings(embeddings: Floats, facts: EmbeddingFacts) -> Array:
    """Puts embeddings into the units of a contract: deviations from the mean of validation faces.

    Args:
        embeddings: `(N, d)` float32.
        facts: The mean and the deviation of each feature.

    Returns:
        `(N, d)` float64 within +-`MAX_FEATURE`; 0 where a feature never speaks.

    >>> facts = EmbeddingFacts(mean=(1.0, 0.0), std=(0.5, 0.0))
    >>> standardise_embeddings(np.float32([[2.0, 3.0]]), facts).tolist()
    [[2.0, 0.0]]
    """
    std = np.asarray(facts.std, np.float64)
    speaks = std > MIN_STD
    scaled = (np.asarray(embeddings, np.float64) - facts.mean) / np.where(speaks, std, 1.0)
    return np.where(speaks, np.clip(scaled, -MAX_FEATURE, MAX_FEATURE), 0.0)


def compute_balance(shares: Sequence[float], tau: float) -> Array:
    """Computes what balances readings: nats `(K,)` to add to the log-probabilities of a decision
    rule of strength `tau`, so that all classes count as equally frequent.

    Args:
        shares: `(K,)` training priors; empty where they are not known, which gives no balance.
        tau: The strength with which the decision rule has corrected for them already.

    >>> compute_balance((0.5, 0.25), 0.5).round(2).tolist(), compute_balance((), 0.0).tolist()
    ([0.35, 0.69], [])
    """
    floored = np.maximum(np.asarray(shares, np.float64), MIN_SHARE)
    return np.asarray(-(1 - tau) * np.log(floored), np.float64)


def normalise_logs(logs: Array) -> Array:
    """Makes the rows of log-probabilities `(N, K)` those of probabilities that sum to 1.

    >>> np.exp(normalise_logs(np.log([[1.0, 3.0]]))).round(2).tolist()
    [[0.25, 0.75]]
    """
    highest = logs.max(axis=1, keepdims=True)
    total = np.log(np.exp(logs - highest).sum(axis=1, keepdims=True))
    return np.asarray(logs - highest - total, np.float64)


def fit_head(
    features: Array,
    logs: Array,
    classes: NDArray[np.int64],
    *,
    fixed: Collection[int] = (),
    feature_std: float = FEATURE_STD_NATS,
    offset_std: float = OFFSET_STD_NATS,
    second_weight: float = SECOND_WEIGHT,
) -> PersonalHead:
    """Fits the correction to taught seconds: the maximum of the posterior.

    Args:
        features: `(n, d)` features of n seconds, n >= 1.
        logs: `(n, K)` their balanced log-probabilities without a correction.
        classes: `(n,)` the classes that were asked for, 0..K-1.
        fixed: Classes that keep the model's own weights: their columns stay 0.
        feature_std: The prior deviation of what W gives, in nats.
        offset_std: The prior deviation of b, in nats.
        second_weight: The weight of a second in the likelihood.

    Returns:
        The correction, whose weights have the precision that a profile stores.

    >>> head = fit_head(np.array([[1.0], [-1.0]]), np.log(np.full((2, 2), 0.5)), np.array([0, 1]))
    >>> bool(head.weights[0, 0] > 0 > head.weights[0, 1])
    True
    """
    n, dim = features.shape
    k = logs.shape[1]
    free = [one for one in range(k) if one not in fixed]
    scaled = np.c_[features * (feature_std / np.sqrt(dim)), np.full(n, offset_std)]
    # The best weights lie in the span of the seconds, so that n numbers a class describe them.
    left, sizes, right = np.linalg.svd(scaled, full_matrices=False)
    rank = int((sizes > 1e-9 * max(float(sizes[0]), 1e-300)).sum())
    basis = left[:, :rank] * sizes[:rank]  # (n, r)
    theta = _climb(basis, logs, np.eye(k)[classes], free, second_weight)
    found = np.zeros((dim + 1, k))
    found[:, free] = right[:rank].T @ theta
    weights = found[:dim] * (feature_std / np.sqrt(dim))
    return round_head(PersonalHead(weights, found[dim] * offset_std))


def round_head(head: PersonalHead) -> PersonalHead:
    """Rounds a correction to half precision, in which a profile stores it.

    >>> round_head(PersonalHead(np.array([[0.1]]), np.array([0.1]))).offsets.tolist()
    [0.0999755859375]
    """
    weights, offsets = (part.astype(np.float16).astype(float) for part in _parts(head))
    return PersonalHead(weights, offsets)


def _parts(head: PersonalHead) -> tuple[Array, Array]:
    return head.weights, head.offsets


def _climb(basis: Array, logs: Array, wanted: Array, free: Sequence[int], weight: float) -> Array:
    """Climbs to the maximum of the posterior by Newton's method with halved steps. The objective is
    concave, so there is one maximum.

    Args:
        basis: `(n, r)` features whose weights have the prior N(0, 1).
        logs: `(n, K)`.
        wanted: `(n, K)` one-hot classes.
        free: The classes whose weights may change, F of them.
        weight: The weight of each row.

    Returns:
        The weights `(r, F)`.
    """
    rank, count = basis.shape[1], len(free)
    theta = np.zeros((rank, count))

    def measure_cost(theta: Array) -> tuple[float, Array]:
        moved = logs.copy()
        moved[:, free] += basis @ theta
        own = normalise_logs(moved)
        return float((theta**2).sum() / 2 - weight * (wanted * own).sum()), np.exp(own)

    cost, shares = measure_cost(theta)
    for _ in range(MAX_STEPS):
        gradient = weight * basis.T @ (shares - wanted)[:, free] + theta
        curves = np.empty((rank, count, rank, count))
        for one in range(count):
            for other in range(one, count):
                p, q = shares[:, free[one]], shares[:, free[other]]
                curve = weight * (p * (one == other) - p * q)
                curves[:, one, :, other] = (basis * curve[:, None]).T @ basis
                curves[:, other, :, one] = curves[:, one, :, other]
        matrix = curves.reshape(rank * count, rank * count)
        matrix[np.diag_indices(rank * count)] += 1.0
        step = np.linalg.solve(matrix, gradient.ravel()).reshape(rank, count)
        share = 1.0
        new_cost, new_shares = measure_cost(theta - step)
        while new_cost > cost and share > 1e-6:
            share /= 2
            new_cost, new_shares = measure_cost(theta - share * step)
        if cost - new_cost < MIN_GAIN_NATS:
            break
        theta, cost, shares = theta - share * step, new_cost, new_shares
    return theta
