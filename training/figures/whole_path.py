"""Draws the share of faces that each step from frame to label keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import pyplot as plt

from training.figures.style import SERIES, save_figure


@dataclass(frozen=True, slots=True)
class PathPanel:
    """One kind of hardship: the names of its strengths and, for each, shares in 0..1 of faces
    that are found, right by the cached crop, right by the whole path, and given a label."""

    kind: str
    names: tuple[str, ...]
    found: tuple[float, ...]
    right_by_crop: tuple[float, ...]
    right_by_path: tuple[float, ...]
    labelled: tuple[float, ...]


def draw_whole_path(panels: Sequence[PathPanel], path: Path) -> None:
    """Draws, a panel for each kind, the share of faces found, both accuracies, and the share of
    labels."""
    figure, areas = plt.subplots(
        1,
        len(panels),
        figsize=(4 * len(panels), 3.6),
        layout="constrained",
        sharey=True,
        squeeze=False,
    )
    for area, panel in zip(areas.flat, panels, strict=True):
        places = range(len(panel.names))
        for colour, label, values in (
            (SERIES[5], "found", panel.found),
            (SERIES[6], "accuracy, cached crops", panel.right_by_crop),
            (SERIES[0], "accuracy, whole path", panel.right_by_path),
            (SERIES[1], "get a label", panel.labelled),
        ):
            area.plot(places, values, "o-", color=colour, label=label, markersize=4)
        area.set_xticks(places, panel.names, rotation=40, ha="right")
        area.set(title=panel.kind, ylim=(0, 1.02))
        area.grid(alpha=0.3)
    areas[0, 0].legend(frameon=False, fontsize=8, loc="lower right")
    save_figure(figure, path)
