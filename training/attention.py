"""Shows which elements of the deep feature DACL's attention keeps for single faces.

python -m training.attention RUN/best.pt photo.jpg -o folder
"""

import argparse
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.checkpoints.checkpoint import load_trained
from training.judge.attention import write_evidence_figures


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.attention`."""
    top = OneLineParser(
        prog="python -m training.attention",
        description="Show, for any picture, which elements of the deep feature the attention keeps "
        "and where the evidence for each expression lies with and without it.",
    )
    top.add_argument("checkpoint", type=Path, help="RUN_FOLDER/best.pt of a run with --loss dacl")
    top.add_argument("pictures", type=Path, nargs="+", help="pictures with a face")
    top.add_argument(
        "-o", "--output", type=Path, default=Path(), help="folder for the figures (default: here)"
    )
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    trained = load_trained(options.checkpoint)
    if trained.config.train.loss != "dacl":
        raise TrainingError(
            f"{options.checkpoint} was trained with the {trained.config.train.loss} loss and has "
            "no attention. Give a run with --loss dacl."
        )
    if not options.output.is_dir():
        raise TrainingError(f"{options.output} is not a folder. Make it first.")
    for path in write_evidence_figures(trained, options.pictures, options.output):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
