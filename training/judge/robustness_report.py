"""Writes what `training.judge.robustness` found, of one model or of two, as text and figure.

Two models saw the same faces under the same damage, so their differences are paired: the standard
error of a difference comes from the differences of single faces, and that of a mean over
corruptions from each face's own mean over them.
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
from training.judge.corruptions import CORRUPTIONS, LEVELS, Corruption
from training.judge.robustness import Endured

MEANS = ("all", "seen", "unseen")


class Figure(NamedTuple):
    """A share in 0..1, or a difference of two, with its standard error."""

    value: float
    error: float


def over_faces(right: NDArray[np.float64]) -> Figure:
    """Accuracy from `right (N,)`: each face's score, or difference of scores."""
    return Figure(float(right.mean()), float(right.std() / np.sqrt(len(right))))


def over_classes(right: NDArray[np.float64], labels: NDArray[np.int64]) -> Figure:
    """Mean class recall, likewise; classes without faces take no part."""
    parts = [right[labels == k] for k in np.unique(labels)]
    variance = sum(float(part.var()) / len(part) for part in parts)
    mean = np.mean([part.mean() for part in parts])
    return Figure(float(mean), float(np.sqrt(variance)) / len(parts))


class RobustnessRow(NamedTuple):
    """What is said of one corruption at one strength (0: the mean over strengths), of all those of
    a group, or of clean faces. `figures`: accuracy and recall; beside another model also its
    other_accuracy and other_recall, and what ours has more: accuracy_gain and recall_gain."""

    name: str
    group: str  # seen, unseen, clean, mean
    strength: int
    value: float | None
    figures: dict[str, Figure]


def list_robustness_rows(mine: Endured, other: Endured | None = None) -> list[RobustnessRow]:
    """Clean faces, the means, then every corruption at every strength and on average. Beside
    another model: over the corruptions that both inputs can show."""

    def row(
        name: str,
        group: str,
        kinds: Sequence[Corruption],
        strength: int = 0,
        value: float | None = None,
    ) -> RobustnessRow:
        scores = {"": mine.score(kinds, strength)}
        if other is not None:
            scores["other_"] = other.score(kinds, strength)
        figures = {}
        for prefix, score in scores.items():
            figures[f"{prefix}accuracy"] = over_faces(score)
            figures[f"{prefix}recall"] = over_classes(score, mine.labels)
        if other is not None:
            gain = scores[""] - scores["other_"]
            figures["accuracy_gain"] = over_faces(gain)
            figures["recall_gain"] = over_classes(gain, mine.labels)
        return RobustnessRow(name, group, strength, value, figures)

    kinds = shared_kinds(mine, other)
    rows = [row("clean", "clean", ())]
    for name in MEANS:
        group = [kind for kind in kinds if name in ("all", group_of(kind))]
        if group:
            rows.append(row(f"mean of {name}", "mean", group))
    for kind in kinds:
        rows += [
            row(kind.name, group_of(kind), (kind,), level, value)
            for level, value in enumerate(kind.values, start=1)
        ]
        rows.append(row(kind.name, group_of(kind), (kind,)))
    return rows


def group_of(kind: Corruption) -> str:
    return "seen" if kind.seen else "unseen"


def shared_kinds(mine: Endured, other: Endured | None) -> tuple[Corruption, ...]:
    """Raises `DataError` when the two were not judged on the same faces."""
    if other is None:
        return mine.kinds
    if not np.array_equal(mine.labels, other.labels) or mine.seed != other.seed:
        raise DataError(f"{mine.model} and {other.model} were not judged on the same faces.")
    return tuple(kind for kind in mine.kinds if kind in other.kinds)


def left_out(mine: Endured, other: Endured | None) -> str | None:
    """A line on the kinds that no model, or not both, could be shown."""
    names = [c.name for c in CORRUPTIONS if c.needs_colour]
    grey = [e.model for e in (mine, other) if e is not None and e.colour == "grey"]
    return f"Left out for grey input ({', '.join(grey)}): {', '.join(names)}." if grey else None


def percent(figure: Figure, sign: bool = False) -> str:
    return f"{100 * figure.value:{'+' if sign else ''}.1f} ± {100 * figure.error:.1f}"


def format_robustness_page(mine: Endured, other: Endured | None = None) -> str:
    """The figures as a page."""
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
    lines += _grid(
        ["", *columns.values()],
        [
            [r.name, *(percent(r.figures[c], c.endswith("gain")) for c in columns)]
            for r in rows
            if r.group in ("clean", "mean")
        ],
    )
    if (line := left_out(mine, other)) is not None:
        lines += ["", line]
    titles = {"accuracy": "Accuracy", "recall": "Mean class recall"}
    if other is not None:
        titles["accuracy_gain"] = "Difference of accuracy, points"
    levels = [str(level) for level in range(1, LEVELS + 1)]
    for figure, title in titles.items():
        lines += ["", f"## {title}", ""]
        lines += _grid(["corruption", "", *levels, "mean"], list(_by_kind(rows, figure)))
    lines += ["", "## Strengths", ""]
    lines += _grid(
        ["corruption", "of what", *levels],
        [[k.name, k.unit, *(f"{v:g}" for v in k.values)] for k in shared_kinds(mine, other)],
    )
    return "\n".join(lines) + "\n"


def _grid(head: list[str], body: list[list[str]]) -> list[str]:
    """A Markdown table's lines."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body)]


def _by_kind(rows: list[RobustnessRow], figure: str) -> Iterator[list[str]]:
    """Name, group, the five strengths and their mean with its error."""
    gain = figure.endswith("gain")
    rest = [row for row in rows if row.group in ("seen", "unseen")]
    for begin in range(0, len(rest), LEVELS + 1):
        *levels, mean = rest[begin : begin + LEVELS + 1]
        values = [f"{100 * row.figures[figure].value:{'+' if gain else ''}.1f}" for row in levels]
        yield [mean.name, mean.group, *values, percent(mean.figures[figure], gain)]


def text(mine: Endured, other: Endured | None = None) -> str:
    """The figures for a terminal."""
    rows = list_robustness_rows(mine, other)
    lines = [f"{mine.model} under corruptions, accuracy in % at strengths 1 to 5 and their mean"]
    for name, group, *values, mean in _by_kind(rows, "accuracy"):
        lines.append(f"  {name:<16}{group:<8}" + "".join(f"{v:>6}" for v in values) + f"  {mean}")
    for row in rows:
        if row.group in ("clean", "mean"):
            line = (
                f"{row.name}: accuracy {percent(row.figures['accuracy'])} %, mean class recall "
                f"{percent(row.figures['recall'])} %"
            )
            if other is not None:
                gains = [percent(row.figures[f"{x}_gain"], True) for x in ("accuracy", "recall")]
                line += f"; {gains[0]} and {gains[1]} points against {other.model}"
            lines.append(line)
    if (note := left_out(mine, other)) is not None:
        lines.append(note)
    return "\n".join(lines)


def table_csv(mine: Endured, other: Endured | None = None) -> str:
    """One line a row of `list_robustness_rows`, shares in 0..1."""
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


def write_robustness(mine: Endured, other: Endured | None, folder: Path) -> list[str]:
    """Writes `corruptions.md`, `.csv` and `.png`; returns a line for what was left out. Raises
    `TrainingError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text_file(folder / "corruptions.md", format_robustness_page(mine, other))
        write_text_file(folder / "corruptions.csv", table_csv(mine, other))
        try:
            from training.figures.corruption import CorruptionPanel, draw_corruptions
        except ImportError:
            return ["The figure of corruptions was left out: matplotlib is not installed."]
        models = [mine] if other is None else [mine, other]
        panels = [
            CorruptionPanel(
                f"{kind.name}, {group_of(kind)}",
                tuple((model.model, model.curve(kind)) for model in models),
            )
            for kind in shared_kinds(mine, other)
        ]
        draw_corruptions(panels, folder / "corruptions.png")
    except OSError as cause:
        raise TrainingError(
            f"{folder} could not be written: {cause.strerror or cause}. Choose another -o."
        ) from cause
    return []
