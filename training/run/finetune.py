"""Fine-tunes a network on few pictures: chooses its beginning, its recipe and the epoch to keep."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app.errors import TrainingError
from app.process.signals import catch_ctrl_c
from app.recognition.classifier import DEFAULT_MODEL
from app.wording import format_count
from training.base.device import ComputeDevice
from training.base.licences import FOLDER_LICENCE
from training.base.progress import describe_time_left, print_line
from training.checkpoints.checkpoint import read_facts, save_checkpoint
from training.checkpoints.compact import name_compact, read_compact
from training.checkpoints.initial_weights import (
    InitReport,
    Weights,
    name_weights,
    read_dlib_weights,
    read_weights,
)
from training.checkpoints.origins import complete_licence, list_origin_notes
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.datasets.pack import Pack
from training.datasets.split_pair import gather_facts, load_pair
from training.network.dlib_file import is_dlib_file
from training.run.begin import load_beginning
from training.run.loop import fit
from training.run.run_folder import FACTS, LAST, RunFolder
from training.run.trainer import Trainer

BEST = "best.pt"
CHECKPOINT_INTERVAL_S = 60.0  # an interrupted run loses at most this much work
FROM_SCRATCH = "none"  # the word for no weights on the command line


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """The beginning of a training. `weights` is None where training begins from chance;
    `description` completes the sentence "It began …"."""

    weights: Weights | None
    licence: str
    description: str


def find_starting_point(asked: str | None) -> StartingPoint:
    """Finds the weights that training begins with, and the licence note that follows from them.

    Args:
        asked: An .onnx file with its compact checkpoint beside it, a checkpoint, a file of dlib's
            network, "none" for chance, or None for the shipped model.

    Raises:
        TrainingError: The file cannot be read, or lacks size, colour or labels.
        ModelError: The .onnx file is no model of this program.
    """
    if asked == FROM_SCRATCH:
        return StartingPoint(None, FOLDER_LICENCE, "from chance, as asked")
    if asked is None and not name_compact(DEFAULT_MODEL).is_file():
        return StartingPoint(
            None,
            FOLDER_LICENCE,
            f"from chance: {name_compact(DEFAULT_MODEL)}, to go on from, is missing",
        )
    path = DEFAULT_MODEL if asked is None else Path(asked)
    if is_dlib_file(path):
        weights = read_dlib_weights(path, RunConfig.make_face_pretrained())
        notes = list_origin_notes([name_weights(weights)], "")
        return StartingPoint(
            weights,
            " ".join([FOLDER_LICENCE, *notes]),
            f"from {path}, which had learned to tell people apart",
        )
    note = ""
    if path.suffix == ".onnx":
        weights, note = read_compact(path)
    else:
        weights = read_weights(path)
    if weights.config is None or weights.facts is None:
        raise TrainingError(
            f"{path} does not say which size, colour and labels it was made for. Give a checkpoint "
            "of this program, or begin with it by `python -m training.train … --init`."
        )
    learned = weights.facts.dataset
    note = note or f"Weights learned from {learned}. {complete_licence(weights.origins, learned)}"
    return StartingPoint(
        weights,
        f"{FOLDER_LICENCE} Fine-tuned from: {note}",
        f"from {path}, which had learned from the data {learned}",
    )


# Pictures shown in all epochs together, and the bounds of the number of epochs that follows. These
# are enough for a few hundred pictures and take minutes on two CPU cores.
FINE_TUNING_VIEWS = 6_000
FINE_TUNING_EPOCHS = (10, 40)
SCRATCH_VIEWS = 24_000
SCRATCH_EPOCHS = (20, 100)
# From a network that knows faces and no expressions: between the two others, and not measured yet.
FACE_VIEWS = 12_000
FACE_EPOCHS = (15, 60)
# Peaks of the learning rate for a batch of 32. They grow with the batch (Goyal et al., "Accurate,
# Large Minibatch SGD", 2017).
FINE_TUNING_RATE = 0.01
SCRATCH_RATE = 0.04
FACE_RATE = 0.02


def make_fine_tuning_recipe(
    source: RunConfig | None,
    pictures: int,
    *,
    from_faces: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
) -> RunConfig:
    """Makes a recipe for few pictures. Network, size, colour and augmentation are those of
    `source`; what `source` did for rare classes and with pictures without an expression is left
    out, because it belongs to that data.

    The batch is the largest power of two that leaves four steps an epoch, in 8..64. The epochs show
    6,000 pictures in all (from chance 24,000; `from_faces`, from a network that knows faces and no
    expressions, 12,000) and are bounded to 10..40 (20..100, 15..60). Raises `TrainingError` for
    values that make no recipe.
    """
    base = source or RunConfig()
    views, (least, most), rate = SCRATCH_VIEWS, SCRATCH_EPOCHS, SCRATCH_RATE
    if source is not None:
        views, (least, most), rate = FINE_TUNING_VIEWS, FINE_TUNING_EPOCHS, FINE_TUNING_RATE
    if from_faces:
        views, (least, most), rate = FACE_VIEWS, FACE_EPOCHS, FACE_RATE
    power = 2 ** max(0, int(np.log2(max(1, pictures / 4))))
    batch = batch_size or min(64, max(8, power))
    try:
        train = replace(
            base.train,
            loss="dacl",
            targets="soft",
            schedule="one-cycle",
            epochs=epochs or min(most, max(least, round(views / pictures))),
            batch_size=batch,
            learning_rate=learning_rate or rate * batch / 32,
            average=0.99,
            outliers=0.0,
            own_votes=0.0,
            logit_adjustment=0.0,
            balanced_epochs=0,
            seed=seed,
        )
    except ValueError as cause:
        raise TrainingError(f"The recipe cannot be: {cause}.") from cause
    return replace(base, train=train, teach=TeachConfig())


def is_better_of_equals(lines: Sequence[dict[str, Any]]) -> bool:
    """Tells whether the last epoch's averaged weights are as accurate on validation as any before,
    and have less loss than those that are as accurate.

    `fit` keeps the first of equally accurate epochs. With few pictures there are many of them, and
    the first has learned least.

    >>> first = {"valid_accuracy": 0.5, "valid_accuracy_averaged": 0.8, "valid_nll_averaged": 0.9}
    >>> is_better_of_equals([first, first | {"valid_nll_averaged": 0.7}])
    True
    """
    best = max(max(x["valid_accuracy"], x["valid_accuracy_averaged"]) for x in lines)
    *before, last = lines
    if last["valid_accuracy_averaged"] < best:
        return False
    rivals = [x["valid_nll_averaged"] for x in before if x["valid_accuracy_averaged"] == best]
    return bool(last["valid_nll_averaged"] < min(rivals, default=float("inf")))


# Training ends after a third of all epochs without a better one. The best epochs come late, where
# the learning rate falls; training therefore waits at least this many.
MIN_PATIENCE_EPOCHS = 5
BETTER_LOSS_SHARE = 0.99  # a loss is better only below this share of the best so far


def choose_patience(config: RunConfig) -> int:
    """Chooses how many epochs training waits for a better one: a third of all, at least
    `MIN_PATIENCE_EPOCHS`."""
    return max(MIN_PATIENCE_EPOCHS, -(-config.train.epochs // 3))


def describe_early_end(lines: Sequence[dict[str, Any]], epochs: int, patience: int) -> str | None:
    """Says in a sentence why training ends after the epochs of these log `lines` though `epochs`
    were planned; None where training goes on.

    Training ends where no epoch was better for `patience` epochs (0: it never ends early). An epoch
    is better where the averaged weights' validation accuracy is higher, or as high with less loss.
    Where all validation pictures are right, loss does not count and training waits at most
    `MIN_PATIENCE_EPOCHS` epochs, because validation can show nothing better.

    >>> line = {"valid_accuracy_averaged": 0.8, "valid_nll_averaged": 0.9}
    >>> describe_early_end([line] * 4, epochs=20, patience=3)
    'Training ended after epoch 4 of 20: validation was no better for 3 epochs.'
    """
    if not patience or len(lines) >= epochs:
        return None
    accuracy, loss, waited = -1.0, float("inf"), 0
    for line in lines:
        now, now_loss = line["valid_accuracy_averaged"], line["valid_nll_averaged"]
        better = now > accuracy or (now == accuracy < 1.0 and now_loss < BETTER_LOSS_SHARE * loss)
        waited = 0 if better else waited + 1
        accuracy, loss = max(accuracy, now), now_loss if better else loss
    ended = f"Training ended after epoch {len(lines)} of {epochs}"
    if accuracy == 1.0 and waited >= min(patience, MIN_PATIENCE_EPOCHS):
        return f"{ended}: all validation pictures have been right for {waited + 1} epochs."
    if waited >= patience:
        return f"{ended}: validation was no better for {waited} epochs."
    return None


class LearningResult(NamedTuple):
    """The outcome of a training: the log's `lines`, a report on the weights that were taken over
    (None from chance or on resuming), and the sentence on an early end (None where all epochs ran).
    """

    lines: list[dict[str, Any]]
    init_report: InitReport | None
    early_end: str | None


def fine_tune(
    pack: Pack,
    config: RunConfig,
    weights: Weights | None,
    folder: Path,
    machine: ComputeDevice,
    *,
    patience: int | None = None,
    resume: bool,
) -> LearningResult:
    """Trains to the end of the recipe, or until validation was no better for `patience` epochs.

    Args:
        pack: The pictures.
        config: The recipe. A resumed run keeps its own.
        weights: The weights to begin with; None for chance.
        folder: The run's folder, for checkpoints and log.
        machine: The device and its precision.
        patience: Epochs to wait (`describe_early_end`); None chooses by the number of epochs.
        resume: True goes on from the last checkpoint where there is one.

    Raises:
        TrainingError: The folder holds a run on other pictures, or cannot be used.
    """
    going = resume and ((folder / LAST).exists() or (folder / FACTS).exists())
    if resume and not going:  # the run was stopped before its first checkpoint
        shutil.rmtree(folder, ignore_errors=True)
    with RunFolder(folder, resume=going) as kept, catch_ctrl_c() as stop:
        if kept.state is not None:
            config = RunConfig.from_dict(kept.state["config"])
            if read_facts(kept.state).key != pack.meta.key:
                raise TrainingError(
                    f"The pictures are not those that the run in {folder.parent} began with. Begin "
                    "it anew with --overwrite."
                )
        train, valid = load_pair(pack, config, machine.device)
        trainer = Trainer(config, gather_facts(pack, train), machine)
        began = None
        if weights is not None:
            began = load_beginning(trainer, weights.path, train)
            print(began.summary())
        if kept.state is not None:
            trainer.restore(kept.state)
        where = f"{machine.device.type}, {'bf16' if machine.autocast else 'fp32'}"
        init = None if weights is None else weights.path
        kept.write_facts(config, pack, where, init=init, origins=trainer.origins)
        if kept.state is None:
            save_checkpoint(folder / LAST, trainer.state("averaged"))
        epochs = config.train.epochs
        print(
            f"Training on {format_count(len(train), 'face')}, {len(valid)} for validation, "
            f"{format_count(epochs, 'epoch')}."
        )
        patience = choose_patience(config) if patience is None else patience
        began_s, before = time.monotonic(), len(kept.lines)
        # A run may have been stopped between its early end and the export.
        if ended := describe_early_end(kept.lines, epochs, patience):
            return LearningResult(kept.lines, began, ended)
        for line in fit(
            trainer, train, valid, folder, checkpoint_s=CHECKPOINT_INTERVAL_S, stop=stop
        ):
            kept.add_line(line)
            if is_better_of_equals(kept.lines):
                save_checkpoint(folder / BEST, trainer.state("averaged"))
            epoch = line["epoch"]
            text = (
                f"epoch {epoch}/{epochs}: loss {line['loss']:.3f}, validation "
                f"{100 * line['valid_accuracy_averaged']:.1f} %"
            )
            if epoch < epochs:
                each_s = (time.monotonic() - began_s) / (len(kept.lines) - before)
                text += f", {describe_time_left(each_s * (epochs - epoch))}"
            print_line(text)
            if ended := describe_early_end(kept.lines, epochs, patience):
                save_checkpoint(folder / LAST, trainer.state("averaged"))
                print_line(f"{ended} --patience sets how long it waits.")
                break
            if stop():  # `fit` asks within an epoch, not after its last step
                save_checkpoint(folder / LAST, trainer.state("averaged"))
                raise KeyboardInterrupt
        return LearningResult(kept.lines, began, ended)
