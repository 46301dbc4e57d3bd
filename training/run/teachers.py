"""Teachers: trained networks whose averaged probabilities become a share of a student's targets.

Hinton et al., "Distilling the Knowledge in a Neural Network", 2015. The teachers see each picture
unaugmented and mirrored, once (`Cached`), or the very batch that the student sees (`Live`; Beyer et
al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022). Their input
size, frame, width and colour need not be the student's.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Generator, Tensor

from app.alignment import ColourMode
from app.errors import TrainingError
from training.augment.augment import augment_crops
from training.augment.mixing import Mixing
from training.base.device import ComputeDevice, normalise_batch
from training.base.progress import track_progress
from training.checkpoints.checkpoint import Trained, load_checkpoint, load_trained, save_checkpoint
from training.checkpoints.digest import hash_checkpoint
from training.config.augment_config import AugmentConfig
from training.config.run_config import RunConfig
from training.config.train_config import TrainConfig
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack
from training.run.run_folder import TAUGHT

# Faces that teachers see at a time: on a CPU so few that what is between layers stays in its cache.
GPU_BATCH, CPU_BATCH = 256, 32


class TeacherInput(NamedTuple):
    """What a network looks at: faces of one size, in a frame, grey or coloured."""

    size_px: int
    keep: float
    colour: ColourMode


def view_of(train: TrainConfig) -> TeacherInput:
    return TeacherInput(train.size_px, train.keep, train.colour)


@dataclass(frozen=True, slots=True)
class Teacher:
    """A network in evaluation mode and, for each of the data's labels, its own output's column."""

    trained: Trained
    columns: tuple[int, ...]

    @property
    def view(self) -> TeacherInput:
        """What it looks at."""
        return view_of(self.trained.config.train)

    @torch.no_grad()
    def says(self, crops: Tensor, temperature: float) -> Tensor:
        """`(B, K)` probabilities of `crops (B, C, S, S)` of 0..255."""
        logits: Tensor = self.trained.net(normalise_batch(crops), with_attention=False).logits
        return (logits.float()[:, list(self.columns)] / temperature).softmax(dim=1)


def load_teachers(
    files: Sequence[Path], labels: Sequence[str], device: torch.device
) -> tuple[Teacher, ...]:
    """Those of one view stand together. Raises `TrainingError` for a file that is no checkpoint,
    or one that knows other labels."""
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


def seen_at(examples: Examples, pack: Pack, config: RunConfig, view: TeacherInput) -> Examples:
    """The same examples as others look at them."""
    own = config.train
    if view[1:] != view_of(own)[1:]:
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


def average(
    teachers: Sequence[Teacher], crops_for: Callable[[TeacherInput], Tensor], temperature: float
) -> Tensor:
    """`(B, K)` mean of the teachers' probabilities; `crops_for` gives the crops of a view."""
    said = []
    for view, group in groupby(teachers, key=lambda teacher: teacher.view):
        crops = crops_for(view)
        said += [teacher.says(crops, temperature) for teacher in group]
    return torch.stack(said).mean(dim=0)


@dataclass(frozen=True, slots=True)
class Step:
    """What a training step shows its teachers: the student's own mixed `crops (B, C, S, S)`, and
    how to draw the same change of other crops: the rows, a new generator in the state in which the
    step's began, and the mixing. `mine` takes this rank's share of a batch."""

    crops: Tensor
    rows: Tensor
    augment: AugmentConfig
    generator: Callable[[], Generator]
    mixing: Mixing | None
    mine: Callable[[Tensor], Tensor]


class Teaching(Protocol):
    """Where a step's second targets come from."""

    def columns(self, rows: Tensor) -> Tensor:
        """`(B, c)` to be mixed as the votes are."""

    def targets(self, columns: Tensor, step: Step) -> Tensor:
        """`(b, K)` of this rank's share, whose mixed columns are `columns (b, c)`."""


@dataclass(frozen=True, slots=True)
class Cached:
    """`probabilities (N, K)`, of every example."""

    probabilities: Tensor

    def columns(self, rows: Tensor) -> Tensor:
        return self.probabilities[rows]

    def targets(self, columns: Tensor, step: Step) -> Tensor:
        return columns


@dataclass(frozen=True, slots=True)
class Live:
    """`views`: the examples as teachers of another size, frame or colour than the student's see
    them. Outliers, the examples from `faces` on, are nobody's expression, whatever the teachers
    say."""

    teachers: tuple[Teacher, ...]
    views: dict[TeacherInput, Examples]
    faces: int
    temperature: float
    machine: ComputeDevice

    def columns(self, rows: Tensor) -> Tensor:
        return (rows >= self.faces).float()[:, None]

    def targets(self, columns: Tensor, step: Step) -> Tensor:
        def crops_for(view: TeacherInput) -> Tensor:
            if view not in self.views:
                return step.crops
            crops = augment_crops(self.views[view], step.rows, step.augment, step.generator())
            return step.mine(crops if step.mixing is None else step.mixing.crops(crops))

        with self.machine.open_autocast():
            said = average(self.teachers, crops_for, self.temperature)
        return (1 - columns) * said + columns / said.shape[1]


def cached_probabilities(
    teachers: Sequence[Teacher],
    views: dict[TeacherInput, Examples],
    examples: Examples,
    temperature: float,
    machine: ComputeDevice,
) -> Tensor:
    """`(N, K)` mean over the teachers, the unaugmented crop and its mirror image; even for
    outliers."""
    batch = CPU_BATCH if machine.device.type == "cpu" else GPU_BATCH
    parts = torch.split(torch.arange(len(examples), device=examples.labels.device), batch)
    probabilities = []
    batches = examples.ahead(parts)
    for rows in track_progress(
        batches, total=len(parts), desc="teachers", unit="batch", units="batches", leave=False
    ):

        def crops_for(view: TeacherInput, rows: Tensor = rows) -> Tensor:
            crops = views.get(view, examples).crops(rows).round()
            return torch.cat([crops, crops.flip(3)])

        with machine.open_autocast():
            both = average(teachers, crops_for, temperature)
        probabilities.append((both[: len(rows)] + both[len(rows) :]) / 2)
    result = torch.cat(probabilities)
    result[examples.faces :] = 1 / result.shape[1]
    return result


def cache_key(config: RunConfig, data_key: str) -> str:
    """Of everything that decides the cached probabilities."""
    train, teach = config.train, config.teach
    decides = [
        *(data_key, teach.teachers, teach.teacher_temperature),
        *(train.targets, train.outliers > 0),
    ]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


def cached_in(folder: Path, config: RunConfig, data_key: str) -> Tensor | None:
    """What was computed for this recipe and these data, if it was."""
    path = folder / TAUGHT
    if not path.exists():
        return None
    state = load_checkpoint(path)
    found: Tensor = state["probabilities"]
    return found if state["key"] == cache_key(config, data_key) else None


def prepared(
    files: Sequence[Path],
    config: RunConfig,
    pack: Pack,
    examples: Examples,
    machine: ComputeDevice,
    folder: Path | None,
) -> Teaching:
    """What a run with teachers asks. The cached view is kept in `folder`, and taken from it, in
    which case the files are not needed. Raises `TrainingError`."""
    teach = config.teach
    cached = teach.teacher_view == "cached"
    if cached and folder is not None:
        kept = cached_in(folder, config, pack.meta.key)
        if kept is not None:
            return Cached(kept.to(examples.labels.device))
    check_files(files, teach.teachers)
    teachers = load_teachers(files, pack.meta.labels, machine.device)
    own = view_of(config.train)
    views = {
        view: seen_at(examples, pack, config, view)
        for view in {teacher.view for teacher in teachers} - {own}
    }
    if not cached:
        return Live(teachers, views, examples.faces, teach.teacher_temperature, machine)
    said = cached_probabilities(teachers, views, examples, teach.teacher_temperature, machine)
    if folder is not None:
        key = cache_key(config, pack.meta.key)
        save_checkpoint(folder / TAUGHT, {"key": key, "probabilities": said.cpu()})
    return Cached(said)


def check_files(files: Sequence[Path], digests: Sequence[str]) -> None:
    """Raises `TrainingError` unless these are the very files of a recipe."""
    if len(files) != len(digests):
        raise TrainingError("The run's teachers are needed. Give them again with --teacher.")
    for file, digest in zip(files, digests, strict=True):
        if hash_checkpoint(file) != digest:
            raise TrainingError(
                f"The teacher {file} is not the file that the run began with. Give that one with "
                "--teacher."
            )
