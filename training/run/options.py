"""Adds the options that several commands share, and reads a recipe from them."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.errors import TrainingError
from training.base.cli import add_options, collect_given_options
from training.checkpoints.digest import hash_checkpoint
from training.config.augment_config import AugmentConfig
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.config.train_config import TrainConfig
from training.network.model import ModelConfig

RECIPES: dict[str, Callable[[], RunConfig]] = {
    "default": RunConfig,
    "dlib": RunConfig.make_face_pretrained,
    "paper": RunConfig.make_published,
}


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    """Where and how to compute, for `Machine.choose`."""
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
    """Every option of a recipe; `read_recipe` reads them back."""
    for title, config in (
        ("recipe", TrainConfig),
        ("network", ModelConfig),
        ("augmentation", AugmentConfig),
    ):
        add_options(parser.add_argument_group(title), config)


def add_teacher_options(parser: argparse._ActionsContainer) -> None:
    """For `read_recipe`, too."""
    parser.add_argument(
        "--teacher",
        type=Path,
        action="append",
        metavar="FILE.pt",
        help="learn from this network, too: a checkpoint (best.pt, last.pt, NAME.pt) of the same "
        "labels, of any size; given several times, from the mean of their probabilities",
    )
    add_options(parser, TeachConfig)


def read_recipe(options: argparse.Namespace, base: RunConfig) -> RunConfig:
    """`base` with what was said on the command line."""
    teach = collect_given_options(options, TeachConfig)
    if files := getattr(options, "teacher", None):
        teach["teachers"] = tuple(hash_checkpoint(file) for file in files)
    elif teach and not base.teach.teachers:
        raise TrainingError("The teacher options need a teacher. Add --teacher FILE.pt.")
    try:
        return RunConfig(
            train=replace(base.train, **collect_given_options(options, TrainConfig)),
            model=replace(base.model, **collect_given_options(options, ModelConfig)),
            augment=replace(base.augment, **collect_given_options(options, AugmentConfig)),
            teach=replace(base.teach, **teach),
        )
    except ValueError as cause:
        raise TrainingError(f"The recipe cannot be: {cause}.") from cause
