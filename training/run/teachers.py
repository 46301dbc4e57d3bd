"""Loads teachers, which are trained networks, and reads crops with them.

The input size, frame, width and colour of teachers may differ from the student's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from app.alignment import ColourMode
from app.errors import TrainingError
from training.base.device import normalise_batch
from training.checkpoints.checkpoint import Trained, load_trained
from training.checkpoints.digest import hash_checkpoint
from training.config.run_config import RunConfig
from training.config.train_config import TrainConfig
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack


class TeacherInput(NamedTuple):
    """The input of a network: faces `size_px` wide, in a frame that keeps the share `keep`, grey or
    coloured."""

    size_px: int
    keep: float
    colour: ColourMode


def find_view(train: TrainConfig) -> TeacherInput:
    """Finds the input that a network of this recipe reads."""
    return TeacherInput(train.size_px, train.keep, train.colour)


@dataclass(frozen=True, slots=True)
class Teacher:
    """A network in evaluation mode and, for each of the data's labels, the column of its own
    output."""

    trained: Trained
    columns: tuple[int, ...]

    @property
    def view(self) -> TeacherInput:
        """The input that this network reads."""
        return find_view(self.trained.config.train)

    @torch.no_grad()
    def predict(self, crops: Tensor, temperature: float) -> Tensor:
        """Computes the probabilities of crops, in the order of the data's labels.

        Args:
            crops: `(B, C, S, S)` float of 0..255, RGB or grey.
            temperature: The divisor of the logits.

        Returns:
            `(B, K)` float32.
        """
        logits: Tensor = self.trained.net(normalise_batch(crops), with_attention=False).logits
        return (logits.float()[:, list(self.columns)] / temperature).softmax(dim=1)


def load_teachers(
    files: Sequence[Path], labels: Sequence[str], device: torch.device
) -> tuple[Teacher, ...]:
    """Loads the teachers; those of one view stand together. Raises `TrainingError` for a file that
    is no checkpoint and for a network of other labels."""
    teachers = []
    for file in files:
        trained = load_trained(file)
        theirs = trained.facts.labels
        if set(theirs) != set(labels):
            raise TrainingError(
                f"The teacher {file} knows {', '.join(theirs)}; the data has {', '.join(labels)}. "
                "Choose teachers of the same labels."
            )
        trained.net.to(device).requires_grad_(False)
        trained.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        teachers.append(Teacher(trained, tuple(theirs.index(label) for label in labels)))
    return tuple(sorted(teachers, key=lambda teacher: teacher.view))


def convert_view(examples: Examples, pack: Pack, config: RunConfig, view: TeacherInput) -> Examples:
    """Converts examples of the student's input (`config`) into the same examples as a network with
    the input `view` reads them."""
    own = config.train
    if view[1:] != find_view(own)[1:]:
        theirs = replace(own, keep=view.keep)
        other = load_examples(
            pack,
            "train",
            template=theirs.template,
            size_px=own.size_px,
            colour=view.colour,
            labels_from=own.targets,
            outliers=examples.outliers > 0,
        )
        pictures = examples.pictures if view.colour == own.colour else other.pictures
        device = examples.labels.device
        examples = replace(
            examples, pictures=pictures.to(device), matrices=other.matrices.to(device)
        )
    zoom = view.size_px / own.size_px
    return replace(examples, matrices=examples.matrices * zoom, size_px=view.size_px)


def average_teachers(
    teachers: Sequence[Teacher], crops_for: Callable[[TeacherInput], Tensor], temperature: float
) -> Tensor:
    """Averages the teachers' probabilities.

    Args:
        teachers: The teachers; those of one view stand together.
        crops_for: Gives the crops `(B, C, S, S)` of a view.
        temperature: The divisor of the logits.

    Returns:
        `(B, K)` mean probabilities.
    """
    probabilities = []
    for view, group in groupby(teachers, key=lambda teacher: teacher.view):
        crops = crops_for(view)
        probabilities += [teacher.predict(crops, temperature) for teacher in group]
    return torch.stack(probabilities).mean(dim=0)


def check_teachers(files: Sequence[Path], digests: Sequence[str]) -> None:
    """Checks that `files` are the very files of a recipe, by their digests. Raises
    `TrainingError`."""
    if len(files) != len(digests):
        raise TrainingError("The run's teachers are needed. Give them again with --teacher.")
    for file, digest in zip(files, digests, strict=True):
        if hash_checkpoint(file) != digest:
            raise TrainingError(
                f"The teacher {file} is not the file that the run began with. Give that one with "
                "--teacher."
            )
