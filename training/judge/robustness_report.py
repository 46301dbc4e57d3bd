"""Writes the results of `training.judge.robustness`, of one model or of two, as text and figure.

Two models read the same faces under the same damage, so their differences are paired. The standard
error of a difference comes from the differences of single faces; that of a mean over corruptions
comes from each face's own mean over them.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.errors import DataError, TrainingError
from training.base.files import write_text_file
from training.judge.corruptions import LEVELS, Corruption
from training.judge.robustness import RobustnessResult

MEANS = ("all", "seen", "unseen")  # groups of corruptions with a mean of their own
GROUPS = ("seen", "unseen", "colour")  # of corruptions


class Estimate(NamedTuple):
    """A share in 0..1, or a difference of two shares, with its standard error."""

    value: float
    error: float


def estimate_over_faces(right: NDArray[np.float64]) -> Estimate:
    """Estimates accuracy from the scores of N faces.

    Args:
        right: `(N,)` each face's score, or difference of scores.

    >>> estimate_over_faces(np.array([1.0, 0.0, 1.0, 0.0]))
    Estimate(value=0.5, error=0.25)
    """
    return Estimate(float(right.mean()), float(right.std() / np.sqrt(len(right))))


def estimate_over_classes(right: NDArray[np.float64], labels: NDArray[np.int64]) -> Estimate:
    """Estimates mean class recall from the scores of N faces. Classes without faces do not count.

    Args:
        right: `(N,)` each face's score, or difference of scores.
        labels: `(N,)` the faces' classes.

    Returns:
        The mean over classes, with its standard error.

    >>> estimate_over_classes(np.array([1.0, 1.0, 1.0, 0.0]), np.array([0, 0, 0, 1]))
    Estimate(value=0.5, error=0.0)
    """
    parts = [right[labels == k] for k in np.unique(labels)]
    variance = sum(float(part.var()) / len(part) for part in parts)
    mean = np.mean([part.mean() for part in parts])
    return Estimate(float(mean), float(np.sqrt(variance)) / len(parts))


class RobustnessRow(NamedTuple):
    """The figures of one corruption at one strength (0: the mean over strengths), of all
    corruptions of a group, or of clean faces. `figures` holds accuracy and recall; beside another
    model also its other_accuracy and other_recall, and the differences accuracy_gain and
    recall_gain."""

    name: str
    group: str  # seen, unseen, colour, clean, mean
    strength: int
    value: float | None
    figures: dict[str, Estimate]


def list_robustness_rows(
    mine: RobustnessResult, other: RobustnessResult | None = None
) -> list[RobustnessRow]:
    """Lists the rows: clean faces, the means, then every corruption at every strength and on
    average. The means leave out corruptions of colour, which hardly touch a grey input."""

    def make_row(
        name: str,
        group: str,
        kinds: Sequence[Corruption],
        strength: int = 0,
        value: float | None = None,
    ) -> RobustnessRow:
        scores = {"": mine.compute_scores(kinds, strength)}
        if other is not None:
            scores["other_"] = other.compute_scores(kinds, strength)
        figures = {}
        for prefix, score in scores.items():
            figures[f"{prefix}accuracy"] = estimate_over_faces(score)
            figures[f"{prefix}recall"] = estimate_over_classes(score, mine.labels)
        if other is not None:
            gain = scores[""] - scores["other_"]
            figures["accuracy_gain"] = estimate_over_faces(gain)
            figures["recall_gain"] = estimate_over_classes(gain, mine.labels)
        return RobustnessRow(name, group, strength, value, figures)

    kinds = find_shared_kinds(mine, other)
    rows = [make_row("clean", "clean", ())]
    for name in MEANS:
        group = [
            kind for kind in kinds if not kind.needs_colour and name in ("all", name_group(kind))
        ]
        if group:
            rows.append(make_row(f"mean of {name}", "mean", group))
    for kind in kinds:
        rows += [
            make_row(kind.name, name_group(kind), (kind,), level, value)
            for level, value in enumerate(kind.values, start=1)
        ]
        rows.append(make_row(kind.name, name_group(kind), (kind,)))
    return rows


def name_group(kind: Corruption) -> str:
    """Names the group of a corruption: "colour", or else "seen" where training prepares for it and
    "unseen" where it does not."""
    if kind.needs_colour:
        return "colour"
    return "seen" if kind.in_training else "unseen"


def find_shared_kinds(
    mine: RobustnessResult, other: RobustnessResult | None
) -> tuple[Corruption, ...]:
    """Finds the corruptions that both models were judged under. Raises `DataError` where they were
    not judged on the same faces."""
    if other is None:
        return mine.kinds
    if not np.array_equal(mine.labels, other.labels) or mine.seed != other.seed:
        raise DataError(f"{mine.model} and {other.model} were not judged on the same faces.")
    return tuple(kind for kind in mine.kinds if kind in other.kinds)


def format_estimate(figure: Estimate, sign: bool = False) -> str:
    """Formats an estimate in per cent with its standard error.

    >>> format_estimate(Estimate(0.5, 0.012)), format_estimate(Estimate(0.01, 0.002), sign=True)
    ('50.0 ± 1.2', '+1.0 ± 0.2')
    """
    return f"{100 * figure.value:{'+' if sign else ''}.1f} ± {100 * figure.error:.1f}"


def format_robustness_page(mine: RobustnessResult, other: RobustnessResult | None = None) -> str:
    """Formats the results as a Markdown page."""
    rows = list_robustness_rows(mine, other)
    lines = [
        f"# {mine.model} under corruptions",
        "",
        f"{len(mine.labels)} faces with a majority label of {mine.dataset}'s {mine.split} split, "
        f"{mine.size_px} px {mine.colour}, seed {mine.seed}; sha256 `{mine.sha256}`.",
        "",
        "Kinds and strengths are those of `training/judge/corruptions.py`, after Hendrycks & "
        "Dietterich, ICLR 2019; training's degradations have no kind like the unseen ones. "
        "Percent; ± is one standard error over faces.",
        "",
    ]
    columns = {"accuracy": "accuracy", "recall": "mean class recall"}
    if other is not None:
        lines += [
            f"Against {other.model} ({other.size_px} px {other.colour}, sha256 `{other.sha256}`); "
            "differences are paired by face.",
            "",
        ]
        columns = {
            "accuracy": f"accuracy, {mine.model}",
            "other_accuracy": other.model,
            "accuracy_gain": "difference",
            "recall": f"mean class recall, {mine.model}",
            "other_recall": other.model,
            "recall_gain": "difference",
        }
    lines += _format_grid(
        ["", *columns.values()],
        [
            [r.name, *(format_estimate(r.figures[c], c.endswith("gain")) for c in columns)]
            for r in rows
            if r.group in ("clean", "mean")
        ],
    )
    titles = {"accuracy": "Accuracy", "recall": "Mean class recall"}
    if other is not None:
        titles["accuracy_gain"] = "Difference of accuracy, points"
    levels = [str(level) for level in range(1, LEVELS + 1)]
    for figure, title in titles.items():
        lines += ["", f"## {title}", ""]
        lines += _format_grid(
            ["corruption", "", *levels, "mean"], list(_list_cells_by_kind(rows, figure))
        )
    lines += ["", "## Strengths", ""]
    lines += _format_grid(
        ["corruption", "of what", *levels],
        [[k.name, k.unit, *(f"{v:g}" for v in k.values)] for k in find_shared_kinds(mine, other)],
    )
    return "\n".join(lines) + "\n"


def _format_grid(head: list[str], body: list[list[str]]) -> list[str]:
    """Formats the lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body)]


def _list_cells_by_kind(rows: list[RobustnessRow], figure: str) -> Iterator[list[str]]:
    """Lists for each kind its name, its group, the five strengths and their mean with its error."""
    gain = figure.endswith("gain")
    rest = [row for row in rows if row.group in GROUPS]
    for begin in range(0, len(rest), LEVELS + 1):
        *levels, mean = rest[begin : begin + LEVELS + 1]
        values = [f"{100 * row.figures[figure].value:{'+' if gain else ''}.1f}" for row in levels]
        yield [mean.name, mean.group, *values, format_estimate(mean.figures[figure], gain)]


def format_robustness_text(mine: RobustnessResult, other: RobustnessResult | None = None) -> str:
    """Formats the results for a terminal."""
    rows = list_robustness_rows(mine, other)
    lines = [f"{mine.model} under corruptions, accuracy in % at strengths 1 to 5 and their mean"]
    for name, group, *values, mean in _list_cells_by_kind(rows, "accuracy"):
        lines.append(f"  {name:<16}{group:<8}" + "".join(f"{v:>6}" for v in values) + f"  {mean}")
    for row in rows:
        if row.group in ("clean", "mean"):
            line = (
                f"{row.name}: accuracy {format_estimate(row.figures['accuracy'])} %, mean class "
                f"recall {format_estimate(row.figures['recall'])} %"
            )
            if other is not None:
                gains = [
                    format_estimate(row.figures[f"{x}_gain"], True) for x in ("accuracy", "recall")
                ]
                line += f"; {gains[0]} and {gains[1]} points against {other.model}"
            lines.append(line)
    return "\n".join(lines)


def format_robustness_csv(mine: RobustnessResult, other: RobustnessResult | None = None) -> str:
    """Formats the rows of `list_robustness_rows` as CSV, shares in 0..1."""
    rows = list_robustness_rows(mine, other)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    figures = [column for name in rows[0].figures for column in (name, f"{name}_error")]
    writer.writerow(["corruption", "group", "strength", "value", *figures])
    for row in rows:
        cells: list[object] = [row.name, row.group, row.strength or "mean"]
        cells.append("" if row.value is None else f"{row.value:g}")
        cells += [f"{number:.5f}" for figure in row.figures.values() for number in figure]
        writer.writerow(cells)
    return out.getvalue()


def write_robustness(
    mine: RobustnessResult, other: RobustnessResult | None, folder: Path
) -> list[str]:
    """Writes `corruptions.md`, `.csv` and `.png` into `folder`; returns a line for each output that
    was left out. Raises `TrainingError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text_file(folder / "corruptions.md", format_robustness_page(mine, other))
        write_text_file(folder / "corruptions.csv", format_robustness_csv(mine, other))
        try:
            from training.figures.corruption import CorruptionPanel, draw_corruptions
        except ImportError:
            return ["The figure of corruptions was left out: matplotlib is not installed."]
        models = [mine] if other is None else [mine, other]
        panels = [
            CorruptionPanel(
                f"{kind.name}, {name_group(kind)}",
                tuple((model.model, model.compute_curve(kind)) for model in models),
            )
            for kind in find_shared_kinds(mine, other)
        ]
        draw_corruptions(panels, folder / "corruptions.png")
    except OSError as cause:
        raise TrainingError(
            f"{folder} could not be written: {cause.strerror or cause}. Choose another -o."
        ) from cause
    return []
