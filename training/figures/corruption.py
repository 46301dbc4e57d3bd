"""Draws accuracy under corruptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from training.figures.style import SERIES, save_figure


@dataclass(frozen=True, slots=True)
class CorruptionPanel:
    """One corruption: for each model its name and `(6,)` accuracies in 0..1, of clean faces and
    at the five strengths."""

    title: str
    curves: tuple[tuple[str, NDArray[np.float64]], ...]


def draw_corruptions(panels: Sequence[CorruptionPanel], path: Path) -> None:
    """Draws accuracy against strength, a panel for each corruption; strength 0 is the clean
    face."""
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure, areas = plt.subplots(
        rows,
        columns,
        figsize=(2.6 * columns, 2.2 * rows + 0.4),
        layout="constrained",
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for area in areas.flat[len(panels) :]:
        area.axis("off")
    for area, panel in zip(areas.flat, panels, strict=False):
        for (model, curve), colour in zip(panel.curves, SERIES, strict=False):
            area.plot(100 * curve, "o-", color=colour, markersize=3, label=model)
        area.set_title(panel.title, fontsize=9)
        area.grid(color="#dddddd", linewidth=0.6)
    for area in areas[:, 0]:
        area.set(ylabel="accuracy, %")
    areas.flat[0].legend(frameon=False, fontsize=8, loc="lower left")
    figure.supxlabel("strength (0: clean)", fontsize=9)
    save_figure(figure, path)
