"""Draws the results of comparing variants."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from training.figures.style import SERIES, save_figure
from training.measures.comparison import Interval, VariantFigures


def draw_comparison(
    accuracy: dict[str, list[float]], recall: dict[str, list[float]], path: Path
) -> None:
    """Draws every run as a point, beside the mean and 95 % interval of its variant. Lines join runs
    of one seed.

    Args:
        accuracy: For each variant its runs' accuracies, in 0..1, in the order of the seeds.
        recall: Mean class recalls in the same form.
        path: The picture to write.
    """
    names = list(accuracy)
    width = max(6.0, 1.1 * len(names) + 2.5)
    figure, areas = plt.subplots(1, 2, figsize=(width, 4.2), layout="constrained")
    for area, values, title in zip(
        areas, (accuracy, recall), ("accuracy, %", "mean class recall, %"), strict=True
    ):
        table = 100 * np.array([values[name] for name in names])  # (variants, seeds)
        places = np.arange(len(names))
        area.plot(places, table, color="#bbbbbb", linewidth=0.8, zorder=1)
        for place, row, colour in zip(places, table, SERIES * 9, strict=False):
            area.plot([place] * len(row), row, "o", color=colour, markersize=4, alpha=0.6)
            mean = Interval.from_values(row.tolist())
            half = 0.0 if np.isnan(mean.half) else mean.half
            area.errorbar(
                place + 0.18, mean.mean, half, fmt="s", color=colour, capsize=4, markersize=6
            )
        area.set_xticks(places, names, rotation=30, ha="right")
        area.set(ylabel=title, xlim=(-0.5, len(names) - 0.3))
    save_figure(figure, path)


def draw_embeddings(looks: Sequence[VariantFigures], labels: tuple[str, ...], path: Path) -> None:
    """Draws the validation faces' embeddings on their two widest directions, a panel for each
    variant."""
    columns = min(3, len(looks))
    rows = -(-len(looks) // columns)
    figure, areas = plt.subplots(
        rows, columns, figsize=(4 * columns, 3.8 * rows), layout="constrained", squeeze=False
    )
    for area in areas.flat[len(looks) :]:
        area.axis("off")
    for area, look in zip(areas.flat, looks, strict=False):
        for k, label in enumerate(labels):
            x, y = look.places[look.labels == k].T
            area.plot(x, y, ".", markersize=2, color=SERIES[k % len(SERIES)], label=label)
        area.set(title=look.name, xticks=[], yticks=[])
    areas.flat[0].legend(fontsize=7, markerscale=4, frameon=False, loc="best")
    save_figure(figure, path)


def draw_attention_curves(looks: Sequence[VariantFigures], path: Path) -> None:
    """Draws mean, spread, entropy and share of small weights of the attention over the epochs."""
    names = {
        "attention_mean": "mean",
        "attention_spread": "spread",
        "attention_entropy": "entropy, nats",
        "attention_low": "share under 0.1",
    }
    figure, areas = plt.subplots(2, 2, figsize=(8, 5.4), layout="constrained", sharex=True)
    for area, (key, title) in zip(areas.flat, names.items(), strict=True):
        for number, look in enumerate(looks):
            if look.profiles is not None:
                epochs = [line["epoch"] for line in look.lines]
                curve = [line[key] for line in look.lines]
                area.plot(epochs, curve, color=SERIES[number % len(SERIES)], label=look.name)
        area.set(title=title)
    for area in areas[1]:
        area.set(xlabel="epoch")
    areas.flat[0].legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def draw_attention_profiles(
    looks: Sequence[VariantFigures], labels: tuple[str, ...], path: Path
) -> None:
    """Draws each class's mean attention as a row; feature elements are sorted by their mean over
    classes."""
    shown = [look for look in looks if look.profiles is not None]
    figure, areas = plt.subplots(
        len(shown), 1, figsize=(9, 0.8 + 2.4 * len(shown)), layout="constrained", squeeze=False
    )
    for area, look in zip(areas.flat, shown, strict=True):
        assert look.profiles is not None
        order = np.argsort(np.nanmean(look.profiles, axis=0))[::-1]
        picture = area.imshow(
            look.profiles[:, order], aspect="auto", cmap="cividis", interpolation="nearest"
        )
        area.set_yticks(range(len(labels)), labels)
        area.set(title=f"{look.name}: mean attention", xlabel="feature elements, sorted")
        figure.colorbar(picture, ax=area)
    save_figure(figure, path)
