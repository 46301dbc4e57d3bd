"""Draws the evidence for the classes of one face."""

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from training.figures.style import save_figure


def draw_evidence(
    crop: NDArray[np.uint8],
    labels: tuple[str, ...],
    path: Path,
    *,
    logits: NDArray[np.float64],
    attention: NDArray[np.float64],
    plain: NDArray[np.float64],
    attentive: NDArray[np.float64],
) -> None:
    """Draws one face and the evidence for its three most probable classes.

    Args:
        crop: `(S, S, C)` uint8, the aligned face.
        labels: The K classes' names.
        path: The picture to write.
        logits: `(K,)`.
        attention: `(d,)` weight of each feature element, in 0..1.
        plain: `(K, h, w)` evidence with all elements.
        attentive: `(K, h, w)` evidence with the elements that the attention keeps.
    """
    top = np.argsort(logits)[::-1][:3]
    figure, axes = plt.subplots(
        2, 4, figsize=(10.4, 5.8), layout="constrained", width_ratios=(1, 1, 1, 1)
    )
    grey = crop[:, :, 0] if crop.shape[2] == 1 else crop
    powers = np.exp(logits - logits.max())
    shares = powers / powers.sum()
    axes[0, 0].imshow(grey, cmap="gray", vmin=0, vmax=255)
    axes[0, 0].set(title="aligned face", xticks=[], yticks=[])
    ordered = np.sort(attention)[::-1]
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
    for row, (name, maps) in enumerate((("all elements", plain), ("elements kept", attentive))):
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
    save_figure(figure, path)
