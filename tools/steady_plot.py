"""The plot of calm against promptness. Needs matplotlib, as `training.figures.style` does."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib import pyplot as plt

from training.figures.style import SERIES, save_figure

if TYPE_CHECKING:
    from tools.measure_steadiness import Figures


class Curve(NamedTuple):
    """`points`: (what is written beside it, its figures), in order."""

    name: str
    points: "Sequence[tuple[str, Figures]]"


def plot(
    path: Path,
    by_margin: Sequence[Curve],
    by_decided: Sequence[Curve],
    default: "Figures",
    *,
    aim: tuple[float, float],
) -> None:
    """Two panels, points by smoothing and by hold. `aim`: at most so many changes a minute, at most
    so many ms. What never shows has no place on the axis and is left out."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 5.4), sharey=True, layout="constrained")
    titles = ("points: smoothing", "points: hold")
    for axes, curves, title in zip(panels, (by_margin, by_decided), titles, strict=True):
        for colour, curve in zip(SERIES, curves, strict=False):
            shown = [(text, f) for text, f in curve.points if np.isfinite(f.late_ms)]
            x, y = [f.late_ms for _, f in shown], [f.calm for _, f in shown]
            axes.plot(x, y, "o-", color=colour, markersize=4, label=curve.name)
            if curve in (curves[0], curves[-1]):
                for text, f in shown:
                    axes.annotate(
                        text,
                        (f.late_ms, f.calm),
                        xytext=(4, 4),
                        textcoords="offset points",
                        fontsize=7,
                        color=colour,
                    )
        axes.plot(default.late_ms, default.calm, "r*", markersize=14, label="default")
        axes.axhline(aim[0], color="grey", linestyle="--", linewidth=1)
        axes.axvline(aim[1], color="grey", linestyle="--", linewidth=1)
        axes.set(xlabel="95 % of clear changes show within (ms)", title=title)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")
        axes.set_yscale("symlog", linthresh=1)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_ylim(bottom=-0.05)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
    panels[0].set_ylabel("label changes a minute of a still face (mean)")
    save_figure(figure, path)
