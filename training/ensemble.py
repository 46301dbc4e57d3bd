"""What networks know together that none knows alone, before hours go into learning from them:

python -m training.ensemble ferplus.npz a.pt b.pt c.pt

Judges the mean of their probabilities on validation, which is what a student would be taught
(`training.run.teachers`), with and without each face's mirror image. Networks that err on the same
faces have little to teach.
"""

import argparse
from pathlib import Path

import numpy as np

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.device import ComputeDevice
from training.datasets.pack import read_pack
from training.run.options import add_machine_options
from training.run.teachers import load_teachers
from training.studies.ensembles import compare_networks, format_ensemble, probabilities


def parser() -> argparse.ArgumentParser:
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
    options = parser().parse_args(argv)
    if len(options.checkpoints) < 2:
        raise TrainingError("An ensemble needs two checkpoints at least.")
    machine = ComputeDevice.choose(options.device, options.precision, compile_net=False)
    pack = read_pack(options.data)
    names, said = [], []
    for file in options.checkpoints:
        (teacher,) = load_teachers([file], pack.meta.labels, machine.device)
        shares, labels = probabilities(teacher, pack, machine)
        names.append(str(file))
        said.append(shares)
    print(format_ensemble(compare_networks(names, np.stack(said), labels)))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
