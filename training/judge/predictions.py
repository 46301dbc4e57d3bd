"""Reads the faces of a split with a network or an exported file."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from app.alignment import AlignmentTemplate, ColourMode
from app.errors import DataError
from app.recognition.classifier import Classifier
from training.base.device import normalise_batch
from training.base.progress import track_progress
from training.datasets.examples import (
    NO_LABEL,
    Examples,
    choose_argmax_labels,
    choose_majority_labels,
    load_examples,
)
from training.datasets.pack import Pack
from training.datasets.readers import Split
from training.network.model import DaclNet

BATCH = 256


def uint8_crops(examples: Examples, rows: torch.Tensor) -> NDArray[np.uint8]:
    """`(B, S, S, 3)` BGR: whole grey levels, as the demo hands them to the classifier."""
    crops = examples.crops(rows).round().to(torch.uint8)
    planes = crops.expand(-1, 3, -1, -1) if crops.shape[1] == 1 else crops.flip(1)
    return np.ascontiguousarray(planes.permute(0, 2, 3, 1).cpu().numpy())


def batches(examples: Examples) -> Iterator[torch.Tensor]:
    parts = torch.split(torch.arange(len(examples), device=examples.labels.device), BATCH)
    yield from track_progress(
        examples.ahead(parts),
        total=len(parts),
        desc="faces",
        unit="batch",
        units="batches",
        leave=False,
    )


@torch.no_grad()
def net_logits(net: DaclNet, examples: Examples) -> NDArray[np.float64]:
    """`(N, K)` of a PyTorch network in evaluation mode, in fp32 on whole grey levels."""
    parts = [
        net(normalise_batch(examples.crops(rows).round()), with_attention=False).logits
        for rows in batches(examples)
    ]
    return torch.cat(parts).double().cpu().numpy()


def file_logits(classifier: Classifier, examples: Examples) -> NDArray[np.float64]:
    """`(N, K)` of an exported file, through the very classifier of the app."""
    parts = [classifier.run(uint8_crops(examples, rows)).logits for rows in batches(examples)]
    return np.concatenate(parts).astype(np.float64)


def judged_examples(
    pack: Pack, split: Split, template: AlignmentTemplate, size_px: int, colour: ColourMode
) -> tuple[Examples, NDArray[np.int64]]:
    """The pictures of a split with a plain winner (its labels), and `(N,)` majority labels, which
    are `NO_LABEL` for some of them."""
    examples = load_examples(
        pack, split, template=template, size_px=size_px, colour=colour, labels_from="argmax"
    )
    votes = pack.votes[pack.rows(split)]
    classes = len(pack.meta.labels)
    winners = choose_argmax_labels(votes, classes) != NO_LABEL
    majority = choose_majority_labels(votes[winners], classes, pack.meta.protocol)
    if (majority == NO_LABEL).all():
        raise DataError(f"No picture of the {split} split has a majority label.")
    return examples, majority
