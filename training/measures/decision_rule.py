"""Chooses how far a model's decision rule corrects for the training priors, and its temperature.

All in numpy. Logits are `(N, K)` float64, labels `(N,)` int64 in 0..K-1, N >= 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.contract import MAX_PRIOR_CORRECTION
from app.recognition.classifier import compute_prior_shift
from training.measures.metrics import fit_temperature

Floats = NDArray[np.float64]

STEPS = 20  # strengths that are tried, 0.05 apart: finer ones differ by less than they are known
# The share of accuracy that the correction may cost; a file in integers may cost as much
# (`training.exporting.int8_quality`). It is half of the standard error of 3,199 faces.
MAX_ACCURACY_COST = 0.003
MIN_FACES = 1000  # fewer faces cannot show so small a loss, so that every strength would pass


class DecisionRule(NamedTuple):
    """The strength of the prior correction, and the temperature that goes with it."""

    tau: float
    temperature: float


def correct_logits(
    logits: Floats, *, temperature: float, shares: Sequence[float], tau: float
) -> Floats:
    """Corrects logits for the training priors, as the app does.

    Args:
        logits: `(N, K)`.
        temperature: The temperature for `tau`, which still has to divide the result.
        shares: `(K,)` class shares in training; needed only where `tau` is not 0.
        tau: The strength of the correction.

    Returns:
        `(N, K)` logits, whose largest is the decision.

    >>> correct_logits(np.array([[1.0, 0.0]]), temperature=2.0, shares=(0.5, 0.25), tau=1).round(2)
    array([[2.39, 2.77]])
    """
    if not tau:
        return logits
    return logits - temperature * compute_prior_shift(shares, tau).astype(np.float64)


def fit_rule(
    single: Floats, labels: NDArray[np.int64], *, shares: Sequence[float], tau: float
) -> DecisionRule:
    """Fits the temperature for a prior correction of a given strength.

    Args:
        single: `(N, K)` logits of validation faces that were read once, as in a video.
        labels: `(N,)`.
        shares: `(K,)` class shares in training; needed only where `tau` is not 0.
        tau: The strength of the correction.

    >>> logits, labels = np.array([[2.0, 0.0], [0.0, 2.0]] * 50), np.array([0, 1] * 45 + [0] * 10)
    >>> rules = [fit_rule(logits, labels, shares=(0.9, 0.1), tau=tau) for tau in (0.0, 0.5)]
    >>> rules[1].temperature < rules[0].temperature
    True
    """
    shift = compute_prior_shift(shares, tau).astype(np.float64) if tau else None
    return DecisionRule(tau, fit_temperature(single, labels, shift))


def choose_rule(
    shown: Floats,
    single: Floats,
    labels: NDArray[np.int64],
    *,
    shares: Sequence[float],
) -> DecisionRule:
    """Chooses the strongest prior correction that costs at most `MAX_ACCURACY_COST`.

    Strengths are tried from 0 on, each with its own temperature, until the accuracy has fallen by
    more. A correction costs accuracy where faces come as often as in training, and gains where rare
    expressions come more often; so the rule takes the gain that is nearly free. The temperature is
    fitted anew, because a correction makes probabilities more alike.

    Args:
        shown: `(N, K)` logits of validation faces as pictures are read, with mirror images. They
            decide about accuracy.
        single: `(N, K)` logits of the same faces read once. They decide about the temperature.
        labels: `(N,)`.
        shares: `(K,)` class shares in training; empty where they are not known.

    Returns:
        The rule. Its strength is in 0..`MAX_PRIOR_CORRECTION`; 0 for fewer than `MIN_FACES` faces,
        for unknown shares, and for equal ones, which change nothing.

    >>> logits, labels = np.tile([[0.5, 0.0], [4.0, 0.0]], (600, 1)), np.tile([1, 0], 600)
    >>> choose_rule(logits, logits, labels, shares=(0.9, 0.1)).tau
    1.0
    """
    chosen = fit_rule(single, labels, shares=shares, tau=0.0)
    if len(labels) < MIN_FACES or not shares or min(shares) == max(shares):
        return chosen
    least = int((shown.argmax(axis=1) == labels).sum()) - MAX_ACCURACY_COST * len(labels)
    for step in range(1, STEPS + 1):
        rule = fit_rule(single, labels, shares=shares, tau=MAX_PRIOR_CORRECTION * step / STEPS)
        decided = correct_logits(
            shown, temperature=rule.temperature, shares=shares, tau=rule.tau
        ).argmax(axis=1)
        if int((decided == labels).sum()) < least:
            break
        chosen = rule
    return chosen
