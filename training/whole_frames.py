"""Copies a prepared file as if no face had been found in any picture, to measure the gain of
alignment.

python -m training.whole_frames ferplus.npz -o frames.npz

Each picture is then seen as it is. The recipe's `--keep` sets how much of an aligned face a crop
keeps.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from app.errors import DataError
from app.process.one_line_parser import OneLineParser
from app.wording import format_count
from training.base.cli import run_entry_point
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.unaligned import copy_unaligned


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.whole_frames`."""
    top = OneLineParser(
        prog="python -m training.whole_frames",
        description="Copy a prepared file as if no face had been found in it, to measure what "
        "alignment gives.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("-o", "--output", type=Path, required=True, help="the .npz to write")
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.output.exists():
        raise DataError(f"{options.output} is there already. Choose another -o.")
    pack = read_pack(options.data)
    meta = replace(pack.meta, made_from=pack.meta.made_from | {"framing": "whole frames"})
    count = write_pack(options.output, meta, copy_unaligned(pack))
    print(f"{options.output}: {format_count(count, 'picture')}, whole frames")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
