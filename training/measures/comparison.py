"""Compares runs: intervals over seeds, differences paired by seed, and the page that shows them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.files.csv_text import escape_cell


@dataclass(frozen=True, slots=True)
class VariantResult:
    """The figures of one run on the validation split, after its last epoch. Attention figures are
    NaN for a loss without attention. `rule_` figures are those with the decision rule that
    `choose_rule` finds on the same faces, read once.

    The fields are the keys of a run's result file and the columns of the CSV.
    """

    variant: str
    seed: int
    accuracy: float
    mean_class_recall: float
    macro_f1: float
    nll: float
    intra: float
    inter: float
    ratio: float
    attention_mean: float
    attention_spread: float
    attention_spread_of_samples: float
    attention_entropy: float
    attention_low: float
    rule_tau: float
    rule_accuracy: float
    rule_recall: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean of `count` runs and half the width of its 95 % confidence interval (Student's t).
    `half` is NaN for a single run."""

    mean: float
    half: float
    count: int

    @classmethod
    def from_values(cls, values: Sequence[float]) -> "Interval":
        """Computes the interval of one figure over runs.

        Args:
            values: One number a run, at least one.

        >>> Interval.from_values([0.7, 0.8, 0.9]).format()
        '80.00 ± 24.84'
        """
        n = len(values)
        half = float("nan")
        if n > 1:
            from scipy.stats import t

            half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
        return cls(float(np.mean(values)), half, n)

    def format(self, scale: float = 100.0, digits: int = 2, sign: bool = False) -> str:
        """Formats the mean and, where there is one, the half width.

        Args:
            scale: Factor on both; 100 turns shares into percent.
            digits: Digits behind the point.
            sign: True writes a plus before a positive mean.
        """
        mean = f"{scale * self.mean:{'+' if sign else ''}.{digits}f}"
        return mean if np.isnan(self.half) else f"{mean} ± {scale * self.half:.{digits}f}"


def list_values(results: Sequence[VariantResult], variant: str, name: str) -> list[float]:
    """Lists the figure `name` of every run of a variant, in the order of the seeds."""
    rows = sorted((r for r in results if r.variant == variant), key=lambda r: r.seed)
    return [getattr(row, name) for row in rows]


def measure_difference(results: Sequence[VariantResult], a: str, b: str, name: str) -> Interval:
    """Computes the interval of a figure of variant `a` minus that of `b`, paired by seed."""
    return Interval.from_values(
        np.subtract(list_values(results, a, name), list_values(results, b, name)).tolist()
    )


def describe_difference(interval: Interval) -> str:
    """Tells whether a difference's interval lies above 0, below 0 or around it.

    >>> describe_difference(Interval(0.02, 0.01, 3)), describe_difference(Interval(0.02, 0.03, 3))
    ('better', 'no difference shown')
    """
    if np.isnan(interval.half):
        return "one run tells nothing"
    if interval.mean - interval.half > 0:
        return "better"
    return "worse" if interval.mean + interval.half < 0 else "no difference shown"


def build_comparison_page(
    results: Sequence[VariantResult],
    variants: Sequence[str],
    *,
    dataset: str,
    command: str,
    faces: int,
    against: str | None = None,
) -> str:
    """Builds the comparison of variants as a page of Markdown.

    Args:
        results: All runs.
        variants: The variants in the order of the rows.
        dataset: Name of the data set.
        command: The command that compared, for the page's head.
        faces: Count of validation faces.
        against: Compares all variants with this one alone; None compares all pairs.
    """
    lines = [
        f"# Compared on {dataset}, validation split",
        "",
        f"`{command}`",
        "",
        f"{faces} faces. The network after its last epoch; mean over the seeds ± half the 95 % "
        "confidence interval (Student's t). All variants of a seed begin with the same weights and "
        "see the same pictures in the same order.",
        "",
        "| variant | runs | accuracy, % | mean class recall, % | macro F1, % | NLL | "
        "intra / inter |",
        "|---|---|---|---|---|---|---|",
    ]

    def interval(variant: str, name: str) -> Interval:
        return Interval.from_values(list_values(results, variant, name))

    lines += [
        f"| {v} | {interval(v, 'accuracy').count} | {interval(v, 'accuracy').format()} | "
        f"{interval(v, 'mean_class_recall').format()} | {interval(v, 'macro_f1').format()} | "
        f"{interval(v, 'nll').format(1, 3)} | {interval(v, 'ratio').format(1, 3)} |"
        for v in variants
    ]
    lines += [
        "",
        "Intra / inter: mean distance of a face's embedding to its class's mean, over the mean "
        "distance between two classes' means.",
        "",
        "| difference, paired by seed | accuracy, points | | mean class recall, points | |",
        "|---|---|---|---|---|",
    ]
    pairs = [(b, a) for b, a in combinations(variants, 2)]
    if against is not None:
        pairs = [(against, variant) for variant in variants if variant != against]
    for b, a in pairs:
        accuracy = measure_difference(results, a, b, "accuracy")
        recall = measure_difference(results, a, b, "mean_class_recall")
        lines.append(
            f"| {a} − {b} | {accuracy.format(sign=True)} | {describe_difference(accuracy)} | "
            f"{recall.format(sign=True)} | {describe_difference(recall)} |"
        )
    lines += [
        "",
        "With the decision rule of `training.export`, chosen on the same faces:",
        "",
        "| variant | τ | accuracy, % | mean class recall, % |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {v} | {interval(v, 'rule_tau').format(1)} | {interval(v, 'rule_accuracy').format()} | "
        f"{interval(v, 'rule_recall').format()} |"
        for v in variants
    ]
    lines += ["", "| difference with the rule | mean class recall, points | |", "|---|---|---|"]
    for b, a in pairs:
        recall = measure_difference(results, a, b, "rule_recall")
        lines.append(f"| {a} − {b} | {recall.format(sign=True)} | {describe_difference(recall)} |")
    attentive = [v for v in variants if not np.isnan(interval(v, "attention_mean").mean)]
    if attentive:
        lines += [
            "",
            "| attention at the end | mean | spread | over faces | entropy, nats | under 0.1 |",
            "|---|---|---|---|---|---|",
        ]
    for v in attentive:
        names = ("mean", "spread", "spread_of_samples", "entropy", "low")
        row = " | ".join(interval(v, f"attention_{name}").format(1, 3) for name in names)
        lines.append(f"| {v} | {row} |")
    return "\n".join(lines) + "\n"


def format_results_csv(results: Sequence[VariantResult]) -> str:
    """Formats runs as CSV with a header, a row for each run; numbers have six significant
    digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(VariantResult)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {
            name: f"{v:.6g}"
            if isinstance(v, float)
            else escape_cell(v)
            if isinstance(v, str)
            else v
            for name, v in asdict(result).items()
        }
        for result in results
    )
    return text.getvalue()


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """The arrays that the figures draw of one run.

    `places (N, 2)` are embeddings on their two widest directions, `labels (N,)` their classes.
    `profiles (K, d)`, each class's mean attention, is None without attention. `lines` are the
    epochs' log lines.
    """

    name: str
    places: NDArray[np.float64]
    labels: NDArray[np.int64]
    profiles: NDArray[np.float64] | None
    lines: list[dict[str, Any]]
