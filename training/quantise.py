"""An exported model in 8-bit integers: python -m training.quantise DATA MODEL.onnx -o INT8.onnx

The file is written only when it is as good as the one it was made from, on the validation split,
and faster in the same run; otherwise the command says the figures and leaves what was there.
"""

import argparse
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import add_options, collect_given_options, run_entry_point
from training.base.files import write_text_file
from training.datasets.pack import read_pack
from training.exporting.int8 import Int8Settings
from training.exporting.int8_file import ROUNDS, quantise, survey
from training.judge.latency import THREADS


def parser() -> argparse.ArgumentParser:
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
    options = parser().parse_args(argv)
    target: Path = options.output or options.survey
    if options.output is not None and target.suffix != ".onnx":
        raise TrainingError(f"{target}: the output must end in .onnx.")
    if not target.parent.is_dir():
        raise TrainingError(f"{target.parent} is not a folder. Make it first.")
    if options.rounds < 1 or options.threads < 1:
        raise TrainingError("--rounds and --threads must be at least 1.")
    try:
        settings = Int8Settings(**collect_given_options(options, Int8Settings))
    except ValueError as cause:
        raise TrainingError(f"{cause}.") from cause
    timing = {"rounds": options.rounds, "threads": options.threads}
    pack = read_pack(options.data)
    if options.survey is not None:
        page = survey(pack, options.model, settings, **timing)
        write_text_file(target, page)
        print(page, end="")
        return 0
    says, found = quantise(pack, options.model, target, settings, anyway=options.anyway, **timing)
    print("\n".join(says))
    if found and not options.anyway:
        raise TrainingError(
            f"{target} was not written: {'; '.join(found)}. Try other settings, or --anyway."
        )
    print(f"{target}: " + ("not fit to ship, " + "; ".join(found) if found else "fit to ship."))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
