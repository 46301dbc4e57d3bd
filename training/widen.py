"""Writes a wider network that computes the same.

python -m training.widen models/dacl.pt -o wide.pt

Training goes on from the wider network with `training.train --width N --init wide.pt`.
"""

import argparse
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.option_types import parse_seed
from training.checkpoints.wider import write_wide


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.widen`."""
    top = OneLineParser(
        prog="python -m training.widen",
        description="Write a wider network that says the same, to go on training from.",
    )
    top.add_argument("checkpoint", type=Path, metavar="FILE.pt", help="the narrow network")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="WIDE.pt", help="the file to write"
    )
    top.add_argument(
        "--width", type=int, required=True, metavar="N", help="channels of its first stage"
    )
    top.add_argument("--seed", type=parse_seed, default=0, help="of the shares (default: 0)")
    top.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.output.exists() and not options.overwrite:
        raise TrainingError(f"{options.output} is there already. Choose another, or --overwrite.")
    wide = write_wide(options.checkpoint, options.output, options.width, options.seed)
    millions = sum(p.numel() for p in wide.net.backbone.parameters()) / 1e6
    print(f"{options.output}: width {wide.config.model.width}, {millions:.1f} M parameters.")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
