"""Curves of doubt and of the whole path. Needs matplotlib, as `training.figures` does."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import pyplot as plt

from training.doubt import SURE_COVERAGE, Selective
from training.figures import SERIES, save

if TYPE_CHECKING:
    from training.path_report import Row


def coverage_figure(doubt: Selective, path: Path) -> None:
    """Accuracy of the faces that the model is surest of, against their share."""
    figure, axes = plt.subplots(figsize=(4.8, 3.8), layout="constrained")
    coverage, accuracy = zip(*doubt.curve, strict=True)
    axes.plot(coverage, accuracy, color=SERIES[0])
    point = doubt.at(SURE_COVERAGE)
    axes.plot(point.coverage, point.accuracy, "o", color=SERIES[1])
    axes.annotate(
        f"{100 * point.accuracy:.1f} % at {100 * point.coverage:.0f} %",
        (point.coverage, point.accuracy),
        xytext=(-8, 10),
        textcoords="offset points",
        ha="right",
    )
    axes.set(
        xlabel="share of faces that get a label (the surest)",
        ylabel="accuracy of those",
        xlim=(0, 1.02),
        title=f"area under the risk-coverage curve {doubt.area:.4f}",
    )
    axes.grid(alpha=0.3)
    save(figure, path)


def path_figure(rows: "Sequence[Row]", path: Path) -> None:
    """One panel a kind: the share of faces found, accuracy over all, and that of the crops."""
    kinds = list(dict.fromkeys(row.kind for row in rows))
    figure, areas = plt.subplots(
        1,
        len(kinds),
        figsize=(4 * len(kinds), 3.6),
        layout="constrained",
        sharey=True,
        squeeze=False,
    )
    for area, kind in zip(areas.flat, kinds, strict=True):
        own = [row for row in rows if row.kind == kind]
        places = range(len(own))
        for colour, label, values in (
            (SERIES[5], "found", [row.found for row in own]),
            (SERIES[6], "accuracy, cached crops", [row.crop_accuracy for row in own]),
            (SERIES[0], "accuracy, whole path", [row.accuracy for row in own]),
            (SERIES[1], "get a label", [row.said for row in own]),
        ):
            area.plot(places, values, "o-", color=colour, label=label, markersize=4)
        area.set_xticks(places, [row.name for row in own], rotation=40, ha="right")
        area.set(title=kind, ylim=(0, 1.02))
        area.grid(alpha=0.3)
    areas[0, 0].legend(frameon=False, fontsize=8, loc="lower right")
    save(figure, path)
