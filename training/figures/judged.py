"""Draws the results of an evaluation."""

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from training.figures.style import save_figure
from training.measures.metrics import Metrics


def draw_confusion(metrics: Metrics, labels: tuple[str, ...], path: Path) -> None:
    """Draws the confusion matrix; colour is the share of the true class, numbers are faces."""
    counts = np.array(metrics.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.62 * len(labels)
    figure, axes = plt.subplots(figsize=(side, side * 0.92), layout="constrained")
    picture = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    ticks = range(len(labels))
    axes.set_xticks(ticks, labels, rotation=40, ha="right")
    names = [f"{name} ({sum(row)})" for name, row in zip(labels, counts, strict=True)]
    axes.set_yticks(ticks, names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true (faces)")
    axes.set_title(
        f"accuracy {100 * metrics.accuracy:.1f} %, mean class recall "
        f"{metrics.mean_class_recall:.2f}"
    )
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            axes.text(
                column,
                row,
                str(counts[row, column]),
                ha="center",
                va="center",
                fontsize=8,
                color="black" if shares[row, column] > 0.55 else "white",
            )
    figure.colorbar(picture, ax=axes, label="share of the true class", shrink=0.8)
    save_figure(figure, path)


def draw_reliability(metrics: Metrics, path: Path) -> None:
    """Draws accuracy against confidence in bins of equal width, above the count of faces in
    each."""
    filled = [b for b in metrics.reliability if b.count]
    width = metrics.reliability[0].high
    middles = [(b.low + b.high) / 2 for b in filled]
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(4.8, 5.6), height_ratios=(3, 1), sharex=True, layout="constrained"
    )
    top.bar(
        middles,
        [b.accuracy for b in filled],
        width,
        color="#56B4E9",
        edgecolor="white",
        label="accuracy",
    )
    top.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--", label="perfect")
    top.plot(
        [b.confidence for b in filled],
        [b.accuracy for b in filled],
        "o",
        color="#D55E00",
        markersize=4,
        label="at the mean confidence",
    )
    top.set(ylabel="accuracy", ylim=(0, 1), title=f"ECE {metrics.ece:.3f} (15 bins)")
    top.legend(loc="upper left", frameon=False)
    bottom.bar(middles, [b.count for b in filled], width, color="#0072B2", edgecolor="white")
    bottom.set(xlabel="confidence", ylabel="faces", xlim=(0, 1))
    save_figure(figure, path)
