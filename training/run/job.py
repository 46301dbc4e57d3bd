"""Carries a run from its first step, or from its last checkpoint, to its end."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.errors import TrainingError
from app.process.signals import catch_ctrl_c
from training.base.device import ComputeDevice
from training.base.processes import Ranks
from training.base.progress import print_line
from training.checkpoints.checkpoint import read_facts, save_checkpoint
from training.checkpoints.digest import hash_weights
from training.checkpoints.origins import read_origins
from training.config.run_config import RunConfig
from training.datasets.examples import Examples
from training.datasets.pack import Pack
from training.datasets.split_pair import gather_facts, load_pair
from training.run.begin import load_beginning
from training.run.loop import fit
from training.run.options import DEFAULT_RECIPE, RECIPE_MAKERS, read_recipe
from training.run.run_folder import LAST, RunFolder
from training.run.teaching import CachedTeaching, Teaching, prepare_teaching
from training.run.trainer import Trainer

MAX_LISTED_DIFFERENCES = 3  # of two recipes, in one line; more are only counted
FROM_CHANCE = (
    "Note: dlib's network begins with random weights, because no --init names its published ones "
    "(docs/retraining.md says where they are)."
)


def read_resumed_recipe(
    folder: RunFolder, given: Mapping[str, Any], data: Path, key: str
) -> RunConfig:
    """Reads the recipe of the run in `folder`, which goes on. Raises `TrainingError` where
    the `given` options, `recipe` among them, ask for another recipe, or where `key` is that of
    other data than the file `data` was then."""
    state = folder.state
    config = folder.begun_recipe if state is None else RunConfig.from_dict(state["config"])
    assert config is not None
    base = config
    if (name := given.get("recipe", DEFAULT_RECIPE)) != DEFAULT_RECIPE:
        base = replace(RECIPE_MAKERS[name](), teach=config.teach)
    if others := config.list_differences(read_recipe(given, base)):
        more = len(others) - MAX_LISTED_DIFFERENCES
        listed = "; ".join(others[:MAX_LISTED_DIFFERENCES]) + (f"; {more} more" * (more > 0))
        raise TrainingError(
            f"The run in {folder.folder} has another recipe ({listed} asked for). "
            "Resume it without recipe options."
        )
    if state is not None and read_facts(state).key != key:
        raise TrainingError(f"{data} is not the data that the run began with.")
    return config


def find_resumed_init(folder: RunFolder, given: Path | None) -> Path | None:
    """Finds the weights that the run in `folder`, which goes on, begins with: None where it has a
    checkpoint, else the file `given`, or the one that the run named.

    Raises:
        TrainingError: `given` are other weights than the run began with, or they cannot be read.
    """
    if folder.state is None:
        return given or folder.read_init()
    if given is not None and not is_begun_with(folder.state, given):
        raise TrainingError(
            f"The run in {folder.folder} did not begin with {given}. Resume it without --init, or "
            "begin a new run in another folder."
        )
    return None


def is_begun_with(state: Mapping[str, Any], init: Path | None) -> bool:
    """Tells whether the run of a checkpoint's state began with the weights `init`; None: with
    random ones. True for a checkpoint of an older version, which does not say. Raises
    `TrainingError` where the weights cannot be read."""
    if "origins" not in state:
        return True
    origins = read_origins(state)
    if init is None or not origins:
        return init is None and not origins
    return hash_weights(init) == origins[-1].sha256


def find_teaching(
    config: RunConfig,
    files: Sequence[Path],
    pack: Pack,
    examples: Examples,
    machine: ComputeDevice,
    ranks: Ranks,
    folder: Path,
) -> Teaching | None:
    """Prepares what the run's teachers contribute; None without teachers. With the cached view, the
    first rank computes the probabilities and shares them with the others."""
    if not config.teach.teachers:
        return None
    if config.teach.teacher_view == "live":
        return prepare_teaching(files, config, pack, examples, machine, None)
    found = None
    if ranks.is_first:
        found = prepare_teaching(files, config, pack, examples, machine, folder)
    probabilities = ranks.broadcast(
        found.probabilities.cpu() if isinstance(found, CachedTeaching) else None
    )
    assert probabilities is not None
    return CachedTeaching(probabilities.to(examples.labels.device))


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A run to carry to its end. `init` is a file of weights to begin with, `state` a checkpoint to
    go on from, `memory_bytes` the room for decoded pictures."""

    config: RunConfig
    pack: Pack
    output: Path
    machine: ComputeDevice
    teachers: tuple[Path, ...] = ()
    state: dict[str, Any] | None = None
    init: Path | None = None
    memory_bytes: int | None = None
    checkpoint_s: float = 300.0


def carry_out(job: TrainingJob, ranks: Ranks, folder: RunFolder | None) -> float:
    """Trains until the recipe's last epoch, and returns the best accuracy on validation in 0..1.
    `folder` is the first rank's run folder; other ranks get None and write nothing."""
    config, pack, machine, state = job.config, job.pack, job.machine, job.state
    ranks.check_batch(config.train.batch_size)
    examples, valid = load_pair(pack, config, machine.device, job.memory_bytes)
    teaching = find_teaching(config, job.teachers, pack, examples, machine, ranks, job.output)
    facts = gather_facts(pack, examples)
    trainer = Trainer(config, facts, machine, ranks, teaching=teaching)
    if state is not None:
        trainer.restore(state)
    elif job.init is not None:
        report = load_beginning(trainer, job.init, examples)
        if folder is not None:
            print(report.summary(), file=sys.stderr)
    elif folder is not None and config.model.backbone == "dlib":
        print(FROM_CHANCE, file=sys.stderr)
    if folder is not None and folder.begun_with not in (None, trainer.origins):
        raise TrainingError(
            f"The run in {folder.folder} began with other weights. Resume it with these as --init."
        )
    if folder is None:
        for _ in fit(trainer, examples, valid, job.output):
            pass
        return trainer.best_accuracy
    where = f"{machine.device.type}, {'bf16' if machine.autocast else 'fp32'}"
    folder.write_facts(config, pack, where, job.teachers, init=job.init, origins=trainer.origins)
    if state is None:
        save_checkpoint(job.output / LAST, trainer.state("averaged"))
    beside = f" and {examples.outliers} outliers" if examples.outliers else ""
    print(
        f"{examples.faces} training{beside} and {len(valid)} validation faces, "
        f"{sum(p.numel() for p in trainer.net.parameters()) / 1e6:.2f} M parameters, {where}",
        file=sys.stderr,
    )
    with catch_ctrl_c() as stop:
        lines = fit(
            trainer,
            examples,
            valid,
            job.output,
            checkpoint_s=job.checkpoint_s,
            stop=stop if ranks.count == 1 else lambda: False,
        )
        for line in lines:
            folder.add_line(line)
            print_line(json.dumps(line))
    return trainer.best_accuracy
