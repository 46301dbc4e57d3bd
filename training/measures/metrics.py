"""Measures predictions against labels, in numpy."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ECE_BINS = 15  # as in Guo et al., 2017
PRIOR_LOG_TEMPERATURE = 0.5  # standard deviation of log T that is expected before any sample


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bin of confidence, (low, high]: its count of faces, their mean confidence and their
    accuracy."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of one set of predictions; shares are in 0..1. A class without examples counts in
    no mean over classes."""

    count: int
    accuracy: float
    standard_error: float  # of the accuracy, binomial
    mean_class_recall: float
    macro_f1: float
    nll: float
    ece: float
    recall: tuple[float, ...]  # (K,), NaN without examples
    precision: tuple[float, ...]  # (K,), NaN where never predicted
    confusion: tuple[tuple[int, ...], ...]  # (K, K), rows are true classes
    reliability: tuple[ReliabilityBin, ...]


def compute_softmax(logits: NDArray[np.float64], temperature: float = 1.0) -> NDArray[np.float64]:
    """Turns logits into probabilities.

    Args:
        logits: `(N, K)`.
        temperature: Divisor of the logits, over 0; a larger one makes the probabilities more even.

    Returns:
        `(N, K)` float64, rows sum to 1.

    >>> compute_softmax(np.array([[np.log(3.0), 0.0]])).round(2).tolist()
    [[0.75, 0.25]]
    """
    z = logits / temperature
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True), np.float64)


def measure_nll(
    logits: NDArray[np.float64], labels: NDArray[np.int64], temperature: float
) -> float:
    """Measures the mean negative log-likelihood of the true classes, in nats.

    Args:
        logits: `(N, K)`.
        labels: `(N,)` in 0..K-1.
        temperature: Divisor of the logits.

    Returns:
        The mean over the N samples.

    >>> round(measure_nll(np.zeros((1, 2)), np.array([0]), 1.0), 3)
    0.693
    """
    z = logits / temperature
    top = z.max(axis=1, keepdims=True)
    log_sum = top[:, 0] + np.log(np.exp(z - top).sum(axis=1))
    return float((log_sum - z[np.arange(len(z)), labels]).mean())


def fit_temperature(
    logits: NDArray[np.float64],
    labels: NDArray[np.int64],
    shift: NDArray[np.float64] | None = None,
) -> float:
    """Finds the temperature of least negative log-likelihood, in 0.05..20.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, by golden-section search,
    because in log T there is one minimum. A weak prior around 1 keeps a handful of samples, all of
    them right, from asking for certainty; it does not matter to thousands.

    Args:
        logits: `(N, K)`.
        labels: `(N,)` in 0..K-1.
        shift: `(K,)`, subtracted after the temperature; None subtracts nothing.

    Returns:
        The divisor of the logits.

    >>> fit_temperature(np.array([[4.0, 0.0]] * 2), np.array([0, 1])) > 1
    True
    """

    def cost(log_t: float) -> float:
        prior = (log_t / PRIOR_LOG_TEMPERATURE) ** 2 / 2
        scaled = logits / np.exp(log_t)
        shifted = scaled if shift is None else scaled - shift
        return len(labels) * measure_nll(shifted, labels, 1.0) + prior

    ratio = (np.sqrt(5.0) - 1) / 2
    low, high = np.log(0.05), np.log(20.0)
    while high - low > 1e-5:
        inner_low, inner_high = high - ratio * (high - low), low + ratio * (high - low)
        if cost(inner_low) < cost(inner_high):
            high = inner_high
        else:
            low = inner_low
    return float(np.exp((low + high) / 2))


def bin_reliability(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], bins: int = ECE_BINS
) -> tuple[ReliabilityBin, ...]:
    """Sorts predictions into bins of equal width by the probability of the top class.

    Args:
        probabilities: `(N, K)`.
        labels: `(N,)`.
        bins: Count of bins.

    Returns:
        All bins, rising; an empty one holds zeros.

    >>> found = bin_reliability(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]), bins=2)
    >>> found[1].count, round(found[1].confidence, 2), found[1].accuracy
    (2, 0.85, 0.5)
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    rows = []
    for b in range(bins):
        inside = index == b
        count = int(inside.sum())
        rows.append(
            ReliabilityBin(
                low=b / bins,
                high=(b + 1) / bins,
                count=count,
                confidence=float(confidence[inside].mean()) if count else 0.0,
                accuracy=float(correct[inside].mean()) if count else 0.0,
            )
        )
    return tuple(rows)


def measure_calibration_error(rows: tuple[ReliabilityBin, ...]) -> float:
    """Measures the expected calibration error: the mean distance between confidence and accuracy
    of the bins, weighted by their faces."""
    total = sum(row.count for row in rows)
    return sum(row.count * abs(row.accuracy - row.confidence) for row in rows) / max(total, 1)


def measure_metrics(
    logits: NDArray[np.float64], labels: NDArray[np.int64], temperature: float = 1.0
) -> Metrics:
    """Measures predictions.

    Args:
        logits: `(N, K)` float64, N >= 1.
        labels: `(N,)` int64 in 0..K-1.
        temperature: Divisor of the logits; matters to `nll`, `ece` and `reliability` alone.

    >>> m = measure_metrics(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([0, 1, 1]))
    >>> m.confusion, round(m.accuracy, 3), m.mean_class_recall
    (((1, 0), (1, 1)), 0.667, 0.75)
    """
    classes = logits.shape[1]
    predicted = logits.argmax(axis=1)
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2)
    confusion = confusion.reshape(classes, classes)
    hits = np.diag(confusion).astype(np.float64)
    present = confusion.sum(axis=1)
    claimed = confusion.sum(axis=0)
    nan = np.full(classes, np.nan)
    recall = np.divide(hits, present, out=nan.copy(), where=present > 0)
    precision = np.divide(hits, claimed, out=nan.copy(), where=claimed > 0)
    f1 = np.divide(2 * hits, present + claimed, out=nan.copy(), where=present > 0)
    accuracy = float(hits.sum() / len(labels))
    bins = bin_reliability(compute_softmax(logits, temperature), labels)
    return Metrics(
        count=len(labels),
        accuracy=accuracy,
        standard_error=float(np.sqrt(accuracy * (1 - accuracy) / len(labels))),
        mean_class_recall=float(np.nanmean(recall)),
        macro_f1=float(np.nanmean(f1)),
        nll=measure_nll(logits, labels, temperature),
        ece=measure_calibration_error(bins),
        recall=tuple(map(float, recall)),
        precision=tuple(map(float, precision)),
        confusion=tuple(tuple(map(int, row)) for row in confusion),
        reliability=bins,
    )


LOW_ATTENTION = 0.1  # a feature element with a smaller weight counts as left out


@dataclass(frozen=True, slots=True)
class AttentionStatistics:
    """Statistics of the attention weights.

    `spread` is the standard deviation over samples and elements. `spread_of_samples` is that of one
    element over the samples, averaged: 0 for an attention that ignores the sample. `entropy` is in
    nats, at most ln 2. `low` is the share of weights under `LOW_ATTENTION`.
    """

    mean: float
    spread: float
    spread_of_samples: float
    entropy: float
    low: float


def measure_attention(attention: NDArray[np.float64]) -> AttentionStatistics:
    """Measures attention weights.

    Args:
        attention: `(N, d)` in 0..1, N >= 1.

    >>> found = measure_attention(np.array([[0.0, 1.0], [0.0, 1.0]]))
    >>> found.mean, found.spread, found.spread_of_samples, found.low
    (0.5, 0.5, 0.0, 0.5)
    """
    a = np.clip(attention, 1e-6, 1 - 1e-6)
    return AttentionStatistics(
        mean=float(attention.mean()),
        spread=float(attention.std()),
        spread_of_samples=float(attention.std(axis=0).mean()),
        entropy=float(-(a * np.log(a) + (1 - a) * np.log(1 - a)).mean()),
        low=float((attention < LOW_ATTENTION).mean()),
    )


def find_wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """Finds the 95 % interval of a share, which also suits small counts (Wilson, 1927).

    The formula stands here because training must run without scipy, whose `binomtest` gives the
    same.

    Args:
        hits: In 0..count.
        count: At least 1.

    >>> low, high = find_wilson_interval(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    z = 1.96
    share = hits / count
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)
