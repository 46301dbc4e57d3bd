"""Trains a DACL network: python -m training.train DATA.npz -o RUN_FOLDER"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from app.interrupt import ctrl_c
from app.one_line_parser import OneLineParser
from app.types import TrainingError
from training.augment_config import AugmentConfig
from training.begin import begin_with
from training.checkpoint import facts_of, save
from training.checkpoint_digest import file_digest
from training.cli import add_options, chosen, run
from training.data import Examples
from training.fit import fit
from training.machine import Machine
from training.model import ModelConfig
from training.option_types import gigabytes
from training.pack import Pack, read_pack
from training.pair import data_facts, load_pair
from training.progress import say
from training.ranks import Ranks, joined
from training.run_config import RunConfig
from training.run_folder import LAST, RunFolder
from training.teach import Cached, Teaching, prepared
from training.teach_config import TeachConfig
from training.train_config import TrainConfig
from training.trainer import Trainer

RECIPES: dict[str, Callable[[], RunConfig]] = {
    "default": RunConfig,
    "dlib": RunConfig.face_pretrained,
    "paper": RunConfig.published,
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
    """Every option of a recipe; `recipe` reads them back."""
    for title, config in (
        ("recipe", TrainConfig),
        ("network", ModelConfig),
        ("augmentation", AugmentConfig),
    ):
        add_options(parser.add_argument_group(title), config)


def add_teacher_options(parser: argparse._ActionsContainer) -> None:
    """For `recipe`, too."""
    parser.add_argument(
        "--teacher",
        type=Path,
        action="append",
        metavar="FILE.pt",
        help="learn from this network, too: a checkpoint (best.pt, last.pt, NAME.pt) of the same "
        "labels, of any size; given several times, from the mean of their probabilities",
    )
    add_options(parser, TeachConfig)


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="python -m training.train",
        description="Train a DACL network on a prepared file. The best checkpoint on the "
        "validation split is RUN_FOLDER/best.pt. On several GPUs or machines: torchrun "
        "--nproc-per-node N -m training.train …",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("-o", "--output", type=Path, required=True, help="the run's folder")
    top.add_argument(
        "--resume", action="store_true", help="go on exactly where the run in the folder stopped"
    )
    add_machine_options(top)
    top.add_argument(
        "--compile",
        action="store_true",
        help="torch.compile: a minute more to start, then faster steps; needs a C++ compiler",
    )
    top.add_argument(
        "--checkpoint-minutes",
        type=float,
        default=5.0,
        metavar="X",
        help="longest time between checkpoints (default: 5)",
    )
    top.add_argument(
        "--memory-gb",
        type=gigabytes,
        metavar="X",
        help="decoded pictures that take more than this are decoded batch by batch instead "
        "(default: half of the free memory)",
    )
    top.add_argument(
        "--init",
        type=Path,
        metavar="FILE.pth",
        help="begin with these weights: a checkpoint of this program, or a state dict of your own",
    )
    top.add_argument(
        "--recipe",
        choices=sorted(RECIPES),
        default="default",
        help="where the options below start from: default; dlib, dlib's face recognition network "
        "to be begun with its weights (--init); or paper, the configuration that the authors "
        "published",
    )
    add_recipe_options(top)
    add_teacher_options(top.add_argument_group("teachers"))
    return top


def recipe(options: argparse.Namespace, base: RunConfig) -> RunConfig:
    """`base` with what was said on the command line."""
    teach = chosen(options, TeachConfig)
    if files := getattr(options, "teacher", None):
        teach["teachers"] = tuple(file_digest(file) for file in files)
    elif teach and not base.teach.teachers:
        raise TrainingError("The teacher options need a teacher. Add --teacher FILE.pt.")
    try:
        return RunConfig(
            train=replace(base.train, **chosen(options, TrainConfig)),
            model=replace(base.model, **chosen(options, ModelConfig)),
            augment=replace(base.augment, **chosen(options, AugmentConfig)),
            teach=replace(base.teach, **teach),
        )
    except ValueError as cause:
        raise TrainingError(f"The recipe cannot be: {cause}.") from cause


def resumed(folder: RunFolder, options: argparse.Namespace, key: str) -> RunConfig:
    """The recipe of the run that goes on. Raises `TrainingError` when another one, or other data,
    was asked for."""
    state = folder.state
    config = folder.begun if state is None else RunConfig.from_dict(state["config"])
    assert config is not None
    if others := config.differences(recipe(options, config)):
        raise TrainingError(
            f"The run in {folder.folder} has another recipe ({'; '.join(others)} asked for). "
            "Resume it without recipe options."
        )
    if state is not None and facts_of(state).key != key:
        raise TrainingError(f"{options.data} is not the data that the run began with.")
    return config


def find_teaching(
    config: RunConfig,
    files: Sequence[Path],
    pack: Pack,
    examples: Examples,
    machine: Machine,
    ranks: Ranks,
    folder: Path,
) -> Teaching | None:
    """What the run's teachers say; the cached view is the first rank's work."""
    if not config.teach.teachers:
        return None
    if config.teach.teacher_view == "live":
        return prepared(files, config, pack, examples, machine, None)
    found = None
    if ranks.first:
        found = prepared(files, config, pack, examples, machine, folder)
    said = ranks.share(found.probabilities.cpu() if isinstance(found, Cached) else None)
    assert said is not None
    return Cached(said.to(examples.labels.device))


@dataclass(frozen=True, slots=True)
class Job:
    """A run to be carried to its end: what from, where to, and what to begin with. `state` is a
    checkpoint to go on from."""

    config: RunConfig
    pack: Pack
    output: Path
    machine: Machine
    teachers: tuple[Path, ...] = ()
    state: dict[str, Any] | None = None
    init: Path | None = None
    memory_bytes: int | None = None
    checkpoint_s: float = 300.0


def carry_out(job: Job, ranks: Ranks, folder: RunFolder | None) -> float:
    """Returns the best accuracy on validation. `folder` is the first rank's; the others write
    nothing."""
    config, pack, machine, state = job.config, job.pack, job.machine, job.state
    ranks.check_batch(config.train.batch_size)
    examples, valid = load_pair(pack, config, machine.device, job.memory_bytes)
    teaching = find_teaching(config, job.teachers, pack, examples, machine, ranks, job.output)
    facts = data_facts(pack, examples)
    trainer = Trainer(config, facts, machine, ranks, teaching=teaching)
    if state is not None:
        trainer.restore(state)
    elif job.init is not None:
        report = begin_with(trainer, job.init, examples)
        if folder is not None:
            print(report.summary(), file=sys.stderr)
    if folder is None:
        for _ in fit(trainer, examples, valid, job.output):
            pass
        return trainer.best_accuracy
    where = f"{machine.device.type}, {'bf16' if machine.autocast else 'fp32'}"
    folder.write_facts(config, pack, where, job.teachers)
    if state is None:
        save(job.output / LAST, trainer.state("averaged"))
    beside = f" and {examples.outliers} outliers" if examples.outliers else ""
    print(
        f"{examples.faces} training{beside} and {len(valid)} validation faces, "
        f"{sum(p.numel() for p in trainer.net.parameters()) / 1e6:.2f} M parameters, {where}",
        file=sys.stderr,
    )
    with ctrl_c() as stop:
        lines = fit(
            trainer,
            examples,
            valid,
            job.output,
            checkpoint_s=job.checkpoint_s,
            stop=stop if ranks.count == 1 else lambda: False,
        )
        for line in lines:
            folder.add(line)
            say(json.dumps(line))
    return trainer.best_accuracy


def train(options: argparse.Namespace, ranks: Ranks, folder: RunFolder | None) -> int:
    """`folder` is the first rank's; the others go on from what it began."""
    machine = Machine.choose(options.device, options.precision, options.compile)
    pack = read_pack(options.data)
    config = recipe(options, RECIPES[options.recipe]())
    state: dict[str, Any] | None = None
    teachers = tuple(options.teacher or ())
    if folder is not None and options.resume:
        config, state = resumed(folder, options, pack.meta.key), folder.state
        teachers = teachers or folder.teachers()
    config, state, teachers = ranks.share((config, state, teachers))
    job = Job(
        config=config,
        pack=pack,
        output=options.output,
        machine=machine,
        teachers=teachers,
        state=state,
        init=options.init,
        memory_bytes=None if options.memory_gb is None else round(options.memory_gb * 2**30),
        checkpoint_s=options.checkpoint_minutes * 60,
    )
    best = carry_out(job, ranks, folder)
    if folder is not None:
        print(f"{options.output / 'best.pt'}: {100 * best:.2f} % on validation.")
    return 0


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    device = "cuda" if options.device != "cpu" and torch.cuda.is_available() else "cpu"
    try:
        with joined(device) as ranks:
            if not ranks.first:
                return train(options, ranks, None)
            with RunFolder(options.output, resume=options.resume) as folder:
                return train(options, ranks, folder)
    except torch.OutOfMemoryError as cause:
        raise TrainingError(
            "The device's memory is too small for this. Lower --batch-size or --width."
        ) from cause
    except RuntimeError as cause:
        if not options.compile:
            raise
        reason = str(cause).partition("\n")[0]
        raise TrainingError(
            f"torch.compile does not work here ({reason}). Leave --compile out."
        ) from cause


if __name__ == "__main__":
    raise SystemExit(run(main))
