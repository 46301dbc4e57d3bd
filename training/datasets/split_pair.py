"""Loads the training and the validation examples of a pack for a recipe."""

from dataclasses import replace
from typing import Literal

import torch
from torch.nn.functional import one_hot

from app.errors import DataError
from training.base.free_memory import measure_free_bytes
from training.config.run_config import DataFacts, RunConfig
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack


def gather_facts(pack: Pack, examples: Examples) -> DataFacts:
    """Gathers the facts about training data that the result must keep."""
    return DataFacts(
        dataset=pack.meta.dataset,
        key=pack.meta.key,
        labels=pack.meta.labels,
        class_shares=tuple(examples.soft[: examples.faces].mean(dim=0).tolist()),
    )


def load_pair(
    pack: Pack, config: RunConfig, device: torch.device, memory_bytes: int | None = None
) -> tuple[Examples, Examples]:
    """Loads training and validation examples. The test split is never read here.

    Args:
        pack: The prepared pictures.
        config: The recipe.
        device: Holds the examples.
        memory_bytes: As in `load_examples`; None allows half of the free memory, here and on the
            device.

    Raises:
        DataError: The pack has too few pictures.
    """

    def load_split(split: Literal["train", "valid"], labels_from: str) -> Examples:
        return load_examples(
            pack,
            split,
            template=config.train.template,
            size_px=config.train.size_px,
            colour=config.train.colour,
            labels_from=labels_from,
            memory_bytes=measure_free_bytes(device) // 2 if memory_bytes is None else memory_bytes,
            outliers=split == "train" and config.train.outliers > 0,
            own_votes=config.train.own_votes if split == "train" else 0.0,
        ).to(device)

    train = load_split("train", config.train.targets)
    if config.train.balanced_epochs and not (train.labels >= 0).any():
        raise DataError(
            "No training picture of the pack has a majority, by which classes could be balanced. "
            "Leave --balanced-epochs out."
        )
    if config.train.targets == "majority":
        classes = train.soft.shape[1]
        named = one_hot(train.labels[: train.faces], classes).to(train.soft.dtype)
        train = replace(train, soft=torch.cat([named, train.soft[train.faces :]]))
    valid = load_split("valid", "majority")
    if train.faces < 2:
        raise DataError("The pack has a single usable training picture; training needs more.")
    return train, valid
