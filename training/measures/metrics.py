"""Figures of merit from logits and labels, in numpy."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ECE_BINS = 15
PRIOR_LOG_TEMPERATURE = 0.5  # spread of log T that is expected before any sample was seen


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """All shares in 0..1. A class without examples takes part in no mean over classes."""

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
    """`(N, K)` probabilities of `logits / temperature`."""
    z = logits / temperature
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True), np.float64)


def measure_nll(
    logits: NDArray[np.float64], labels: NDArray[np.int64], temperature: float
) -> float:
    """Mean negative log-likelihood, nats."""
    z = logits / temperature
    top = z.max(axis=1, keepdims=True)
    log_sum = top[:, 0] + np.log(np.exp(z - top).sum(axis=1))
    return float((log_sum - z[np.arange(len(z)), labels]).mean())


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The temperature of least negative log-likelihood, in 0.05..20. Guo et al., "On Calibration
    of Modern Neural Networks", ICML 2017. Golden-section search: in log T there is one minimum.

    A weak prior around 1 keeps a handful of samples, all of them right, from asking for
    certainty; thousands do not feel it.
    """

    def cost(log_t: float) -> float:
        prior = (log_t / PRIOR_LOG_TEMPERATURE) ** 2 / 2
        return len(labels) * measure_nll(logits, labels, float(np.exp(log_t))) + prior

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
    """Equal-width bins of the top class's probability, (low, high]; empty ones hold zeros."""
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
    total = sum(row.count for row in rows)
    return sum(row.count * abs(row.accuracy - row.confidence) for row in rows) / max(total, 1)


def measure_metrics(
    logits: NDArray[np.float64], labels: NDArray[np.int64], temperature: float = 1.0
) -> Metrics:
    """`logits (N, K)`, `labels (N,)` in 0..K-1, N >= 1."""
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


LOW_ATTENTION = 0.1  # an element with a smaller weight counts as left out


@dataclass(frozen=True, slots=True)
class AttentionStatistics:
    """`spread` is the standard deviation over samples and elements, `spread_of_samples` that of one
    element over the samples, averaged: 0 when the attention does not look at the sample at all.
    `entropy` in nats, at most ln 2; `low` is the share of weights under 0.1."""

    mean: float
    spread: float
    spread_of_samples: float
    entropy: float
    low: float


def measure_attention(attention: NDArray[np.float64]) -> AttentionStatistics:
    """`attention (N, d)` in 0..1, N >= 1."""
    a = np.clip(attention, 1e-6, 1 - 1e-6)
    return AttentionStatistics(
        mean=float(attention.mean()),
        spread=float(attention.std()),
        spread_of_samples=float(attention.std(axis=0).mean()),
        entropy=float(-(a * np.log(a) + (1 - a) * np.log(1 - a)).mean()),
        low=float((attention < LOW_ATTENTION).mean()),
    )


def find_wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a share, of use for small counts, too. Wilson, 1927."""
    z = 1.96
    share = hits / count
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)
