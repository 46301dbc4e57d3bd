"""Tests whether class activation maps are right.

python -m training.faithful DATA MODEL.onnx [-o FOLDER]

Covering the area that the map of a class marks should lower that class's score more than covering
as much elsewhere: anywhere, the area that the map marks least, the area that another face's map
marks, or a square in the middle. The command measures this on the validation split, for the
predicted and for the true class.
"""

import argparse
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.files import write_text_file
from training.datasets.pack_reader import read_pack
from training.judge.faithfulness import format_faithfulness_page, measure_faithfulness

PAGE = "faithfulness.md"
FIGURE = "deletion.png"


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.faithful`."""
    top = OneLineParser(
        prog="python -m training.faithful",
        description="Whether covering what a class activation map marks lowers that class's score "
        "more than covering as much elsewhere, on the validation split.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("model", type=Path, help="an exported model (.onnx)")
    top.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help=f"write {PAGE} and {FIGURE}, the deletion curves, there",
    )
    top.add_argument(
        "--faces", type=int, metavar="N", help="only so many faces, drawn at random (default: all)"
    )
    top.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of that draw and of the pairs of faces that lend each other maps (default: 0)",
    )
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.faces is not None and options.faces < 2:
        raise TrainingError("--faces must be at least 2.")
    if options.seed < 0:
        raise TrainingError("--seed must be at least 0.")
    if options.output is not None:
        try:
            options.output.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise TrainingError(
                f"{options.output} could not be made: {cause.strerror or cause}. Choose another -o."
            ) from cause
    pack = read_pack(options.data)
    found = measure_faithfulness(pack, options.model, faces=options.faces, seed=options.seed)
    page = format_faithfulness_page(found, options.model.name, pack.meta.dataset)
    print(page, end="")
    if options.output is None:
        return 0
    write_text_file(options.output / PAGE, page)
    try:
        from training.figures.deletion import draw_deletion_curves
    except ImportError:
        print("The figure was left out: matplotlib is not installed.")
        return 1
    draw_deletion_curves(found, options.output / FIGURE)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
