"""Fine-tuning on few pictures: what to begin with, the recipe, and which epoch to keep."""

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
from training.base.licences import FOLDER_LICENCE, LICENCE
from training.base.progress import describe_time_left, print_line
from training.checkpoints.checkpoint import read_facts, save_checkpoint
from training.checkpoints.compact import name_compact, read_compact
from training.checkpoints.initial_weights import InitReport, Weights, load_initial, read_weights
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.datasets.pack import Pack
from training.datasets.split_pair import gather_facts, load_pair
from training.run.loop import fit
from training.run.run_folder import FACTS, LAST, RunFolder
from training.run.trainer import Trainer

BEST = "best.pt"
CHECKPOINT_S = 60.0
FROM_SCRATCH = "none"


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """What training begins with. `weights` None is chance; `said` goes on from "It began"."""

    weights: Weights | None
    licence: str
    said: str


def find_source(asked: str | None) -> StartingPoint:
    """`asked`: an .onnx file with its compact checkpoint beside it, a checkpoint, "none", or None
    for the shipped model. Raises `TrainingError`, `ModelError`."""
    if asked == FROM_SCRATCH:
        return StartingPoint(None, FOLDER_LICENCE, "from chance, as asked")
    if asked is None and not name_compact(DEFAULT_MODEL).is_file():
        return StartingPoint(
            None,
            FOLDER_LICENCE,
            f"from chance: {name_compact(DEFAULT_MODEL)}, to go on from, is missing",
        )
    path = DEFAULT_MODEL if asked is None else Path(asked)
    if path.suffix == ".onnx":
        weights, note = read_compact(path)
    else:
        weights = read_weights(path)
        note = LICENCE if weights.facts is not None and weights.facts.dataset == "FER+" else ""
    if weights.config is None or weights.facts is None:
        raise TrainingError(
            f"{path} does not say which size, colour and labels it was made for. Give a checkpoint "
            "of this program, or begin with it by `python -m training.train … --init`."
        )
    note = note or f"Weights learned from {weights.facts.dataset}."
    return StartingPoint(
        weights,
        f"{FOLDER_LICENCE} Fine-tuned from: {note}",
        f"from {path}, which had learned {weights.facts.dataset}",
    )


# Pictures that pass by in all, and bounds of the epochs that follow from it: enough for a few
# hundred pictures, and minutes on two CPU cores.
FINE_TUNING = (6_000, 10, 40)
SCRATCH = (24_000, 20, 100)
# Peaks of the schedule for a batch of 32; they grow with the batch (Goyal et al., 2017).
FINE_TUNING_RATE, SCRATCH_RATE = 0.01, 0.04


def make_fine_tuning_recipe(
    source: RunConfig | None,
    pictures: int,
    *,
    seed: int = 0,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
) -> RunConfig:
    """A recipe for few pictures: network, size, colour and augmentation are the source's.

    The batch is the largest power of two that makes four steps an epoch, in 8..64. Epochs are
    6,000 (from chance: 24,000) pictures in all, in 10..40 (20..100). Raises `TrainingError`.
    """
    base = source or RunConfig()
    views, least, most = FINE_TUNING if source else SCRATCH
    power = 2 ** max(0, int(np.log2(max(1, pictures / 4))))
    batch = batch_size or min(64, max(8, power))
    peak = FINE_TUNING_RATE if source else SCRATCH_RATE
    try:
        train = replace(
            base.train,
            loss="dacl",
            targets="soft",
            schedule="one-cycle",
            epochs=epochs or min(most, max(least, round(views / pictures))),
            batch_size=batch,
            learning_rate=learning_rate or peak * batch / 32,
            average=0.99,
            outliers=0.0,
            seed=seed,
        )
    except ValueError as cause:
        raise TrainingError(f"The recipe cannot be: {cause}.") from cause
    return replace(base, train=train, teach=TeachConfig())


def better_of_equals(lines: Sequence[dict[str, Any]]) -> bool:
    """Whether the last epoch's averaged weights are as accurate as any before and of less loss than
    those as accurate. `fit` keeps the first of equals; with few pictures there are many of them,
    and the first has learned least."""
    best = max(max(x["valid_accuracy"], x["valid_accuracy_averaged"]) for x in lines)
    *before, last = lines
    if last["valid_accuracy_averaged"] < best:
        return False
    rivals = [x["valid_nll_averaged"] for x in before if x["valid_accuracy_averaged"] == best]
    return bool(last["valid_nll_averaged"] < min(rivals, default=float("inf")))


# Epochs without a better one after which training ends: a third of all, for the best ones come
# late, where the learning rate falls, but at least so many.
LEAST_PATIENCE = 5
BETTER_LOSS = 0.99  # of the best loss so far: what lies above counts as no better


def patience_of(config: RunConfig) -> int:
    """The epochs that training waits for a better one, where nothing was asked for."""
    return max(LEAST_PATIENCE, -(-config.train.epochs // 3))


def early_end(lines: Sequence[dict[str, Any]], epochs: int, patience: int) -> str | None:
    """Say, in a sentence, why training ends after the epochs of these `lines` though `epochs` were
    planned; None where it goes on.

    It ends where no epoch was better for `patience` epochs, 0 for never. Better is a higher
    validation accuracy of the averaged weights, or as high a one with less loss. Where all
    validation pictures are right, loss does not count and at most `LEAST_PATIENCE` epochs are
    waited for: nothing better could be seen.
    """
    if not patience or len(lines) >= epochs:
        return None
    accuracy, loss, waited = -1.0, float("inf"), 0
    for line in lines:
        now, now_loss = line["valid_accuracy_averaged"], line["valid_nll_averaged"]
        better = now > accuracy or (now == accuracy < 1.0 and now_loss < BETTER_LOSS * loss)
        waited = 0 if better else waited + 1
        accuracy, loss = max(accuracy, now), now_loss if better else loss
    ended = f"Training ended after epoch {len(lines)} of {epochs}"
    if accuracy == 1.0 and waited >= min(patience, LEAST_PATIENCE):
        return f"{ended}: all validation pictures have been right for {waited + 1} epochs."
    if waited >= patience:
        return f"{ended}: validation was no better for {waited} epochs."
    return None


class Learned(NamedTuple):
    """`lines` of the log, what was taken over, and why training ended early (None: it did not)."""

    lines: list[dict[str, Any]]
    began: InitReport | None
    ended: str | None


def learn(
    pack: Pack,
    config: RunConfig,
    weights: Weights | None,
    folder: Path,
    machine: ComputeDevice,
    *,
    patience: int | None = None,
    resume: bool,
) -> Learned:
    """Trains to the end, or until `patience` epochs were no better (`early_end`; None: by their
    number)."""
    going = resume and ((folder / LAST).exists() or (folder / FACTS).exists())
    if resume and not going:  # stopped before there was anything to go on from
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
            centres = trainer.centre_loss.centres
            began = load_initial(
                trainer.net, weights.path, labels=pack.meta.labels, centres=centres
            )
            trainer.start_from_net()
            print(began.summary())
        if kept.state is not None:
            trainer.restore(kept.state)
        where = f"{machine.device.type}, {'bf16' if machine.autocast else 'fp32'}"
        kept.write_facts(config, pack, where)
        if kept.state is None:
            save_checkpoint(folder / LAST, trainer.state("averaged"))
        epochs = config.train.epochs
        print(
            f"Training on {format_count(len(train), 'face')}, {len(valid)} for validation, "
            f"{format_count(epochs, 'epoch')}."
        )
        patience = patience_of(config) if patience is None else patience
        began_s, before = time.monotonic(), len(kept.lines)
        if ended := early_end(kept.lines, epochs, patience):  # stopped between this and the export
            return Learned(kept.lines, began, ended)
        for line in fit(trainer, train, valid, folder, checkpoint_s=CHECKPOINT_S, stop=stop):
            kept.add(line)
            if better_of_equals(kept.lines):
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
            if ended := early_end(kept.lines, epochs, patience):
                save_checkpoint(folder / LAST, trainer.state("averaged"))
                print_line(f"{ended} --patience sets how long it waits.")
                break
            if stop():  # `fit` asks within an epoch only
                save_checkpoint(folder / LAST, trainer.state("averaged"))
                raise KeyboardInterrupt
        return Learned(kept.lines, began, ended)
