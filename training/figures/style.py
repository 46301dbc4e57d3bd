"""Sets the colours and the resolution of all figures, and writes them. Needs matplotlib."""

import os
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from app.files.atomic import discard_partial

DPI = 120  # dots per inch
# Okabe & Ito's colours, told apart with any kind of colour vision.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#000000")


def save_figure(figure: Any, path: Path) -> None:
    """Writes a figure of matplotlib to `path`, whole or not at all, and closes it, also after an
    error. Raises `OSError`."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        figure.savefig(partial, dpi=DPI)
        os.replace(partial, path)
    finally:
        plt.close(figure)
        discard_partial(partial)
