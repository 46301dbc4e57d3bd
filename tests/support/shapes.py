"""A data set that a tiny network learns in a second: bright discs, crosses and frames."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training import train
from training.datasets.pack import PackedSample, PackMeta
from training.datasets.pack_writer import write_pack
from training.datasets.readers import SPLITS, Split
from training.datasets.webp import encode_webp

LABELS = ("frame", "disc", "cross")  # not in alphabetical order: names count, not places
SIDE_PX = 24
COUNTS: dict[Split, int] = {"train": 96, "valid": 30, "test": 30}

# Command line of a run that learns them; plain arithmetic, the same bits every time.
MACHINE = ("--device", "cpu", "--precision", "fp32")
RECIPE = (
    *("--width", "8", "--blocks", "1", "--size-px", "24", "--batch-size", "16"),
    *("--epochs", "12", "--learning-rate", "0.1", "--average", "0.9", "--dropout", "0"),
    *("--rotation-deg", "0", "--scale", "0", "--light", "0.1", "--erase", "0", "--mixup", "0"),
)


def draw(label: str, generator: np.random.Generator, noise: float) -> NDArray[np.uint8]:
    """`(SIDE_PX, SIDE_PX)` grey; `noise` in grey levels."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] + 0.5
    centre_x, centre_y = generator.uniform(10, 14, 2)
    radius = generator.uniform(5, 8)
    dx, dy = abs(x - centre_x), abs(y - centre_y)
    inside = {
        "disc": np.hypot(dx, dy) < radius,
        "cross": np.minimum(dx, dy) < radius / 4,
        "frame": abs(np.maximum(dx, dy) - 0.8 * radius) < 0.2 * radius,
    }[label]
    light, dark = generator.uniform(150, 230), generator.uniform(20, 90)
    picture = np.where(inside, light, dark) + generator.normal(0, noise, inside.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def write_shapes(path: Path, *, seed: int = 0, noise: float = 8.0) -> Path:
    """A prepared file with every label equally often in each split."""
    generator = np.random.default_rng(seed)
    samples = [
        PackedSample(
            webp=encode_webp(draw(LABELS[number % 3], generator, noise)),
            split=split,
            votes=np.eye(3, dtype=np.uint8)[number % 3],
            landmarks=np.full((6, 2), np.nan, np.float32),
            name=f"{split}{number}",
        )
        for split in SPLITS
        for number in range(COUNTS[split])
    ]
    write_pack(path, PackMeta("shapes", "single", LABELS, LABELS, {"seed": seed}), samples)
    return path


def train_shapes(npz: Path, folder: Path, *options: str) -> Path:
    """Runs the training command; later options win over the recipe's."""
    assert train.main([str(npz), "-o", str(folder), *MACHINE, *RECIPE, *options]) == 0
    return folder
