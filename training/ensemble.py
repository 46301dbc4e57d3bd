"""Judges the mean of several networks, before hours are spent on learning from it.

python -m training.ensemble ferplus.npz a.pt b.pt c.pt

The mean of the networks' probabilities is judged on validation, with and without the mirror image
of each face. A student would be taught this mean (`training.run.teaching`). Networks that err on
the same faces have little to teach.
"""

import argparse
from pathlib import Path

import numpy as np

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.device import ComputeDevice
from training.datasets.pack_reader import read_pack
from training.run.options import add_machine_options
from training.run.teachers import load_teachers
from training.studies.ensembles import compare_networks, format_ensemble, read_probabilities


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.ensemble`."""
    top = OneLineParser(
        prog="python -m training.ensemble",
        description="How good the mean of several networks' probabilities is on validation: what "
        "a student could learn from them. The test split stays closed.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("checkpoints", type=Path, nargs="+", metavar="FILE.pt", help="the networks")
    add_machine_options(top)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if len(options.checkpoints) < 2:
        raise TrainingError("An ensemble needs two checkpoints at least.")
    if len({file.resolve() for file in options.checkpoints}) < len(options.checkpoints):
        raise TrainingError("One checkpoint is given twice. Give each once.")
    machine = ComputeDevice.choose(options.device, options.precision, compile_net=False)
    pack = read_pack(options.data)
    names, probabilities = [], []
    for file in options.checkpoints:
        (teacher,) = load_teachers([file], pack.meta.labels, machine.device)
        shares, labels = read_probabilities(teacher, pack, machine)
        names.append(str(file))
        probabilities.append(shares)
    print(format_ensemble(compare_networks(names, np.stack(probabilities), labels)))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
