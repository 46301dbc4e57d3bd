"""Times exported models in turn, and compares their probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.contract import Contract
from app.errors import TrainingError
from app.recognition.classifier import Classifier
from training.datasets.examples import load_examples
from training.datasets.pack_reader import read_pack
from training.judge.latency import (
    Milliseconds,
    Spread,
    compute_ratio,
    make_face_work,
    take_turns,
)
from training.judge.predictions import make_uint8_crops

PARITY_BATCH = 256  # crops compared at a time
NOISE_CROPS = 512


@dataclass(frozen=True, slots=True)
class CostRow:
    """The cost of a model in one batch size. `face` is the time in ms a face; `ratios` divide the
    model's time by the time of each model in the comparison's `against`."""

    name: str
    size_px: int
    megabytes: float
    face: Spread
    ratios: tuple[Spread, ...]


def measure_costs(
    models: Mapping[str, Classifier],
    against: Sequence[str],
    batch: int,
    *,
    rounds: int,
    at_most_s: float,
) -> tuple[list[CostRow], int]:
    """Times the models in turn, on batches of `batch` faces.

    Args:
        models: The models by name.
        against: Names of the models that all are compared with.
        batch: Faces at a time.
        rounds: Turns of each model.
        at_most_s: No new round begins after this many seconds.

    Returns:
        (a row for each model, the rounds that were taken).
    """
    works = {name: make_face_work(classifier, batch) for name, classifier in models.items()}
    times: dict[str, Milliseconds] = take_turns(works, rounds, at_most_s=at_most_s)
    rows = [
        CostRow(
            name=name,
            size_px=classifier.contract.size_px,
            megabytes=classifier.path.stat().st_size / 1e6,
            face=Spread.from_values(times[name] / batch),
            ratios=tuple(compute_ratio(times[name], times[other]) for other in against),
        )
        for name, classifier in models.items()
    ]
    return rows, len(next(iter(times.values())))


def format_costs(rows: Sequence[CostRow], against: Sequence[str]) -> str:
    """Formats the rows as a Markdown table: medians, with the middle eight tenths in brackets."""
    head = ["model", "input, px", "MB", "ms a face", *(f"× {name}" for name in against)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [row.name, f"{row.size_px}", f"{row.megabytes:.1f}", row.face.format()]
        cells += [each.format(3 if each.median < 0.1 else 2) for each in row.ratios]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def load_crops(data: Path | None, contract: Contract) -> NDArray[np.uint8]:
    """Loads the validation faces of a prepared file, or makes noise of several grains where `data`
    is None.

    Returns:
        `(N, S, S, 3)` uint8 BGR.
    """
    if data is not None:
        pack = read_pack(data)
        valid = load_examples(
            pack,
            "valid",
            template=contract.template,
            size_px=contract.size_px,
            colour=contract.colour,
            labels_from="majority",
        )
        return make_uint8_crops(valid, torch.arange(len(valid)))
    random = np.random.default_rng(0)
    side = contract.size_px
    grains = [max(1, side // cells) for cells in (2, 4, 8, side)]
    crops = []
    for number in range(NOISE_CROPS):
        grain = grains[number % len(grains)]
        cells = random.integers(0, 256, (-(-side // grain),) * 2 + (3,), np.uint8)
        crops.append(cells.repeat(grain, 0).repeat(grain, 1)[:side, :side])
    return np.stack(crops)


def find_largest_difference(a: Classifier, b: Classifier, crops: NDArray[np.uint8]) -> float:
    """Finds the largest difference between the probabilities of two models.

    Args:
        a: A model.
        b: Another model of the same labels and input size.
        crops: `(N, S, S, 3)` uint8 BGR.

    Returns:
        The largest absolute difference over crops and classes.

    >>> from app.recognition.classifier import DEFAULT_MODEL
    >>> classifier = Classifier(DEFAULT_MODEL, device="cpu")
    >>> crops = load_crops(None, classifier.contract)[:4]
    >>> find_largest_difference(classifier, classifier, crops)
    0.0
    """
    parts = np.array_split(crops, -(-len(crops) // PARITY_BATCH))
    return max(float(np.abs(a.predict(part) - b.predict(part)).max()) for part in parts)


def name_models(files: Sequence[Path]) -> list[str]:
    """Names the files: by file name, or by whole path where two files share a name. Raises
    `TrainingError` where a file is given twice.

    >>> name_models([Path("a/m.onnx"), Path("b/n.onnx")])
    ['m.onnx', 'n.onnx']
    """
    short = [path.name for path in files]
    names = short if len(set(short)) == len(short) else [str(path) for path in files]
    if len(set(names)) < len(names):
        raise TrainingError("The same model file was given twice. Give each once.")
    return names
