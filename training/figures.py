"""Pictures of an evaluation. Needs matplotlib, which training itself does without."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from training.metrics import Metrics

if TYPE_CHECKING:
    from training.attention_evidence import Evidence
    from training.robustness import Endured
    from training.variants import Look

DPI = 120


def confusion_figure(metrics: Metrics, labels: tuple[str, ...], path: Path) -> None:
    """The confusion matrix: colour is the share of the true class, numbers are faces."""
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
    save(figure, path)


def reliability_figure(metrics: Metrics, path: Path) -> None:
    """Accuracy against confidence in equal-width bins, with how many faces each holds."""
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
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path, dpi=DPI)
    finally:
        plt.close(figure)


def evidence_figure(
    crop: NDArray[np.uint8], seen: "Evidence", labels: tuple[str, ...], path: Path
) -> None:
    """One face: the crop `(S, S, C)`, the attention of each feature element, and the evidence for
    the three most probable classes with all elements and with those that the attention keeps."""
    top = np.argsort(seen.logits)[::-1][:3]
    figure, axes = plt.subplots(
        2, 4, figsize=(10.4, 5.8), layout="constrained", width_ratios=(1, 1, 1, 1)
    )
    grey = crop[:, :, 0] if crop.shape[2] == 1 else crop
    powers = np.exp(seen.logits - seen.logits.max())
    shares = powers / powers.sum()
    axes[0, 0].imshow(grey, cmap="gray", vmin=0, vmax=255)
    axes[0, 0].set(title="aligned face", xticks=[], yticks=[])
    ordered = np.sort(seen.attention)[::-1]
    axes[1, 0].fill_between(np.arange(len(ordered)), ordered, color="#0072B2", linewidth=0)
    axes[1, 0].axhline(0.5, color="black", linewidth=0.8, linestyle="--")
    axes[1, 0].set(
        title=f"{np.mean(ordered > 0.5):.0%} over one half\nmean {ordered.mean():.2f}",
        ylabel="attention",
        xlabel="feature elements, sorted",
        ylim=(0, 1),
        xlim=(0, len(ordered) - 1),
    )
    side = crop.shape[0]
    for row, (name, maps) in enumerate(
        (("all elements", seen.plain), ("elements kept", seen.attentive))
    ):
        limit = float(np.abs(maps[top]).max()) or 1.0
        for column, k in enumerate(top, start=1):
            area = axes[row, column]
            area.imshow(grey, cmap="gray", vmin=0, vmax=255)
            picture = area.imshow(
                maps[k],
                cmap="PuOr_r",
                vmin=-limit,
                vmax=limit,
                alpha=0.55,
                extent=(-0.5, side - 0.5, side - 0.5, -0.5),
                interpolation="bilinear",
            )
            area.set(xticks=[], yticks=[], title=f"{labels[k]} {shares[k]:.0%}\n{name}")
        figure.colorbar(picture, ax=axes[row, 1:], label="evidence", shrink=0.8)
    save(figure, path)


# Okabe & Ito's colours, told apart with any kind of colour vision.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#000000")


def comparison_figure(
    accuracy: dict[str, list[float]], recall: dict[str, list[float]], path: Path
) -> None:
    """Every run as a point, its variant's mean and 95 % interval beside them; lines join runs of
    one seed."""
    from training.comparison import Interval

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
            mean = Interval.of(row.tolist())
            half = 0.0 if np.isnan(mean.half) else mean.half
            area.errorbar(
                place + 0.18, mean.mean, half, fmt="s", color=colour, capsize=4, markersize=6
            )
        area.set_xticks(places, names, rotation=30, ha="right")
        area.set(ylabel=title, xlim=(-0.5, len(names) - 0.3))
    save(figure, path)


def embedding_figure(looks: "list[Look]", labels: tuple[str, ...], path: Path) -> None:
    """The validation faces' embeddings on their two widest directions, one panel a variant."""
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
    save(figure, path)


def attention_figure(looks: "list[Look]", path: Path) -> None:
    """Mean, spread, entropy and share of small weights over the epochs, on validation faces."""
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
    save(figure, path)


def profile_figure(looks: "list[Look]", labels: tuple[str, ...], path: Path) -> None:
    """Each class's mean attention as a row, feature elements sorted by their mean over classes."""
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
    save(figure, path)


def corruption_figure(mine: "Endured", other: "Endured | None", path: Path) -> None:
    """Accuracy against strength, one panel a corruption; 0 is the clean face."""
    from training.robustness_report import group_of, shared_kinds

    kinds = shared_kinds(mine, other)
    models = [mine] if other is None else [mine, other]
    columns = min(4, len(kinds))
    rows = -(-len(kinds) // columns)
    figure, areas = plt.subplots(
        rows,
        columns,
        figsize=(2.6 * columns, 2.2 * rows + 0.4),
        layout="constrained",
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for area in areas.flat[len(kinds) :]:
        area.axis("off")
    for area, kind in zip(areas.flat, kinds, strict=False):
        for endured, colour in zip(models, SERIES, strict=False):
            curve = [endured.clean.mean(), *endured.right[kind.name].mean(axis=1)]
            area.plot(100 * np.array(curve), "o-", color=colour, markersize=3, label=endured.model)
        area.set_title(f"{kind.name}, {group_of(kind)}", fontsize=9)
        area.grid(color="#dddddd", linewidth=0.6)
    for area in areas[:, 0]:
        area.set(ylabel="accuracy, %")
    areas.flat[0].legend(frameon=False, fontsize=8, loc="lower left")
    figure.supxlabel("strength (0: clean)", fontsize=9)
    save(figure, path)
