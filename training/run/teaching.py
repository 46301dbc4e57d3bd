"""Makes averaged probabilities of trained networks, the teachers, a share of a student's targets.

Hinton et al., "Distilling the Knowledge in a Neural Network", 2015. The teachers see each picture
once, unaugmented and mirrored (`CachedTeaching`), or the very batch that the student sees
(`LiveTeaching`; Beyer et al., "Knowledge distillation: A good teacher is patient and consistent",
CVPR 2022). Input size, frame, width and colour of the teachers may differ from the student's.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Generator, Tensor

from training.augment.augment import augment_crops
from training.augment.mixing import Mixing
from training.base.device import ComputeDevice
from training.base.progress import track_progress
from training.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from training.config.augment_config import AugmentConfig
from training.config.run_config import RunConfig
from training.datasets.examples import Examples
from training.datasets.pack import Pack
from training.run.run_folder import TAUGHT
from training.run.teachers import (
    Teacher,
    TeacherInput,
    average_teachers,
    check_teachers,
    convert_view,
    find_view,
    load_teachers,
)

GPU_BATCH = 256  # faces that teachers read at a time
CPU_BATCH = 32  # so few that the values between layers stay in the CPU's cache


@dataclass(frozen=True, slots=True)
class TeachingStep:
    """The batch that a training step shows its teachers: the student's own mixed `crops (B, C, S,
    S)`, and what is needed to draw the same change of other crops.

    `rows` are the examples, `generator` makes a generator in the state in which the step's began,
    `mixing` is the step's mixing. `mine` takes this rank's share of a batch.
    """

    crops: Tensor
    rows: Tensor
    augment: AugmentConfig
    generator: Callable[[], Generator]
    mixing: Mixing | None
    mine: Callable[[Tensor], Tensor]


class Teaching(Protocol):
    """A source of the second targets of a step."""

    def select_columns(self, rows: Tensor) -> Tensor:
        """Selects `(B, c)` columns of the examples `rows`, to be mixed as the votes are."""

    def make_targets(self, columns: Tensor, step: TeachingStep) -> Tensor:
        """Makes the targets `(b, K)` of this rank's share of a batch, whose mixed columns are
        `columns (b, c)`."""


@dataclass(frozen=True, slots=True)
class CachedTeaching:
    """Teaching by `probabilities (N, K)` of all examples, which were computed once."""

    probabilities: Tensor

    def select_columns(self, rows: Tensor) -> Tensor:
        """Selects the probabilities of the examples `rows`."""
        return self.probabilities[rows]

    def make_targets(self, columns: Tensor, step: TeachingStep) -> Tensor:
        """Returns the mixed probabilities as they are."""
        return columns


@dataclass(frozen=True, slots=True)
class LiveTeaching:
    """Teaching by networks that read every batch.

    `views` holds the examples for teachers of another size, frame or colour than the student's. The
    examples from `faces` on are outliers; whatever the teachers read in them, their targets are
    even.
    """

    teachers: tuple[Teacher, ...]
    views: dict[TeacherInput, Examples]
    faces: int
    temperature: float
    machine: ComputeDevice

    def select_columns(self, rows: Tensor) -> Tensor:
        """Marks the outliers among `rows`, `(B, 1)`: 1 for an outlier, else 0."""
        return (rows >= self.faces).float()[:, None]

    def make_targets(self, columns: Tensor, step: TeachingStep) -> Tensor:
        """Runs the teachers on the student's batch, or on the same change of their own view of
        it."""

        def crops_for(view: TeacherInput) -> Tensor:
            if view not in self.views:
                return step.crops
            crops = augment_crops(self.views[view], step.rows, step.augment, step.generator())
            return step.mine(crops if step.mixing is None else step.mixing.mix_crops(crops))

        with self.machine.open_autocast():
            taught = average_teachers(self.teachers, crops_for, self.temperature)
        return (1 - columns) * taught + columns / taught.shape[1]


def compute_probabilities(
    teachers: Sequence[Teacher],
    views: dict[TeacherInput, Examples],
    examples: Examples,
    temperature: float,
    machine: ComputeDevice,
) -> Tensor:
    """Computes the teachers' probabilities of all examples, each the mean over the teachers, the
    unaugmented crop and its mirror image.

    Returns:
        `(N, K)` on the examples' device; even for outliers.
    """
    batch = CPU_BATCH if machine.device.type == "cpu" else GPU_BATCH
    parts = torch.split(torch.arange(len(examples), device=examples.labels.device), batch)
    probabilities = []
    batches = examples.decode_ahead(parts)
    for rows in track_progress(
        batches, total=len(parts), desc="teachers", unit="batch", units="batches", leave=False
    ):

        def crops_for(view: TeacherInput, rows: Tensor = rows) -> Tensor:
            crops = views.get(view, examples).cut_crops(rows).round()
            return torch.cat([crops, crops.flip(3)])

        with machine.open_autocast():
            both = average_teachers(teachers, crops_for, temperature)
        probabilities.append((both[: len(rows)] + both[len(rows) :]) / 2)
    result = torch.cat(probabilities)
    result[examples.faces :] = 1 / result.shape[1]
    return result


def compute_cache_key(config: RunConfig, data_key: str) -> str:
    """Computes a hash of everything that the cached probabilities depend on."""
    train, teach = config.train, config.teach
    decides = [
        *(data_key, teach.teachers, teach.teacher_temperature),
        *(train.targets, train.outliers > 0),
    ]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


def read_cached(folder: Path, config: RunConfig, data_key: str) -> Tensor | None:
    """Reads the cached probabilities `(N, K)` of a run's folder; None where there are none of this
    recipe and data."""
    path = folder / TAUGHT
    if not path.exists():
        return None
    state = load_checkpoint(path)
    found: Tensor = state["probabilities"]
    return found if state["key"] == compute_cache_key(config, data_key) else None


def prepare_teaching(
    files: Sequence[Path],
    config: RunConfig,
    pack: Pack,
    examples: Examples,
    machine: ComputeDevice,
    folder: Path | None,
) -> Teaching:
    """Prepares the teaching of a run.

    With the cached view, the probabilities are read from `folder` where they lie there, and the
    teachers' files are not needed; else they are computed and kept in `folder`. With a `folder` of
    None nothing is kept. Raises `TrainingError`.
    """
    teach = config.teach
    cached = teach.teacher_view == "cached"
    if cached and folder is not None:
        kept = read_cached(folder, config, pack.meta.key)
        if kept is not None:
            return CachedTeaching(kept.to(examples.labels.device))
    check_teachers(files, teach.teachers)
    teachers = load_teachers(files, pack.meta.labels, machine.device)
    own = find_view(config.train)
    views = {
        view: convert_view(examples, pack, config, view)
        for view in {teacher.view for teacher in teachers} - {own}
    }
    if not cached:
        return LiveTeaching(teachers, views, examples.faces, teach.teacher_temperature, machine)
    computed = compute_probabilities(teachers, views, examples, teach.teacher_temperature, machine)
    if folder is not None:
        key = compute_cache_key(config, pack.meta.key)
        save_checkpoint(folder / TAUGHT, {"key": key, "probabilities": computed.cpu()})
    return CachedTeaching(computed)
