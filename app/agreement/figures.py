"""Figures of agreement from a table of labels, and intervals around them.

A table `(K, K)` counts how often the first coder said label i and the second label j. All formulas
take many tables at once, `(..., K, K)`, so that an interval is of the same figures as the value.
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
MIN_BLOCKS = 10  # with fewer, resampling says little about how the figures would vary
DRAWN_AT_ONCE = 4_000_000  # weights of blocks


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """Of one label: in how many units the human and we say it, and how often that is the same. None
    where that would divide by 0."""

    label: str
    human: int
    ours: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class AgreementFigures:
    """Of `count` units that both have labelled. None where chance alone explains everything, so
    that there is nothing to correct for, or where there are no units. `mean_f1` is over the labels
    that the human used."""

    count: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]  # row: human, column: ours
    accuracy: float | None
    kappa: float | None
    alpha: float | None
    mean_f1: float | None
    by_label: tuple[LabelFigures, ...]


@dataclass(frozen=True, slots=True)
class Intervals:
    """From where to where each figure lies, and the F1 of each label, by name. Empty where there
    are too few `blocks`."""

    blocks: int
    figures: dict[str, tuple[float, float]]
    f1: dict[str, tuple[float, float]]


def measure_pairs(pairs: Sequence[Pair]) -> AgreementFigures:
    counted = Counter(pairs)
    labels = sorted({label for pair in counted for label in pair})
    return measure_table(labels, np.array([[counted[a, b] for b in labels] for a in labels], float))


def measure_table(labels: Sequence[str], table: Numbers) -> AgreementFigures:
    """Computes all figures of `table (K, K)`. Labels that neither coder used are left out."""
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
    """Computes accuracy, Cohen's kappa (Educational and Psychological Measurement, 1960),
    Krippendorff's alpha for nominal data and two coders ("Computing Krippendorff's
    Alpha-Reliability", 2011) and the mean F1 of `tables (..., K, K)`, each `(...)`; NaN where one
    is not defined."""
    rows, columns = tables.sum(axis=-1), tables.sum(axis=-2)  # (..., K)
    n = rows.sum(axis=-1)
    right = np.trace(tables, axis1=-2, axis2=-1)
    values = rows + columns  # every label is a value of one coder; n units have 2 n of them
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
    """Computes precision, recall and F1 of each label of `tables (..., K, K)`, each `(..., K)`; NaN
    where one is not defined."""
    right = np.diagonal(tables, axis1=-2, axis2=-1)
    human, ours = tables.sum(axis=-1), tables.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "precision": right / ours,
            "recall": right / human,
            "f1": 2 * right / (human + ours),
        }


def estimate_intervals(labels: Sequence[str], blocks: Numbers, *, seed: int = 0) -> Intervals:
    """Computes 95 % intervals of the figures, for `blocks (B, K, K)`: the tables of stretches of
    the recording that may be taken as independent of one another, as frames may not.

    Percentiles of the figures of `RESAMPLINGS` samples, each of B blocks drawn with replacement
    (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993). The same for the same input.
    """
    blocks = blocks[blocks.sum(axis=(1, 2)) > 0]
    count = len(blocks)
    if count < MIN_BLOCKS:
        return Intervals(count, {}, {})
    generator = np.random.default_rng(seed)
    flat = blocks.reshape(count, -1)
    at_once = max(1, DRAWN_AT_ONCE // count)
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
    """Returns where the middle 95 % of `values (R,)` lie; None where more than one in 20 is NaN."""
    known = values[~np.isnan(values)]
    if len(known) < 0.95 * len(values):
        return None
    outer = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(known, [outer, 100 - outer]).tolist()
    return low, high
