"""Draws how accuracy depends on doubt."""

from pathlib import Path

from matplotlib import pyplot as plt

from training.figures.style import SERIES, save_figure
from training.measures.doubt import SURE_COVERAGE, Selective


def draw_coverage(doubt: Selective, path: Path) -> None:
    """Draws the accuracy of the surest faces against their share."""
    figure, axes = plt.subplots(figsize=(4.8, 3.8), layout="constrained")
    coverage, accuracy = zip(*doubt.curve, strict=True)
    axes.plot(coverage, accuracy, color=SERIES[0])
    point = doubt.find_point(SURE_COVERAGE)
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
    save_figure(figure, path)
