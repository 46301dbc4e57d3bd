"""Measures how well a model knows when it errs, chooses its thresholds for "unsure", and measures
the correction of class priors.

All in numpy. Logits are `(N, K)` float64, labels `(N,)` int64 in 0..K-1, N >= 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.contract import are_sure, compute_entropy_nats
from app.recognition.classifier import compute_prior_shift
from training.measures.confidence_scores import Floats, count_kept_faces, find_keeping_score
from training.measures.decision_rule import correct_logits
from training.measures.metrics import compute_softmax, measure_metrics

Labels = NDArray[np.int64]

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)  # shares of the faces at which accuracy is given
SURE_COVERAGE = 0.9  # share of validation faces that get a label; accuracy is reported there, too
PROBABILITY_COVERAGE = 0.95  # share that the threshold on the largest probability leaves
# A calibrated label of this probability is right twice in three times, which needs no warning.
MAX_BELOW = 2 / 3
# The entropy of two classes at 2 : 1, for the same reason.
MIN_ABOVE_NATS = float(-(2 / 3) * np.log(2 / 3) - (1 / 3) * np.log(1 / 3))
# Strengths of the prior correction that are compared: 0 is none, 1 divides by the whole prior.
TAUS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """The figures of the surest `coverage` of the faces: those whose score is at least
    `threshold`."""

    coverage: float
    threshold: float
    accuracy: float
    standard_error: float  # of the accuracy, binomial
    mean_class_recall: float  # of the classes that are left


@dataclass(frozen=True, slots=True)
class Selective:
    """Accuracy against coverage (Geifman & El-Yaniv, "Selective Classification for Deep Neural
    Networks", NeurIPS 2017).

    `area` is that under the risk-coverage curve: the mean error of the surest 1, 2, …, N faces.
    `least_area` is the area of a score that puts every error last. `curve` holds pairs (coverage,
    accuracy), at most 200 of them.
    """

    points: tuple[CoveragePoint, ...]
    area: float
    least_area: float
    curve: tuple[tuple[float, float], ...]

    def find_point(self, coverage: float) -> CoveragePoint:
        """Finds the point nearest to a coverage."""
        return min(self.points, key=lambda point: abs(point.coverage - coverage))


def measure_selective(logits: Floats, labels: Labels, score: Floats) -> Selective:
    """Measures accuracy against coverage.

    Args:
        logits: `(N, K)`.
        labels: `(N,)`.
        score: `(N,)`, larger for surer faces. Of equal scores the first come first.

    >>> logits = np.array([[2.0, 0.0], [0.0, 1.0]])
    >>> found = measure_selective(logits, np.array([0, 0]), np.array([0.9, 0.6]))
    >>> found.area, [p.accuracy for p in found.points if p.coverage in (0.5, 1.0)]
    (0.25, [1.0, 0.5])
    """
    count = len(labels)
    order = np.argsort(-score, kind="stable")
    wrong = logits.argmax(axis=1)[order] != labels[order]
    risks = wrong.cumsum() / np.arange(1, count + 1)
    best = np.sort(wrong).cumsum() / np.arange(1, count + 1)
    points = []
    for coverage in COVERAGES:
        kept = order[: count_kept_faces(coverage, count)]
        m = measure_metrics(logits[kept], labels[kept])
        points.append(
            CoveragePoint(
                coverage=coverage,
                threshold=float(score[kept[-1]]),
                accuracy=m.accuracy,
                standard_error=m.standard_error,
                mean_class_recall=m.mean_class_recall,
            )
        )
    places = np.unique(np.linspace(1, count, 200).round().astype(int))
    return Selective(
        points=tuple(points),
        area=float(risks.mean()),
        least_area=float(best.mean()),
        curve=tuple((float(n / count), float(1 - risks[n - 1])) for n in places),
    )


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The thresholds from which a contract's model is unsure: see `app.contract.are_sure`."""

    below: float
    above_nats: float


def choose_thresholds(probabilities: Floats) -> Thresholds:
    """Chooses thresholds that leave nine of ten validation faces their label.

    Half of the other tenth goes to the threshold on the largest probability, which finds the errors
    best. The rest goes to the threshold on the entropy, which finds errors as well and pictures
    without a face much better (`training.non_faces` compares). Where few or easy faces would ask
    for near certainty, a label of 2/3, or the entropy of two classes at 2 : 1, is sure enough. A
    share of faces means the same for every model, which a fixed probability does not, and needs no
    guess about what else a camera will see.

    Args:
        probabilities: `(N, K)`, rows sum to 1.

    Returns:
        Both thresholds, rounded to three digits such that more faces keep their label.

    >>> choose_thresholds(np.array([[0.9, 0.1], [0.5, 0.5]]))
    Thresholds(below=0.5, above_nats=0.694)
    """
    top = probabilities.max(axis=1)
    below = min(find_keeping_score(top, PROBABILITY_COVERAGE), MAX_BELOW)
    below = float(np.floor(1000 * below) / 1000)
    nats = np.sort(compute_entropy_nats(probabilities)[top >= below])
    last = min(count_kept_faces(SURE_COVERAGE, len(top)), len(nats)) - 1
    above = max(float(nats[last]), MIN_ABOVE_NATS)
    return Thresholds(below, float(np.ceil(1000 * above) / 1000))


@dataclass(frozen=True, slots=True)
class LabelledFaces:
    """The faces that get a label under `thresholds`: their share, and how good the labels are.
    Figures are NaN where no face gets one."""

    thresholds: Thresholds
    share: float
    accuracy: float
    standard_error: float
    mean_class_recall: float


def measure_labelled(
    logits: Floats, labels: Labels, *, temperature: float, thresholds: Thresholds
) -> LabelledFaces:
    """Measures the labels that a model shows under its thresholds.

    Args:
        logits: `(N, K)`.
        labels: `(N,)`.
        temperature: Divisor of the logits.
        thresholds: From which the model is unsure.

    >>> found = measure_labelled(
    ...     np.array([[4.0, 0.0], [0.0, 0.1]]),
    ...     np.array([0, 0]),
    ...     temperature=1.0,
    ...     thresholds=Thresholds(0.6, 0.6),
    ... )
    >>> found.share, found.accuracy
    (0.5, 1.0)
    """
    kept = are_sure(
        compute_softmax(logits, temperature),
        below=thresholds.below,
        above_nats=thresholds.above_nats,
    )
    if not kept.any():
        return LabelledFaces(thresholds, 0.0, np.nan, np.nan, np.nan)
    m = measure_metrics(logits[kept], labels[kept])
    return LabelledFaces(
        thresholds, float(kept.mean()), m.accuracy, m.standard_error, m.mean_class_recall
    )


@dataclass(frozen=True, slots=True)
class PriorRow:
    """The figures under a prior correction of strength `tau`.

    `recall_error` is one standard error of the mean class recall, from the binomial errors of the
    classes. `balanced_ece` weighs all classes alike. `sure` is the share of faces that get a label.
    """

    tau: float
    accuracy: float
    standard_error: float
    mean_class_recall: float
    recall_error: float
    ece: float
    balanced_ece: float
    nll: float
    sure: float


def measure_priors(
    logits: Floats,
    labels: Labels,
    *,
    find_temperature: Callable[[float], float],
    shares: Sequence[float],
    thresholds: Thresholds,
    taus: Sequence[float] = TAUS,
) -> tuple[PriorRow, ...]:
    """Measures prior corrections of several strengths. The correction is the app's own.

    Args:
        logits: `(N, K)`.
        labels: `(N,)`.
        find_temperature: Gives the divisor of the logits for each strength.
        shares: `(K,)` class shares in training.
        thresholds: From which the model is unsure.
        taus: The strengths; 0 changes nothing.

    >>> rows = measure_priors(
    ...     np.array([[0.5, 0.0], [0.0, 2.0]]),
    ...     np.array([1, 1]),
    ...     find_temperature=lambda tau: 1.0,
    ...     shares=(0.8, 0.2),
    ...     thresholds=Thresholds(0.5, 0.7),
    ...     taus=(0.0, 1.0),
    ... )
    >>> [row.accuracy for row in rows]
    [0.5, 1.0]
    """
    rows = []
    faces = np.bincount(labels, minlength=logits.shape[1])
    weights = 1.0 / faces[labels]
    for tau in taus:
        shift = compute_prior_shift(shares, tau).astype(np.float64)
        shifted = logits / find_temperature(tau) - shift
        m = measure_metrics(shifted, labels)
        present = faces > 0
        # One more hit and one more miss than counted, because few faces prove no rate of 0 or 1.
        rate = (np.diag(m.confusion)[present] + 1) / (faces[present] + 2)
        errors = rate * (1 - rate) / faces[present]
        probabilities = compute_softmax(shifted)
        rows.append(
            PriorRow(
                tau=tau,
                accuracy=m.accuracy,
                standard_error=m.standard_error,
                mean_class_recall=m.mean_class_recall,
                recall_error=float(np.sqrt(errors.sum()) / present.sum()),
                ece=m.ece,
                balanced_ece=measure_weighted_ece(
                    probabilities.max(axis=1),
                    probabilities.argmax(axis=1) == labels,
                    weights / weights.sum(),
                ),
                nll=m.nll,
                sure=float(
                    are_sure(
                        probabilities, below=thresholds.below, above_nats=thresholds.above_nats
                    ).mean()
                ),
            )
        )
    return tuple(rows)


def measure_weighted_ece(
    confidence: Floats, right: NDArray[np.bool_], weights: Floats, bins: int = 15
) -> float:
    """Measures the expected calibration error of weighted samples, in bins of equal width.

    Args:
        confidence: `(N,)` in 0..1.
        right: `(N,)` True where the label is right.
        weights: `(N,)`, which sum to 1.
        bins: Count of bins.

    Returns:
        The error in 0..1.

    >>> measure_weighted_ece(np.array([0.75, 0.75]), np.array([True, False]), np.array([0.5, 0.5]))
    0.25
    """
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(index, weights * (right - confidence), minlength=bins)
    return float(np.abs(gaps).sum())


@dataclass(frozen=True, slots=True)
class DoubtReport:
    """The result of `measure_doubt`. The fields are keys of report.json.

    `selective` is by the largest probability. `said`, the faces that get a label, is None for a
    model without thresholds. `priors` is empty for a model that does not know its training priors.
    """

    selective: Selective
    said: LabelledFaces | None  # a key of report.json
    priors: tuple[PriorRow, ...]


def measure_doubt(
    logits: Floats,
    labels: Labels,
    *,
    find_temperature: Callable[[float], float],
    shares: Sequence[float],
    thresholds: Thresholds | None,
    tau: float = 0.0,
) -> DoubtReport:
    """Measures how well a model knows when it errs.

    Args:
        logits: `(N, K)`.
        labels: `(N,)`.
        find_temperature: Gives the divisor of the logits for each strength of a prior correction.
        shares: `(K,)` class shares in training; empty where they are not known.
        thresholds: The model's own; None where it has none.
        tau: The strength of the model's own prior correction.

    >>> report = measure_doubt(
    ...     np.array([[4.0, 0.0], [0.0, 0.1]]),
    ...     np.array([0, 1]),
    ...     find_temperature=lambda tau: 1.0,
    ...     shares=(),
    ...     thresholds=Thresholds(0.6, 0.6),
    ... )
    >>> report.said.share, report.selective.area, report.priors
    (0.5, 0.0, ())
    """
    temperature = find_temperature(tau)
    decided = correct_logits(logits, temperature=temperature, shares=shares, tau=tau)
    probabilities = compute_softmax(decided, temperature)
    labelled = None
    if thresholds is not None:
        labelled = measure_labelled(decided, labels, temperature=temperature, thresholds=thresholds)
    priors: tuple[PriorRow, ...] = ()
    if shares:
        priors = measure_priors(
            logits,
            labels,
            find_temperature=find_temperature,
            shares=shares,
            thresholds=thresholds or choose_thresholds(probabilities),
        )
    return DoubtReport(
        measure_selective(decided, labels, probabilities.max(axis=1)), labelled, priors
    )
