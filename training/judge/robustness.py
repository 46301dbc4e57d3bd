"""Reads every face of a split under every kind and strength of `training.judge.corruptions`.

The damage follows from the seed, the kind and the face, not from the model, so that two models meet
the same damage. `training.judge.robustness_report` reports the results.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.alignment import LUMA_BGR, AlignmentTemplate, ColourMode
from app.errors import DataError, TrainingError
from app.files.hashing import sha256_of_file
from app.recognition.classifier import Classifier
from app.types import Floats
from training.base.device import ComputeDevice, normalise_batch
from training.base.progress import track_progress
from training.checkpoints.checkpoint import load_trained
from training.datasets.crops import compose_maps, warp_batch
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack
from training.datasets.readers import Split
from training.judge.corruptions import CORRUPTIONS, LEVELS, ChangePixels, Corruption

# Faces damaged at a time. The damage of a face depends on its batch, so that another value gives
# other figures.
BATCH = 128
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ModelReader:
    """A model, ready to read crops. `logits` maps crops `(n, S, S, C)` uint8, RGB or grey, to `(n,
    K)`."""

    name: str
    sha256: str
    labels: tuple[str, ...]
    template: AlignmentTemplate
    size_px: int
    colour: ColourMode
    logits: Callable[[NDArray[np.uint8]], Floats]


def open_reader(model: Path, device: str = "cpu") -> ModelReader:
    """Opens an exported file by the app's own classifier, or a checkpoint's network. Raises
    `ModelError`, `TrainingError` or `DeviceError`."""
    if model.suffix == ".onnx":
        classifier = Classifier(model, device="cpu" if device == "cpu" else "cuda")
        contract = classifier.contract

        def run_file(crops: NDArray[np.uint8]) -> Floats:
            bgr = crops[..., ::-1] if crops.shape[3] == 3 else crops.repeat(3, axis=3)
            return classifier.run(bgr).logits

        facts = (contract.labels, contract.template, contract.size_px, contract.colour)
        return ModelReader(model.name, sha256_of_file(model), *facts, run_file)
    place = ComputeDevice.choose(device, "fp32", compile_net=False).device
    trained = load_trained(model)
    net, train = trained.net.to(place), trained.config.train

    @torch.no_grad()
    def run_net(crops: NDArray[np.uint8]) -> Floats:
        x = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).to(place)
        logits = net(normalise_batch(x.float()), with_attention=False).logits
        return np.asarray(logits.float().cpu().numpy())

    return ModelReader(
        model.name,
        sha256_of_file(model),
        trained.facts.labels,
        train.template,
        train.size_px,
        train.colour,
        run_net,
    )


@dataclass(frozen=True, slots=True)
class RobustnessResult:
    """The results of one model. `labels (N,)` are the faces' classes; `clean (N,)` and, for each
    kind by its name, `right (5, N)` tell whether a face was read right. `kinds` are the kinds that
    were tried."""

    model: str
    sha256: str
    dataset: str
    split: Split
    seed: int
    size_px: int
    colour: ColourMode
    kinds: tuple[Corruption, ...]
    labels: NDArray[np.int64]
    clean: Bools
    right: dict[str, Bools]

    def compute_scores(self, kinds: Sequence[Corruption], strength: int = 0) -> NDArray[np.float64]:
        """Computes for each face, `(N,)`, the share of the corruptions `kinds` under which it is
        read right, at a strength in 1..5 (0: over all strengths). Without `kinds`, the score is 1
        where the clean face is read right, else 0."""
        if not kinds:
            return self.clean.astype(np.float64)
        levels = slice(strength - 1, strength) if strength else slice(None)
        return np.asarray(np.mean([self.right[k.name][levels].mean(axis=0) for k in kinds], axis=0))

    def compute_curve(self, kind: Corruption) -> NDArray[np.float64]:
        """Computes the accuracy on clean faces and at each strength of a corruption, `(6,)`."""
        return np.array([self.clean.mean(), *self.right[kind.name].mean(axis=1)])


def check_labels(reader: ModelReader, pack: Pack) -> None:
    """Checks that the model's labels are the data's. Raises `DataError`."""
    if set(reader.labels) != set(pack.meta.labels):
        raise DataError(
            f"{reader.name} knows {', '.join(reader.labels)}; the data has "
            f"{', '.join(pack.meta.labels)}."
        )


def judge_robustness(
    pack: Pack,
    reader: ModelReader,
    split: Split,
    *,
    seed: int = 0,
    faces: int | None = None,
    corruptions: tuple[Corruption, ...] = CORRUPTIONS,
) -> RobustnessResult:
    """Reads every face of the split that has a majority label, clean and under every corruption.

    Args:
        pack: The prepared data.
        reader: The model.
        split: The validation or the training split.
        seed: The seed of the corruptions' random choices.
        faces: Only this many faces, evenly spread; None takes all.
        corruptions: The kinds to try.

    Raises:
        DataError: The model's labels are not the data's.
        TrainingError: The split is the test split.
    """
    if split == "test":
        raise TrainingError(
            "Corruptions are judged on the validation or the training split, not on the test split."
        )
    check_labels(reader, pack)
    examples = load_examples(
        pack,
        split,
        template=reader.template,
        size_px=reader.size_px,
        colour=reader.colour,
        labels_from="majority",
    )
    chosen = spread_rows(len(examples), faces)
    labels = examples.labels[chosen].numpy()
    column = [reader.labels.index(label) for label in pack.meta.labels]
    clean = np.zeros(len(chosen), np.bool_)
    right = {kind.name: np.zeros((LEVELS, len(chosen)), np.bool_) for kind in corruptions}
    for place, kind, level, crops in iterate_corrupted_crops(
        examples, chosen, reader.template, corruptions, seed
    ):
        found = reader.logits(crops)[:, column].argmax(axis=1) == labels[place]
        if kind is None:
            clean[place] = found
        else:
            right[kind.name][level, place] = found
    facts = (reader.name, reader.sha256, pack.meta.dataset, split, seed)
    return RobustnessResult(
        *facts, reader.size_px, reader.colour, corruptions, labels, clean, right
    )


def spread_rows(count: int, faces: int | None) -> torch.Tensor:
    """Spreads `faces` rows evenly over `count`; takes all where there are no more.

    Returns:
        `(n,)` int64, ascending.

    >>> spread_rows(10, 4).tolist(), spread_rows(2, 4).tolist()
    ([0, 2, 5, 7], [0, 1])
    """
    if faces is None or faces >= count:
        return torch.arange(count)
    return torch.arange(faces) * count // faces


def iterate_corrupted_crops(
    examples: Examples,
    chosen: torch.Tensor,
    template: AlignmentTemplate,
    kinds: tuple[Corruption, ...],
    seed: int,
) -> Iterator[tuple[slice, Corruption | None, int, NDArray[np.uint8]]]:
    """Damages the chosen examples batch by batch.

    Args:
        examples: The pictures.
        chosen: `(M,)` int64 row numbers of examples.
        template: The template that the crops are cut by.
        kinds: The corruptions.
        seed: With a corruption's name and a batch's number, the seed of the damage.

    Yields:
        The batch's slice of `chosen`, the corruption (None: clean), its strength 0..4, and the
            crops `(n, S, S, C)` uint8, grey or RGB. Each batch begins with the clean crops.

    >>> from app.alignment import FACE_TEMPLATE
    >>> examples = Examples(
    ...     pictures=torch.full((2, 1, 8, 8), 100, dtype=torch.uint8),
    ...     sizes=torch.full((2, 2), 8, dtype=torch.int32),
    ...     matrices=torch.eye(3)[:2].repeat(2, 1, 1),
    ...     soft=torch.eye(2),
    ...     labels=torch.arange(2),
    ...     size_px=8,
    ... )
    >>> kind = next(one for one in CORRUPTIONS if one.pixels is not None)
    >>> made = iterate_corrupted_crops(examples, torch.tensor([1]), FACE_TEMPLATE, (kind,), 0)
    >>> [(level, crops.shape) for place, damage, level, crops in made if damage is None]
    [(0, (1, 8, 8, 1))]
    """
    parts = torch.split(chosen, BATCH)
    bar = track_progress(
        examples.decode_ahead(parts),
        total=len(parts),
        desc="corruptions",
        unit="batch",
        units="batches",
        leave=False,
    )
    for number, rows in enumerate(bar):
        place = slice(number * BATCH, number * BATCH + len(rows))
        pictures, sizes = examples.pictures[rows], examples.sizes[rows]
        matrices, size = examples.matrices[rows], examples.size_px
        plain = _to_channels_last(warp_batch(pictures, sizes, matrices, size).round())
        yield place, None, 0, _to_uint8(plain)
        for kind in kinds:
            for level, value in enumerate(kind.values):
                generator = np.random.default_rng([seed, zlib.crc32(kind.name.encode()), number])
                if kind.pixels is not None and kind.needs_colour:
                    crops = _damage_colours(plain, kind.pixels, value, generator)
                elif kind.pixels is not None:
                    crops = kind.pixels(plain, value, generator)
                elif kind.covers is not None:
                    crops = kind.covers(plain, value, template, generator)
                else:
                    assert kind.moves is not None
                    move = torch.from_numpy(kind.moves(len(rows), value, size, template, generator))
                    moved = compose_maps(move.to(matrices.dtype), matrices)
                    crops = _to_channels_last(warp_batch(pictures, sizes, moved, size))
                yield place, kind, level, _to_uint8(crops)


def _damage_colours(
    crops: Floats, damage: ChangePixels, value: float, generator: np.random.Generator
) -> Floats:
    """Damages crops `(n, S, S, C)` of 0..255 in colour. Grey ones are what a camera's colours turn
    into where the app makes them grey."""
    if crops.shape[3] == 3:
        return damage(crops, value, generator)
    coloured = np.clip(damage(np.repeat(crops, 3, axis=3), value, generator), 0, 255)
    return np.asarray(coloured @ LUMA_BGR[::-1], np.float32)[..., None]


def _to_channels_last(crops: torch.Tensor) -> Floats:
    """Turns `(n, C, S, S)` into `(n, S, S, C)`."""
    return np.ascontiguousarray(crops.permute(0, 2, 3, 1).numpy())


def _to_uint8(crops: Floats) -> NDArray[np.uint8]:
    """Rounds to whole levels and clips to 0..255."""
    return np.clip(np.rint(crops), 0, 255).astype(np.uint8)
