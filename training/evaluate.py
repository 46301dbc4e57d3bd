"""Judges a checkpoint or an exported model.

python -m training.evaluate DATA.npz MODEL

The model is judged on the validation split (FER+'s PublicTest) unless --split asks for the test
split by name. Each opening of the test split is entered in the ledger, so that everybody can see
how often it was opened.
"""

import argparse
import datetime
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.datasets.pack_reader import read_pack
from training.judge.corruption_options import (
    CorruptionRequest,
    add_corruption_options,
    check_corruptions,
    judge_corruptions,
)
from training.judge.evaluation import (
    evaluate,
    format_class_share,
    format_rule,
    format_split,
    format_summary,
    list_missing_labels,
    write_evaluation,
)
from training.judge.latency import measure_latency_ms
from training.judge.ledger import LEDGER, enter_in_ledger
from training.judge.rule_reading import judge_rule
from training.measures.doubt_lines import format_doubt, format_priors
from training.measures.rule_gains import format_rule_report


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.evaluate`."""
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
        "--as-trained",
        action="store_true",
        help="judge an exported model without the app's mirror images and prior correction, as "
        "papers judge networks; a checkpoint is always judged so",
    )
    top.add_argument(
        "--priors",
        action="store_true",
        help="also print what correcting for the training priors does, tau from 0 to 1 "
        "(run_demo.py --prior-correction)",
    )
    top.add_argument(
        "--rule",
        action="store_true",
        help="also print what an exported model's decision rule and mirror images change, face by "
        "face, and the prior corrections from which the rule was chosen; not for the test split, "
        "because the rule is chosen by these figures",
    )
    top.add_argument(
        "--device", choices=["cpu", "cuda"], default="cpu", help="where to compute (default: cpu)"
    )
    add_corruption_options(top)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.split == "test" and not options.ledger.parent.is_dir():
        raise TrainingError(f"{options.ledger.parent} is not a folder. Give another --ledger.")
    if not options.model.is_file():
        raise TrainingError(f"The model {options.model} is missing. Give a .pt or .onnx file.")
    if options.latency and options.model.suffix != ".onnx":
        raise TrainingError("--latency times an exported model. Give a .onnx file.")
    if options.rule and (options.model.suffix != ".onnx" or options.split == "test"):
        raise TrainingError(
            "--rule compares an exported model's ways to read faces other than the test split's. "
            "Give a .onnx file, and leave --split test out."
        )
    corruptions = CorruptionRequest(
        model=options.model,
        against=options.against,
        split=options.split,
        faces=options.faces,
        seed=options.seed,
        device=options.device,
        output=options.output,
    )
    check_corruptions(corruptions, are_wanted=options.corruptions)
    pack = read_pack(options.data)
    report = evaluate(
        pack, options.model, options.split, options.device, as_trained=options.as_trained
    )
    if options.split == "test":
        enter_in_ledger(report, options.ledger, datetime.date.today())
    print(f"{report.model}, {report.dataset} {format_split(report)}")
    print(format_rule(report))
    print(f"majority protocol, {format_summary(report.majority)}")
    if report.argmax is not None:
        print(f"plain winner of the votes, {format_summary(report.argmax)}")
    for line in format_doubt(report.doubt):
        print(line)
    for line in (
        format_priors(report.model, report.doubt, list_missing_labels(report))
        if options.priors
        else []
    ):
        print(line)
    if options.rule:
        found = judge_rule(pack, options.model, options.split, options.device)
        print("", *format_rule_report(found), "", sep="\n")
    for label, row, recall in zip(
        report.labels, report.majority.confusion, report.majority.recall, strict=True
    ):
        print(f"  {label:<12} {format_class_share(recall)}  of {sum(row)}")
    if options.latency:
        median, late = measure_latency_ms(options.model)
        print(f"one face, CPU, 2 threads: median {median:.2f} ms, 95 % within {late:.2f} ms")
    left_out = write_evaluation(report, options.output) if options.output else []
    if options.corruptions:
        left_out += judge_corruptions(pack, corruptions)
    for line in left_out:
        print(line)
    return 1 if left_out else 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
