"""Runs a network or an exported file on the faces of a split."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from app.alignment import AlignmentTemplate, ColourMode
from app.errors import DataError, TrainingError
from app.recognition.classifier import Classifier
from app.recognition.mirrored import add_mirror_images
from training.base.device import normalise_batch
from training.base.progress import track_progress
from training.datasets.examples import (
    Examples,
    choose_argmax_labels,
    choose_majority_labels,
    load_examples,
)
from training.datasets.pack import Pack
from training.datasets.readers import NO_LABEL, Split
from training.network.model import DaclNet

BATCH = 256  # faces that a model reads at a time


def make_uint8_crops(examples: Examples, rows: torch.Tensor) -> NDArray[np.uint8]:
    """Makes the crops of the examples `rows` in whole grey levels, as the app hands them to the
    classifier.

    Args:
        examples: The faces.
        rows: `(B,)` int64.

    Returns:
        `(B, S, S, 3)` uint8 BGR; grey crops repeat their channel.

    >>> examples = Examples(
    ...     pictures=torch.full((4, 1, 48, 48), 7, dtype=torch.uint8),
    ...     sizes=torch.full((4, 2), 48, dtype=torch.int32),
    ...     matrices=torch.eye(2, 3).repeat(4, 1, 1),
    ...     soft=torch.eye(4),
    ...     labels=torch.arange(4),
    ...     size_px=48,
    ... )
    >>> crops = make_uint8_crops(examples, torch.tensor([0, 2]))
    >>> crops.shape, int(crops.min()), int(crops.max())
    ((2, 48, 48, 3), 7, 7)
    """
    crops = examples.cut_crops(rows).round().to(torch.uint8)
    planes = crops.expand(-1, 3, -1, -1) if crops.shape[1] == 1 else crops.flip(1)
    return np.ascontiguousarray(planes.permute(0, 2, 3, 1).cpu().numpy())


def iterate_batches(examples: Examples) -> Iterator[torch.Tensor]:
    """Iterates over the rows of all examples, `(B,)` int64, with a progress bar. Data that is read
    batch by batch is read ahead."""
    parts = torch.split(torch.arange(len(examples), device=examples.labels.device), BATCH)
    yield from track_progress(
        examples.decode_ahead(parts),
        total=len(parts),
        desc="faces",
        unit="batch",
        units="batches",
        leave=False,
    )


class NetReadings(NamedTuple):
    """A PyTorch network's results for N faces: `logits (N, K)` and `embeddings (N, d)`."""

    logits: NDArray[np.float64]
    embeddings: NDArray[np.float64]


@torch.no_grad()
def compute_net_readings(
    net: DaclNet, examples: Examples, *, mirrored: bool = False
) -> NetReadings:
    """Computes the results of a PyTorch network in evaluation mode, in fp32 on whole grey levels.

    Args:
        net: The network; it must be in evaluation mode.
        examples: N faces, on the network's device.
        mirrored: True reads the faces' mirror images.

    Raises:
        TrainingError: A logit is not finite.

    >>> examples = Examples(
    ...     pictures=torch.full((4, 1, 48, 48), 7, dtype=torch.uint8),
    ...     sizes=torch.full((4, 2), 48, dtype=torch.int32),
    ...     matrices=torch.eye(2, 3).repeat(4, 1, 1),
    ...     soft=torch.eye(4),
    ...     labels=torch.arange(4),
    ...     size_px=48,
    ... )
    >>> from training.network.model import ModelConfig
    >>> net = DaclNet(ModelConfig(width=8), channels=1, classes=3, size_px=48)
    >>> [part.shape for part in compute_net_readings(net.eval(), examples)]
    [(4, 3), (4, 64)]
    """
    parts = []
    for rows in iterate_batches(examples):
        crops = examples.cut_crops(rows).round()
        crops = crops.flip(3) if mirrored else crops
        parts.append(net(normalise_batch(crops), with_attention=False))
    logits = torch.cat([part.logits for part in parts])
    if not logits.isfinite().all():
        raise TrainingError("The network gives no finite numbers for some of the faces.")
    return NetReadings(
        logits.double().cpu().numpy(),
        torch.cat([part.embedding for part in parts]).double().cpu().numpy(),
    )


def compute_net_logits(net: DaclNet, examples: Examples) -> NDArray[np.float64]:
    """Computes the logits `(N, K)` of a PyTorch network for N faces, as `compute_net_readings`
    does."""
    return compute_net_readings(net, examples).logits


def compute_file_logits(classifier: Classifier, examples: Examples) -> NDArray[np.float64]:
    """Computes the logits of an exported file by the very classifier of the app.

    Args:
        classifier: The exported file.
        examples: N faces, cut by the file's own template and size.

    Returns:
        `(N, K)` float64.
    """
    parts = [
        classifier.run(make_uint8_crops(examples, rows)).logits
        for rows in iterate_batches(examples)
    ]
    return np.concatenate(parts).astype(np.float64)


def compute_file_embeddings(classifier: Classifier, examples: Examples) -> NDArray[np.float64]:
    """Computes the embeddings `(N, d)` of an exported file for N faces. Raises `ModelError` where
    the file has none."""
    parts = []
    for rows in iterate_batches(examples):
        found = classifier.run(make_uint8_crops(examples, rows), with_embedding=True).embedding
        assert found is not None
        parts.append(found)
    return np.concatenate(parts).astype(np.float64)


def compute_shown_logits(classifier: Classifier, examples: Examples) -> NDArray[np.float64]:
    """Computes the mean logits of each face and its mirror image, as the app reads pictures.

    Args:
        classifier: The exported file.
        examples: N faces, cut by the file's own template and size.

    Returns:
        `(N, K)` float64, without the prior correction.
    """
    parts = []
    for rows in iterate_batches(examples):
        both = classifier.run(add_mirror_images(make_uint8_crops(examples, rows))).logits
        parts.append((both[: len(rows)].astype(np.float64) + both[len(rows) :]) / 2)
    return np.concatenate(parts)


def load_judged_examples(
    pack: Pack, split: Split, template: AlignmentTemplate, size_px: int, colour: ColourMode
) -> tuple[Examples, NDArray[np.int64]]:
    """Loads the pictures of a split that have a plain winner of the votes.

    Returns:
        (the examples with the winner as label, `(N,)` majority labels). Some majority labels are
            `NO_LABEL`.

    Raises:
        DataError: No picture has a majority label.
    """
    examples = load_examples(
        pack, split, template=template, size_px=size_px, colour=colour, labels_from="argmax"
    )
    votes = pack.votes[pack.find_rows(split)]
    classes = len(pack.meta.labels)
    winners = choose_argmax_labels(votes, classes) != NO_LABEL
    majority = choose_majority_labels(votes[winners], classes, pack.meta.protocol)
    if (majority == NO_LABEL).all():
        raise DataError(f"No picture of the {split} split has a majority label.")
    return examples, majority
