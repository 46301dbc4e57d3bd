"""Judges a checkpoint or an exported model: python -m training.evaluate DATA.npz MODEL

On the validation split (FER+'s PublicTest) unless the test split is asked for by name; each opening
of the test split is entered in the ledger, so that everybody can see how often it was looked at.
"""

import argparse
import datetime
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.datasets.pack import read_pack
from training.judge.corruption_options import (
    add_corruption_options,
    check_corruptions,
    judge_corruptions,
)
from training.judge.evaluation import (
    evaluate,
    missing_labels,
    share_text,
    split_name,
    summary,
    write_evaluation,
)
from training.judge.latency import latency_ms
from training.judge.ledger import LEDGER, enter_in_ledger
from training.measures.doubt_lines import format_doubt, format_priors


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="python -m training.evaluate",
        description="Accuracy, mean class recall, macro F1, confusion matrix, calibration and "
        "accuracy against coverage of a checkpoint (.pt) or an exported model (.onnx), on clean "
        "and on corrupted faces.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("model", type=Path, help="a checkpoint (.pt) or an exported model (.onnx)")
    top.add_argument(
        "--split",
        choices=["train", "valid", "test"],
        default="valid",
        help="what to judge on: valid is FER+'s PublicTest (default), test its PrivateTest, which "
        "is for reporting only and is entered in the ledger",
    )
    top.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="write report and figures there"
    )
    top.add_argument(
        "--ledger",
        type=Path,
        default=LEDGER,
        metavar="FILE",
        help="where openings of the test split are entered (default: docs/test_ledger.md)",
    )
    top.add_argument(
        "--latency",
        action="store_true",
        help="also time one face through an exported model, on the CPU with two threads",
    )
    top.add_argument(
        "--priors",
        action="store_true",
        help="also print what correcting for the training priors does, tau from 0 to 1 "
        "(run_demo.py --prior-correction)",
    )
    top.add_argument(
        "--device", choices=["cpu", "cuda"], default="cpu", help="where to compute (default: cpu)"
    )
    add_corruption_options(top)
    return top


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.split == "test" and not options.ledger.parent.is_dir():
        raise TrainingError(f"{options.ledger.parent} is not a folder. Give another --ledger.")
    if not options.model.is_file():
        raise TrainingError(f"The model {options.model} is missing. Give a .pt or .onnx file.")
    if options.latency and options.model.suffix != ".onnx":
        raise TrainingError("--latency times an exported model. Give a .onnx file.")
    check_corruptions(options)
    pack = read_pack(options.data)
    report = evaluate(pack, options.model, options.split, options.device)
    if options.split == "test":
        enter_in_ledger(report, options.ledger, datetime.date.today())
    print(f"{report.model}, {report.dataset} {split_name(report)}")
    print(f"majority protocol, {summary(report.majority)}")
    if report.argmax is not None:
        print(f"plain winner of the votes, {summary(report.argmax)}")
    for line in format_doubt(report.doubt):
        print(line)
    for line in (
        format_priors(report.model, report.doubt, missing_labels(report)) if options.priors else []
    ):
        print(line)
    for label, row, recall in zip(
        report.labels, report.majority.confusion, report.majority.recall, strict=True
    ):
        print(f"  {label:<12} {share_text(recall)}  of {sum(row)}")
    if options.latency:
        median, late = latency_ms(options.model)
        print(f"one face, CPU, 2 threads: median {median:.2f} ms, 95 % within {late:.2f} ms")
    left_out = write_evaluation(report, options.output) if options.output else []
    if options.corruptions:
        left_out += judge_corruptions(pack, options)
    for line in left_out:
        print(line)
    return 1 if left_out else 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
