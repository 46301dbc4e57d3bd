"""How well a model knows when it errs, and what follows: thresholds for "unsure" and the correction
of class priors. In numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.contract import are_sure, compute_entropy_nats
from app.recognition.classifier import compute_prior_shift
from training.measures.confidence_scores import Floats, count_kept_faces, find_keeping_score
from training.measures.metrics import compute_softmax, measure_metrics

Labels = NDArray[np.int64]

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
# Nine faces of ten get a label: the coverage at which accuracy is reported, too.
SURE_COVERAGE = 0.9
PROBABILITY_COVERAGE = 0.95
# Calibrated, a label of this probability is right twice in three times: nobody needs to be warned.
MAX_BELOW = 2 / 3
MIN_ABOVE_NATS = float(-(2 / 3) * np.log(2 / 3) - (1 / 3) * np.log(1 / 3))
TAUS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """The surest `coverage` of the faces: those whose score is at least `threshold`."""

    coverage: float
    threshold: float
    accuracy: float
    standard_error: float  # of the accuracy, binomial
    mean_class_recall: float  # of the classes that are left


@dataclass(frozen=True, slots=True)
class Selective:
    """`area`: under the risk-coverage curve, the mean error of the surest 1, 2, …, N faces (Geifman
    & El-Yaniv, "Selective Classification for Deep Neural Networks", NeurIPS 2017). `least_area` is
    that of a score which puts every error last. `curve`: (coverage, accuracy), thinned out."""

    points: tuple[CoveragePoint, ...]
    area: float
    least_area: float
    curve: tuple[tuple[float, float], ...]

    def at(self, coverage: float) -> CoveragePoint:
        """The point nearest to a coverage."""
        return min(self.points, key=lambda point: abs(point.coverage - coverage))


def measure_selective(logits: Floats, labels: Labels, score: Floats) -> Selective:
    """Accuracy against coverage. `score (N,)`, N >= 1; of equal scores the first come first."""
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
    """Where a contract's doubt begins: see `app.contract.are_sure`."""

    below: float
    above_nats: float


def choose_thresholds(probabilities: Floats) -> Thresholds:
    """What leaves nine of ten validation faces, `probabilities (N, K)`, their label. A share of
    faces means the same for every model, which a fixed probability does not, and it needs no guess
    of what else a camera will see.

    Half of the tenth goes to the least of the largest probability, which finds the errors best; the
    rest to the greatest entropy, which finds errors as well and what is no face much better
    (`training.non_faces` compares). Where few or easy faces would ask for near certainty, a label
    of 2/3, or what is left of two classes at 2 : 1, is sure enough. Rounded to the mild side.
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
    """The faces that get a label under a file's thresholds, and how good those labels are; figures
    are NaN where none does."""

    thresholds: Thresholds
    share: float
    accuracy: float
    standard_error: float
    mean_class_recall: float


def measure_labelled(
    logits: Floats, labels: Labels, *, temperature: float, thresholds: Thresholds
) -> LabelledFaces:
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
    """What a prior correction of strength `tau` does. `recall_error`: one standard error of the
    mean class recall, from the binomial ones of the classes. `balanced_ece` weighs every class as
    much as every other. `are_sure`: the share of faces that get a label."""

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
    temperature: float,
    shares: Sequence[float],
    thresholds: Thresholds,
    taus: Sequence[float] = TAUS,
) -> tuple[PriorRow, ...]:
    """`shares (K,)`: the training priors. The correction is the app's own."""
    rows = []
    faces = np.bincount(labels, minlength=logits.shape[1])
    weights = 1.0 / faces[labels]
    for tau in taus:
        shifted = logits / temperature - compute_prior_shift(shares, tau).astype(np.float64)
        m = measure_metrics(shifted, labels)
        present = faces > 0
        # One hit and one miss more than were seen: no class is known to fail or hit always.
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
    """Expected calibration error in equal-width bins where samples count as much as their
    `weights (N,)`, which sum to 1."""
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(index, weights * (right - confidence), minlength=bins)
    return float(np.abs(gaps).sum())


@dataclass(frozen=True, slots=True)
class DoubtReport:
    """`selective` is by the largest probability; `said` is None where the model has no thresholds;
    `priors` are empty where it does not know its training priors."""

    selective: Selective
    said: LabelledFaces | None
    priors: tuple[PriorRow, ...]


def measure_doubt(
    logits: Floats,
    labels: Labels,
    *,
    temperature: float,
    shares: Sequence[float],
    thresholds: Thresholds | None,
) -> DoubtReport:
    """`logits (N, K)`, `labels (N,)`, N >= 1. `shares (K,)`, or empty where they are not known."""
    probabilities = compute_softmax(logits, temperature)
    said = None
    if thresholds is not None:
        said = measure_labelled(logits, labels, temperature=temperature, thresholds=thresholds)
    priors: tuple[PriorRow, ...] = ()
    if shares:
        priors = measure_priors(
            logits,
            labels,
            temperature=temperature,
            shares=shares,
            thresholds=thresholds or choose_thresholds(probabilities),
        )
    return DoubtReport(measure_selective(logits, labels, probabilities.max(axis=1)), said, priors)
