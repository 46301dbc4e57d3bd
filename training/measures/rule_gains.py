"""Measures what a model's decision rule and mirror images change, face by face.

All in numpy. Logits are `(N, K)` float64, labels `(N,)` int64 in 0..K-1, N >= 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.contract import MAX_PRIOR_CORRECTION
from training.measures.decision_rule import STEPS, correct_logits, fit_rule
from training.measures.doubt import LabelledFaces, Labels, Thresholds, measure_labelled
from training.measures.metrics import Metrics, compute_softmax, measure_metrics

Floats = NDArray[np.float64]

# A video's readings that differ by more are not interpolated (`app.reading.group_readings`).
MIRROR_DISTANCE = 0.1


@dataclass(frozen=True, slots=True)
class PairedGain:
    """The gains of one way to read over another one on the same faces, each with its standard
    error. `nll` is that of the negative log-likelihood, so less is better."""

    accuracy: float
    accuracy_error: float
    recall: float  # mean over the classes that have faces
    recall_error: float
    nll: float
    nll_error: float


def measure_gain(after: Floats, before: Floats, labels: Labels) -> PairedGain:
    """Measures what probabilities gain over others of the same faces.

    Args:
        after: `(N, K)` probabilities, over 0.
        before: `(N, K)` probabilities of the same faces, read in another way.
        labels: `(N,)`.

    >>> before = np.array([[0.6, 0.4], [0.6, 0.4], [0.4, 0.6], [0.8, 0.2]])
    >>> after = np.array([[0.6, 0.4], [0.4, 0.6], [0.4, 0.6], [0.8, 0.2]])
    >>> gain = measure_gain(after, before, np.array([0, 1, 1, 0]))
    >>> gain.accuracy, gain.recall, round(gain.accuracy_error, 3), round(gain.recall_error, 3)
    (0.25, 0.25, 0.217, 0.177)
    """
    hits = _find_hits(after, labels) - _find_hits(before, labels)
    faces = np.arange(len(labels))
    nats = np.log(before[faces, labels]) - np.log(after[faces, labels])
    by_class = [hits[labels == label] for label in np.unique(labels)]
    variances = np.array([one.var() / len(one) for one in by_class])
    return PairedGain(
        accuracy=float(hits.mean()),
        accuracy_error=_find_error(hits),
        recall=float(np.mean([one.mean() for one in by_class])),
        recall_error=float(np.sqrt(variances.sum()) / len(by_class)),
        nll=float(nats.mean()),
        nll_error=_find_error(nats),
    )


def _find_hits(probabilities: Floats, labels: Labels) -> Floats:
    return np.asarray(probabilities.argmax(axis=1) == labels, np.float64)


def _find_error(values: Floats) -> float:
    return float(values.std() / np.sqrt(len(values)))


@dataclass(frozen=True, slots=True)
class ReadingFigures:
    """The figures of one way to read: at a prior correction `tau` and a `temperature`, with or
    without mirror images. `labelled` is None for a model without thresholds."""

    name: str
    tau: float
    temperature: float
    metrics: Metrics
    labelled: LabelledFaces | None


@dataclass(frozen=True, slots=True)
class RuleStep:
    """A prior correction that was tried, with the temperature fitted for it, and its gain over
    `tau` 0. Both are read with mirror images."""

    tau: float
    temperature: float
    gain: PairedGain


@dataclass(frozen=True, slots=True)
class RuleReport:
    """The changes that a model's decision rule and mirror images make.

    Attributes:
        readings: The figures of the ways to read.
        rule_gain: The gain of the rule over `tau` 0, both with mirror images.
        mirror_gain: The gain of mirror images over single readings, both with the rule.
        far_share: The share of faces whose reading differs from that of their mirror image by more
            than `MIRROR_DISTANCE` (total variation).
        turned_share: The share of faces whose likeliest class is not that of their mirror image.
        steps: The prior corrections from which `training.measures.decision_rule` chooses.
    """

    readings: tuple[ReadingFigures, ...]
    rule_gain: PairedGain
    mirror_gain: PairedGain
    far_share: float
    turned_share: float
    steps: tuple[RuleStep, ...]


def measure_rule(
    shown: Floats,
    single: Floats,
    labels: Labels,
    *,
    tau: float,
    find_temperature: Callable[[float], float],
    shares: Sequence[float],
    thresholds: Thresholds | None,
) -> RuleReport:
    """Measures what a decision rule and mirror images change.

    Args:
        shown: `(N, K)` logits, the mean of each face's and its mirror image's, as the app reads
            pictures.
        single: `(N, K)` logits of the same faces read once, as the app reads videos.
        labels: `(N,)`.
        tau: The strength of the model's prior correction.
        find_temperature: Gives the divisor of the logits for each strength.
        shares: `(K,)` class shares in training; needed only where `tau` is not 0.
        thresholds: From which the model is unsure; None where it is never.

    >>> logits, labels = np.tile([[0.5, 0.0], [2.0, 0.0]], (5, 1)), np.tile([1, 0], 5)
    >>> report = measure_rule(
    ...     logits,
    ...     logits,
    ...     labels,
    ...     tau=0.5,
    ...     find_temperature=lambda tau: 1.0,
    ...     shares=(0.9, 0.1),
    ...     thresholds=None,
    ... )
    >>> report.rule_gain.accuracy, report.mirror_gain.accuracy, len(report.steps)
    (0.5, 0.0, 20)
    """

    def correct(logits: Floats, tau: float, temperature: float) -> Floats:
        return correct_logits(logits, temperature=temperature, shares=shares, tau=tau)

    def measure(name: str, logits: Floats, tau: float, temperature: float) -> ReadingFigures:
        decided = correct(logits, tau, temperature)
        labelled = None
        if thresholds is not None:
            labelled = measure_labelled(
                decided, labels, temperature=temperature, thresholds=thresholds
            )
        metrics = measure_metrics(decided, labels, temperature)
        return ReadingFigures(name, tau, temperature, metrics, labelled)

    def read(logits: Floats, tau: float, temperature: float) -> Floats:
        return compute_softmax(correct(logits, tau, temperature), temperature)

    plain, own = find_temperature(0.0), find_temperature(tau)
    one, turned = (read(logits, tau, own) for logits in (single, 2 * shown - single))
    before = read(shown, 0.0, plain)
    steps = []
    for step in range(1, STEPS + 1) if shares else ():
        rule = fit_rule(single, labels, shares=shares, tau=MAX_PRIOR_CORRECTION * step / STEPS)
        gain = measure_gain(read(shown, *rule), before, labels)
        steps.append(RuleStep(rule.tau, rule.temperature, gain))
    return RuleReport(
        readings=(
            measure("once, as trained", single, 0.0, plain),
            measure("with mirror images, as trained", shown, 0.0, plain),
            measure("once, as in a video", single, tau, own),
            measure("with mirror images, as a picture", shown, tau, own),
            measure("as in a video, temperature of tau 0", single, tau, plain),
            measure("as a picture, temperature of tau 0", shown, tau, plain),
        ),
        rule_gain=measure_gain(read(shown, tau, own), before, labels),
        mirror_gain=measure_gain(read(shown, tau, own), one, labels),
        far_share=float((np.abs(one - turned).sum(axis=1) / 2 > MIRROR_DISTANCE).mean()),
        turned_share=float((one.argmax(axis=1) != turned.argmax(axis=1)).mean()),
        steps=tuple(steps),
    )


def format_rule_report(report: RuleReport) -> list[str]:
    """Formats a report as lines: two tables, and what was gained."""
    lines = [
        "| read | tau | temperature | accuracy, % | mean class recall | ECE | NLL | labelled, and "
        "right of those, % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in report.readings:
        m, kept = one.metrics, one.labelled
        labelled = "–" if kept is None else f"{100 * kept.share:.1f}; {100 * kept.accuracy:.2f}"
        lines.append(
            f"| {one.name} | {one.tau:g} | {one.temperature:.3f} "
            f"| {100 * m.accuracy:.2f} ± {100 * m.standard_error:.2f} "
            f"| {m.mean_class_recall:.3f} | {m.ece:.3f} | {m.nll:.3f} | {labelled} |"
        )
    lines += [
        "",
        f"the rule against tau 0, with mirror images: {format_gain(report.rule_gain)}",
        f"mirror images against one reading, with the rule: {format_gain(report.mirror_gain)}",
        f"{100 * report.far_share:.1f} % of the faces differ by more than {MIRROR_DISTANCE:g} from "
        f"their mirror images, {100 * report.turned_share:.1f} % in the likeliest class",
    ]
    if report.steps:
        lines += [
            "",
            "| tau | temperature | accuracy against tau 0, points | mean class recall |",
            "|---|---|---|---|",
        ]
    for step in report.steps:
        g = step.gain
        lines.append(
            f"| {step.tau:.2f} | {step.temperature:.3f} "
            f"| {100 * g.accuracy:+.2f} ± {100 * g.accuracy_error:.2f} "
            f"| {g.recall:+.3f} ± {g.recall_error:.3f} |"
        )
    return lines


def format_gain(gain: PairedGain) -> str:
    """Formats a gain in one line.

    >>> format_gain(PairedGain(0.0044, 0.003, -0.01, 0.02, -0.0123, 0.003))
    'accuracy +0.44 ± 0.30 points, mean class recall -0.010 ± 0.020, NLL -0.012 ± 0.003'
    """
    return (
        f"accuracy {100 * gain.accuracy:+.2f} ± {100 * gain.accuracy_error:.2f} points, mean class "
        f"recall {gain.recall:+.3f} ± {gain.recall_error:.3f}, NLL {gain.nll:+.3f} ± "
        f"{gain.nll_error:.3f}"
    )
