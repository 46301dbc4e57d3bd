"""Quantises an exported model.

python -m training.quantise DATA MODEL.onnx -o INT8.onnx

The file is written only when it is as good as the original on the validation split, and faster in
the same run. Otherwise the command prints the figures and leaves an older file as it was.
"""

import argparse
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import add_options, collect_given_options, run_entry_point
from training.base.files import write_text_file
from training.datasets.pack_reader import read_pack
from training.exporting.int8 import Int8Settings
from training.exporting.int8_file import ROUNDS, survey_settings, write_int8_file
from training.judge.latency import THREADS


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.quantise`."""
    top = OneLineParser(
        prog="python -m training.quantise",
        description="Write an exported model in 8-bit integers, if it is as good on the validation "
        "split and faster.",
    )
    top.add_argument("data", type=Path, help="the .npz that the model was trained on")
    top.add_argument("model", type=Path, help="the .onnx file of training.export")
    ways = top.add_mutually_exclusive_group(required=True)
    ways.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the .onnx file to write or replace"
    )
    ways.add_argument(
        "--survey",
        type=Path,
        metavar="FILE.md",
        help="write no model, but a table of what each setting gives, changed one by one",
    )
    top.add_argument(
        "--anyway",
        action="store_true",
        help="write the file even when it loses too much or is not faster (exit code 1)",
    )
    top.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        metavar="N",
        help=f"turns in which files are timed (default: {ROUNDS})",
    )
    top.add_argument(
        "--threads",
        type=int,
        default=THREADS,
        metavar="N",
        help=f"CPU threads of ONNX Runtime while they are timed (default: {THREADS})",
    )
    add_options(top.add_argument_group("how"), Int8Settings)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    target: Path = options.output or options.survey
    if options.output is not None and target.suffix != ".onnx":
        raise TrainingError(f"{target}: the output must end in .onnx.")
    if not target.parent.is_dir():
        raise TrainingError(f"{target.parent} is not a folder. Make it first.")
    if options.rounds < 1 or options.threads < 1:
        raise TrainingError("--rounds and --threads must be at least 1.")
    try:
        settings = Int8Settings(**collect_given_options(vars(options), Int8Settings))
    except ValueError as cause:
        raise TrainingError(f"{cause}.") from cause
    timing = {"rounds": options.rounds, "threads": options.threads}
    pack = read_pack(options.data)
    if options.survey is not None:
        page = survey_settings(pack, options.model, settings, **timing)
        write_text_file(target, page)
        print(page, end="")
        return 0
    lines, faults = write_int8_file(
        pack, options.model, target, settings, anyway=options.anyway, **timing
    )
    print("\n".join(lines))
    if faults and not options.anyway:
        raise TrainingError(
            f"{target} was not written: {'; '.join(faults)}. Try other settings, or --anyway."
        )
    print(f"{target}: " + ("not fit to ship, " + "; ".join(faults) if faults else "fit to ship."))
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
