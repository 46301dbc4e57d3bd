"""Times exported models in turn, and compares what they say."""

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
from training.datasets.pack import read_pack
from training.judge.latency import (
    Milliseconds,
    Spread,
    face_work,
    ratio,
    take_turns,
)
from training.judge.predictions import uint8_crops

PARITY_BATCH = 256
NOISE_CROPS = 512


@dataclass(frozen=True, slots=True)
class CostRow:
    """One model in one batch size. `face` is milliseconds a face; `ratios` are its time over that
    of each model it is held against."""

    name: str
    size_px: int
    megabytes: float
    face: Spread
    ratios: tuple[Spread, ...]


def costs(
    models: Mapping[str, Classifier],
    against: Sequence[str],
    batch: int,
    *,
    rounds: int,
    at_most_s: float,
) -> tuple[list[CostRow], int]:
    """(a row for each model, rounds taken); `against` names the models that are held against."""
    works = {name: face_work(classifier, batch) for name, classifier in models.items()}
    times: dict[str, Milliseconds] = take_turns(works, rounds, at_most_s=at_most_s)
    rows = [
        CostRow(
            name=name,
            size_px=classifier.contract.size_px,
            megabytes=classifier.path.stat().st_size / 1e6,
            face=Spread.of(times[name] / batch),
            ratios=tuple(ratio(times[name], times[other]) for other in against),
        )
        for name, classifier in models.items()
    ]
    return rows, len(next(iter(times.values())))


def format_costs(rows: Sequence[CostRow], against: Sequence[str]) -> str:
    """Markdown: medians, with the middle eight tenths in brackets."""
    head = ["model", "input, px", "MB", "ms a face", *(f"× {name}" for name in against)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [row.name, f"{row.size_px}", f"{row.megabytes:.1f}", row.face.says()]
        cells += [each.says(3 if each.median < 0.1 else 2) for each in row.ratios]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def crops_of(data: Path | None, contract: Contract) -> NDArray[np.uint8]:
    """`(N, S, S, 3)` BGR: validation faces of a prepared file, or noise of many kinds of grain."""
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
        return uint8_crops(valid, torch.arange(len(valid)))
    random = np.random.default_rng(0)
    side = contract.size_px
    grains = [max(1, side // cells) for cells in (2, 4, 8, side)]
    crops = []
    for number in range(NOISE_CROPS):
        grain = grains[number % len(grains)]
        cells = random.integers(0, 256, (-(-side // grain),) * 2 + (3,), np.uint8)
        crops.append(cells.repeat(grain, 0).repeat(grain, 1)[:side, :side])
    return np.stack(crops)


def largest_difference(a: Classifier, b: Classifier, crops: NDArray[np.uint8]) -> float:
    """The largest of any probability of any of the crops."""
    parts = np.array_split(crops, -(-len(crops) // PARITY_BATCH))
    return max(float(np.abs(a.predict(part) - b.predict(part)).max()) for part in parts)


def names_of(files: Sequence[Path]) -> list[str]:
    """File names, or whole paths where two files share a name. Raises `TrainingError`."""
    short = [path.name for path in files]
    names = short if len(set(short)) == len(short) else [str(path) for path in files]
    if len(set(names)) < len(names):
        raise TrainingError("The same model file was given twice. Give each once.")
    return names
