"""Computes figures of agreement from tables of labels, and intervals around the figures.

Cell (i, j) of a table `(K, K)` counts how often the first coder gave label i and the second coder
label j. All formulas take many tables at once, `(..., K, K)`, so that values and intervals come
from the same code.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pair = tuple[str, str]  # human's label, ours
Numbers = NDArray[np.float64]

RESAMPLINGS = 2000
CONFIDENCE = 0.95
MIN_BLOCKS = 10  # with fewer, resampling tells little about how the figures would vary
MAX_WEIGHTS_AT_ONCE = 4_000_000  # drawn weights of blocks, about 32 MB
MIN_KNOWN_SHARE = 0.95  # of the resamplings for which a figure must be defined


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """The agreement on one label. `human` and `ours` count the units to which each side gave the
    label. A figure is None if its divisor is 0."""

    label: str
    human: int
    ours: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class AgreementFigures:
    """The agreement on `count` units that both sides have labelled.

    `confusion` counts the units by the human's label (row) and ours (column). `mean_f1` is the mean
    over the labels that the human used. A figure is None if there are no units; kappa and alpha
    also if all units have the same label, so that there is no chance agreement to correct for.
    """

    count: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: float | None
    kappa: float | None
    alpha: float | None
    mean_f1: float | None
    by_label: tuple[LabelFigures, ...]


@dataclass(frozen=True, slots=True)
class Intervals:
    """The intervals (low, high) of each of the `figures` and of each label's `f1`, by name. Both
    are empty if there are fewer than `MIN_BLOCKS` blocks."""

    blocks: int
    figures: dict[str, tuple[float, float]]
    f1: dict[str, tuple[float, float]]


def measure_pairs(pairs: Sequence[Pair]) -> AgreementFigures:
    """Computes all figures of units with two labels each, the human's and ours.

    >>> measure_pairs([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")]).kappa
    0.5
    """
    counts = Counter(pairs)
    labels = sorted({label for pair in counts for label in pair})
    return measure_table(labels, np.array([[counts[a, b] for b in labels] for a in labels], float))


def measure_table(labels: Sequence[str], table: Numbers) -> AgreementFigures:
    """Computes all figures of one table.

    Args:
        labels: The K labels.
        table: Counts of units by the human's label and ours, `(K, K) float64`.

    Returns:
        The figures. Labels that neither side used are left out.

    >>> measure_table(["a", "b"], np.array([[1.0, 1.0], [0.0, 2.0]])).accuracy
    0.75
    """
    if not table.sum():
        return AgreementFigures(0, (), (), None, None, None, None, ())
    used = np.flatnonzero(table.sum(axis=0) + table.sum(axis=1)).tolist()
    table = table[np.ix_(used, used)]
    names = tuple(labels[k] for k in used)
    found = {name: _none_if_nan(value) for name, value in compute_whole_figures(table).items()}
    each = compute_label_figures(table)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    return AgreementFigures(
        count=int(table.sum()),
        labels=names,
        confusion=tuple(tuple(int(cell) for cell in row) for row in table),
        **found,
        by_label=tuple(
            LabelFigures(
                name,
                int(rows[k]),
                int(columns[k]),
                **{figure: _none_if_nan(values[k]) for figure, values in each.items()},
            )
            for k, name in enumerate(names)
        ),
    )


def _none_if_nan(value: np.floating | Numbers) -> float | None:
    return None if np.isnan(value) else float(value)


def compute_whole_figures(tables: Numbers) -> dict[str, Numbers]:
    """Computes the figures of whole tables.

    These are the accuracy, Cohen's kappa (Educational and Psychological Measurement, 1960),
    Krippendorff's alpha for nominal data and two coders ("Computing Krippendorff's
    Alpha-Reliability", 2011) and the mean F1 over the labels that the first coder used.

    Args:
        tables: Counts, `(..., K, K) float64`.

    Returns:
        `accuracy`, `kappa`, `alpha` and `mean_f1`, each `(...)`; NaN if not defined.

    >>> found = compute_whole_figures(np.array([[20.0, 5.0], [10.0, 15.0]]))
    >>> round(float(found["accuracy"]), 3), round(float(found["kappa"]), 3)
    (0.7, 0.4)
    """
    rows, columns = tables.sum(axis=-1), tables.sum(axis=-2)  # (..., K)
    n = rows.sum(axis=-1)
    right = np.trace(tables, axis1=-2, axis2=-1)
    values = rows + columns  # how often either coder gave the label; n units have 2 n values
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = right / n
        expected = (rows * columns).sum(axis=-1) / n**2
        by_chance = ((2 * n) ** 2 - (values**2).sum(axis=-1)) / (2 * n * (2 * n - 1))
        kappa = np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)
        alpha = np.where(by_chance > 0, 1 - (1 - observed) / by_chance, np.nan)
        f1 = 2 * np.diagonal(tables, axis1=-2, axis2=-1) / values
        used = rows > 0
        mean_f1 = np.where(used, f1, 0).sum(axis=-1) / used.sum(axis=-1)
    return {"accuracy": observed, "kappa": kappa, "alpha": alpha, "mean_f1": mean_f1}


def compute_label_figures(tables: Numbers) -> dict[str, Numbers]:
    """Computes the figures of each label, with the first coder's labels as the truth.

    Args:
        tables: Counts, `(..., K, K) float64`.

    Returns:
        `precision`, `recall` and `f1`, each `(..., K)`; NaN if not defined.

    >>> compute_label_figures(np.array([[3.0, 1.0], [0.0, 4.0]]))["recall"].tolist()
    [0.75, 1.0]
    """
    right = np.diagonal(tables, axis1=-2, axis2=-1)
    human, ours = tables.sum(axis=-1), tables.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "precision": right / ours,
            "recall": right / human,
            "f1": 2 * right / (human + ours),
        }


def estimate_intervals(labels: Sequence[str], blocks: Numbers, *, seed: int = 0) -> Intervals:
    """Estimates 95 % intervals of the figures by resampling blocks of the recording.

    Blocks count as independent of one another; frames do not, because neighbours are alike. The
    interval of a figure lies between percentiles of its values in `RESAMPLINGS` samples of B blocks
    each, drawn with replacement (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
    The same input gives the same result.

    Args:
        labels: The K labels.
        blocks: The table of each block, `(B, K, K) float64`.
        seed: The seed of the drawing.

    >>> agreed = np.repeat(np.diag([3.0, 2.0])[None], 10, axis=0)
    >>> estimate_intervals(["a", "b"], agreed).figures["accuracy"]
    (1.0, 1.0)
    """
    blocks = blocks[blocks.sum(axis=(1, 2)) > 0]
    count = len(blocks)
    if count < MIN_BLOCKS:
        return Intervals(count, {}, {})
    generator = np.random.default_rng(seed)
    flat = blocks.reshape(count, -1)
    at_once = max(1, MAX_WEIGHTS_AT_ONCE // count)
    drawn = [
        generator.multinomial(count, np.full(count, 1 / count), min(at_once, RESAMPLINGS - begin))
        @ flat
        for begin in range(0, RESAMPLINGS, at_once)
    ]
    tables = np.concatenate(drawn).reshape(-1, *blocks.shape[1:])
    f1 = compute_label_figures(tables)["f1"]
    return Intervals(
        count,
        {name: found for name, v in compute_whole_figures(tables).items() if (found := _middle(v))},
        {name: found for k, name in enumerate(labels) if (found := _middle(f1[:, k]))},
    )


def _middle(values: Numbers) -> tuple[float, float] | None:
    """Returns the borders of the middle 95 % of `values (R,)`; None if too many are NaN."""
    known = values[~np.isnan(values)]
    if len(known) < MIN_KNOWN_SHARE * len(values):
        return None
    outer = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(known, [outer, 100 - outer]).tolist()
    return low, high
