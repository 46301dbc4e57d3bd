"""Averages the weights of runs that began with the same weights.

python -m training.soup ferplus.npz a/best.pt b/best.pt -o soup.pt
"""

import argparse
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.device import ComputeDevice
from training.datasets.pack_reader import read_pack
from training.run.averages import make_soup
from training.run.options import add_machine_options


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.soup`."""
    top = OneLineParser(
        prog="python -m training.soup",
        description="Average the weights of runs that began with the same ones: one network, "
        "often better than each. Chosen on validation; the test split stays closed.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("checkpoints", type=Path, nargs="+", metavar="FILE.pt", help="the runs' best")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="SOUP.pt", help="the file to write"
    )
    top.add_argument(
        "--all", action="store_true", help="the mean of all, instead of those that do no harm"
    )
    top.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    add_machine_options(top)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if len(options.checkpoints) < 2:
        raise TrainingError("An average needs two checkpoints at least.")
    if options.output.exists() and not options.overwrite:
        raise TrainingError(f"{options.output} is there already. Choose another, or --overwrite.")
    machine = ComputeDevice.choose(options.device, options.precision, compile_net=False)
    pack = read_pack(options.data)
    soup = make_soup(pack, options.checkpoints, options.output, machine, greedy=not options.all)
    print(
        f"{options.output}: the mean of {len(soup.ingredients)} of {len(options.checkpoints)}, "
        f"{100 * soup.metrics.accuracy:.2f} % on validation."
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
