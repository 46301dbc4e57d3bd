"""Fills in a contract's decision rule: the prior correction, the limits of doubt, and the figures
that both give on validation faces."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.contract import Contract
from training.base.json_values import make_json_safe
from training.measures.decision_rule import choose_rule, correct_logits, fit_rule
from training.measures.doubt import choose_thresholds
from training.measures.metrics import compute_softmax, measure_metrics

FIGURES = ("accuracy", "standard_error", "mean_class_recall", "macro_f1", "nll", "ece", "recall")


def decide_contract(
    contract: Contract,
    shown: NDArray[np.float64],
    single: NDArray[np.float64],
    labels: NDArray[np.int64],
    *,
    tau: float | None = None,
) -> Contract:
    """Makes a contract with the decision rule that suits a model's validation faces.

    Args:
        contract: The contract, with its temperature and its shares of the classes.
        shown: `(N, K)` logits of validation faces, each the mean of a face and its mirror image, as
            the app reads pictures.
        single: `(N, K)` logits of the same faces read once, as the app reads videos.
        labels: `(N,)` their classes, in the order of the contract's labels.
        tau: The strength of the prior correction; None chooses it
            (`training.measures.decision_rule`).

    Returns:
        The contract with prior correction, its temperature, limits of doubt and figures.

    >>> from app.recognition.classifier import DEFAULT_MODEL, Classifier
    >>> contract = Classifier(DEFAULT_MODEL, device="cpu").contract
    >>> logits = 9 * np.eye(8)
    >>> made = decide_contract(contract, logits, logits, np.arange(8), tau=0.25)
    >>> made.prior_correction, made.metrics["accuracy"], made.unsure_below <= 2 / 3
    (0.25, 1.0, True)
    """
    shares = contract.training_data.class_shares
    if tau is None:
        rule = choose_rule(shown, single, labels, shares=shares)
    else:
        rule = fit_rule(single, labels, shares=shares, tau=tau)
    temperature = rule.temperature if rule.tau else contract.temperature
    decided = correct_logits(shown, temperature=temperature, shares=shares, tau=rule.tau)
    metrics = measure_metrics(decided, labels, temperature)
    limits = choose_thresholds(compute_softmax(decided, temperature))
    figures = {
        "split": "validation",
        "protocol": "majority",
        "faces": metrics.count,
        "mirror_images": True,
        **{name: make_json_safe(getattr(metrics, name)) for name in FIGURES},
    }
    return replace(
        contract,
        prior_correction=rule.tau,
        corrected_temperature=temperature if rule.tau else None,
        unsure_below=limits.below,
        unsure_above_nats=limits.above_nats,
        metrics=contract.metrics | figures,
    )
