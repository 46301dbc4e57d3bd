"""Adds the options that several commands share, and reads a recipe from them."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.errors import TrainingError
from training.base.cli import add_options, collect_given_options
from training.checkpoints.digest import hash_checkpoint
from training.config.augment_config import AugmentConfig
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.config.train_config import TrainConfig
from training.network.model import ModelConfig

DEFAULT_RECIPE = "default"
# The choices of --recipe.
RECIPE_MAKERS: dict[str, Callable[[], RunConfig]] = {
    DEFAULT_RECIPE: RunConfig,
    "dlib": RunConfig.make_face_pretrained,
    "paper": RunConfig.make_published,
}


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    """Adds --device and --precision, for `Machine.choose`."""
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where to compute; auto (default) takes CUDA where it works",
    )
    parser.add_argument(
        "--precision",
        choices=["auto", "fp32", "bf16"],
        default="auto",
        help="auto (default): bfloat16 where the device computes in it, else fp32",
    )


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Adds every option of a recipe; `read_recipe` reads them."""
    for title, config in (
        ("recipe", TrainConfig),
        ("network", ModelConfig),
        ("augmentation", AugmentConfig),
    ):
        add_options(parser.add_argument_group(title), config)


def add_teacher_options(parser: argparse._ActionsContainer) -> None:
    """Adds --teacher and the options of teaching; `read_recipe` reads them."""
    parser.add_argument(
        "--teacher",
        type=Path,
        action="append",
        metavar="FILE.pt",
        help="learn from this network, too: a checkpoint (best.pt, last.pt, NAME.pt) of the same "
        "labels, of any size; given several times, from the mean of their probabilities",
    )
    add_options(parser, TeachConfig)


def read_recipe(given: Mapping[str, Any], base: RunConfig) -> RunConfig:
    """Makes a recipe out of `base` and the options that were `given`, by name. Raises
    `TrainingError` for values that make no recipe, and for teacher options without a teacher."""
    teach = collect_given_options(given, TeachConfig)
    if files := given.get("teacher"):
        teach["teachers"] = tuple(hash_checkpoint(file) for file in files)
    elif teach and not base.teach.teachers:
        raise TrainingError("The teacher options need a teacher. Add --teacher FILE.pt.")
    try:
        return RunConfig(
            train=replace(base.train, **collect_given_options(given, TrainConfig)),
            model=replace(base.model, **collect_given_options(given, ModelConfig)),
            augment=replace(base.augment, **collect_given_options(given, AugmentConfig)),
            teach=replace(base.teach, **teach),
        )
    except ValueError as cause:
        raise TrainingError(f"The recipe cannot be: {cause}.") from cause
