"""Trains a DACL network.

python -m training.train DATA.npz -o RUN_FOLDER
"""

import argparse
from pathlib import Path
from typing import Any

import torch

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.device import ComputeDevice
from training.base.option_types import parse_gigabytes
from training.base.processes import Ranks, join_ranks
from training.datasets.pack_reader import read_pack
from training.run.job import (
    TrainingJob,
    carry_out,
    find_resumed_init,
    read_resumed_recipe,
)
from training.run.options import (
    DEFAULT_RECIPE,
    RECIPE_MAKERS,
    add_machine_options,
    add_recipe_options,
    add_teacher_options,
    read_recipe,
)
from training.run.run_folder import RunFolder


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.train`."""
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
        type=parse_gigabytes,
        metavar="X",
        help="decoded pictures that take more than this are decoded batch by batch instead "
        "(default: half of the free memory)",
    )
    top.add_argument(
        "--init",
        type=Path,
        metavar="FILE.pth",
        help="begin with these weights: a checkpoint of this program, dlib's face recognition "
        "network (docs/retraining.md says where it is), or a state dict of your own",
    )
    top.add_argument(
        "--recipe",
        choices=sorted(RECIPE_MAKERS),
        default=DEFAULT_RECIPE,
        help="where the options below start from: default; dlib, dlib's face recognition network, "
        "whose weights --init names; or paper, the configuration that the authors published",
    )
    add_recipe_options(top)
    add_teacher_options(top.add_argument_group("teachers"))
    return top


def _train(options: argparse.Namespace, ranks: Ranks, folder: RunFolder | None) -> int:
    """Trains. `folder` is the first rank's; the other ranks go on from what the first rank
    began."""
    machine = ComputeDevice.choose(options.device, options.precision, options.compile)
    pack = read_pack(options.data)
    config = read_recipe(vars(options), RECIPE_MAKERS[options.recipe]())
    state: dict[str, Any] | None = None
    teachers, init = tuple(options.teacher or ()), options.init
    if folder is not None and options.resume:
        config = read_resumed_recipe(folder, vars(options), options.data, pack.meta.key)
        state = folder.state
        teachers = teachers or folder.read_teachers()
        init = find_resumed_init(folder, init)
    config, state, teachers, init = ranks.broadcast((config, state, teachers, init))
    job = TrainingJob(
        config=config,
        pack=pack,
        output=options.output,
        machine=machine,
        teachers=teachers,
        state=state,
        init=init,
        memory_bytes=None if options.memory_gb is None else round(options.memory_gb * 2**30),
        checkpoint_s=options.checkpoint_minutes * 60,
    )
    best = carry_out(job, ranks, folder)
    if folder is not None:
        print(f"{options.output / 'best.pt'}: {100 * best:.2f} % on validation.")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    device = "cuda" if options.device != "cpu" and torch.cuda.is_available() else "cpu"
    try:
        with join_ranks(device) as ranks:
            if not ranks.is_first:
                return _train(options, ranks, None)
            with RunFolder(options.output, resume=options.resume) as folder:
                return _train(options, ranks, folder)
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
    raise SystemExit(run_entry_point(main))
