"""Measures how fast training is.

python -m training.benchmark DATA.npz

Our loop keeps the whole training set on the device as uint8, aligns and augments a batch in one
resampling there, and computes in mixed precision with channels last. It is compared with the way
the authors' code feeds the same network at the same size: Pillow decodes, resizes, crops and flips
each picture on its own in loader workers, in fp32. Both loops take turns in one process, so that a
busy machine slows both.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.device import ComputeDevice
from training.base.files import write_text_file
from training.config.run_config import RunConfig
from training.datasets.pack_reader import read_pack
from training.run.options import add_machine_options, add_recipe_options, read_recipe
from training.studies.speed import describe_timings, measure_training


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.benchmark`."""
    top = OneLineParser(
        prog="python -m training.benchmark",
        description="Images per second of our training loop and of the authors' way of feeding the "
        "same network, in turn; options of the recipe choose the network (default: as shipped).",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument(
        "--steps", type=int, default=10, metavar="N", help="steps a turn (default: 10)"
    )
    top.add_argument("--rounds", type=int, default=5, metavar="N", help="turns each (default: 5)")
    top.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    add_machine_options(top)
    top.add_argument(
        "--compile", action="store_true", help="torch.compile for our loop; needs a C++ compiler"
    )
    add_recipe_options(top)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.steps < 1 or options.rounds < 1:
        raise TrainingError("--steps and --rounds must be at least 1.")
    config = read_recipe(vars(options), RunConfig())
    config = replace(config, train=replace(config.train, loss="dacl"))
    machine = ComputeDevice.choose(options.device, options.precision, options.compile)
    pack = read_pack(options.data)
    timings = measure_training(pack, config, machine, options.steps, options.rounds)
    print(describe_timings(timings, len(pack.find_rows("train")), config.train.epochs))
    if options.json is not None:
        write_text_file(options.json, json.dumps(asdict(timings), indent=1) + "\n")
        print(options.json, file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
