"""Draws deletion curves."""

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from training.figures.style import SERIES, save_figure
from training.measures.deletion_curves import AREA_NAMES, AREAS, SHARES, TARGETS, CurveKey, Curves
from training.measures.masking import FILLING_NAMES, FILLINGS


def draw_deletion_curves(found: Curves, path: Path) -> None:
    """Draws the class's mean probability against the share covered, with 95 % intervals.

    A line is an order of covering; rows are target classes, columns are fillings.
    """
    figure, areas = plt.subplots(2, 2, figsize=(9, 7.2), layout="constrained", sharex=True)
    covered = 100 * np.array(SHARES)
    for row, target in zip(areas, TARGETS, strict=True):
        for panel, filling in zip(row, FILLINGS, strict=True):
            for area, colour in zip(AREAS, SERIES, strict=False):
                shares = np.exp(found[CurveKey(target, filling, area)])  # (N, T)
                mean = shares.mean(axis=0)
                half = 1.96 * shares.std(axis=0) / np.sqrt(len(shares))
                panel.plot(covered, mean, color=colour, label=AREA_NAMES[area])
                panel.fill_between(
                    covered, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0
                )
            panel.set(title=f"{target} class, {FILLING_NAMES[filling]}", ylim=(0, 1))
            panel.grid(alpha=0.3)
        row[0].set_ylabel("its mean probability")
    for panel in areas[1]:
        panel.set_xlabel("area covered, %")
    areas[0, 1].legend(frameon=False, fontsize=8)
    save_figure(figure, path)
