"""Judges a checkpoint or an exported model: python -m training.evaluate DATA.npz MODEL

On the validation split (FER+'s PublicTest) unless the test split is asked for by name; each opening
of the test split is entered in the ledger, so that everybody can see how often it was looked at.
"""

import argparse
import datetime
import hashlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.alignment import AlignmentTemplate, ColourMode
from app.classifier import Classifier
from app.contract import Contract
from app.hidden_files import hidden
from app.one_line_parser import OneLineParser
from app.types import DataError, TrainingError, readable
from training.checkpoint import load_trained
from training.cli import run
from training.data import NO_LABEL, Examples, argmax_labels, load_examples, majority_labels
from training.doubt import DoubtReport, Thresholds, judge_doubt
from training.doubt_lines import doubt_lines, prior_lines
from training.json_values import plain_json
from training.latency import THREADS, face_work, take_turns
from training.machine import Machine, normalise
from training.metrics import Metrics, interval, measure
from training.model import DaclNet
from training.pack import Pack, read_pack
from training.progress import progress
from training.readers import SPLIT_NAMES, Split
from training.robustness_command import (
    add_corruption_options,
    check_corruptions,
    judge_corruptions,
)
from training.wording import counted

LEDGER = Path(__file__).resolve().parent.parent / "docs" / "test_ledger.md"
LEDGER_HEAD = """# Openings of the test split

Models and settings are chosen on the validation split (FER+'s PublicTest). `training.evaluate
--split test` opens the test split (PrivateTest) and adds a line here; nothing else opens it.

| date | model | sha256 | data | faces | accuracy | mean class recall | macro F1 | ECE |
|---|---|---|---|---|---|---|---|---|
"""
OWN_NAMES: dict[str, dict[Split, str]] = {  # what a data set's papers call its splits
    "FER+": {"valid": "PublicTest", "test": "PrivateTest"},
    "AffectNet": {"valid": "a share of training.csv", "test": "validation.csv"},
    "RAF-DB": {"valid": "a share of train"},
}
BATCH = 256
FEW_FACES = 100


@dataclass(frozen=True, slots=True)
class Report:
    """`majority` is the official protocol; `argmax` the larger set of plain winners, where the data
    has votes. `doubt` is of the majority protocol."""

    model: str
    sha256: str
    dataset: str
    split: Split
    labels: tuple[str, ...]
    temperature: float
    majority: Metrics
    argmax: Metrics | None
    doubt: DoubtReport


def uint8_crops(examples: Examples, rows: torch.Tensor) -> NDArray[np.uint8]:
    """`(B, S, S, 3)` BGR: whole grey levels, as the demo hands them to the classifier."""
    crops = examples.crops(rows).round().to(torch.uint8)
    planes = crops.expand(-1, 3, -1, -1) if crops.shape[1] == 1 else crops.flip(1)
    return np.ascontiguousarray(planes.permute(0, 2, 3, 1).cpu().numpy())


def batches(examples: Examples) -> Iterator[torch.Tensor]:
    parts = torch.split(torch.arange(len(examples), device=examples.labels.device), BATCH)
    yield from progress(
        examples.ahead(parts), total=len(parts), desc="faces", unit="batch", leave=False
    )


@torch.no_grad()
def net_logits(net: DaclNet, examples: Examples) -> NDArray[np.float64]:
    """`(N, K)` of a PyTorch network in evaluation mode, in fp32 on whole grey levels."""
    parts = [
        net(normalise(examples.crops(rows).round()), with_attention=False).logits
        for rows in batches(examples)
    ]
    return torch.cat(parts).double().cpu().numpy()


def file_logits(classifier: Classifier, examples: Examples) -> NDArray[np.float64]:
    """`(N, K)` of an exported file, through the very classifier of the app."""
    parts = [classifier.run(uint8_crops(examples, rows)).logits for rows in batches(examples)]
    return np.concatenate(parts).astype(np.float64)


def judged_examples(
    pack: Pack, split: Split, template: AlignmentTemplate, size_px: int, colour: ColourMode
) -> tuple[Examples, NDArray[np.int64]]:
    """The pictures of a split with a plain winner (its labels), and `(N,)` majority labels, which
    are `NO_LABEL` for some of them."""
    examples = load_examples(
        pack, split, template=template, size_px=size_px, colour=colour, labels_from="argmax"
    )
    votes = pack.votes[pack.rows(split)]
    classes = len(pack.meta.labels)
    winners = argmax_labels(votes, classes) != NO_LABEL
    majority = majority_labels(votes[winners], classes, pack.meta.protocol)
    if (majority == NO_LABEL).all():
        raise DataError(f"No picture of the {split} split has a majority label.")
    return examples, majority


def evaluate(pack: Pack, model: Path, split: Split, device: str = "cpu") -> Report:
    """Raises `DataError` where the model's labels are not the data's, `DeviceError` where there is
    no such device."""
    temperature = 1.0
    thresholds: Thresholds | None = None
    if model.suffix == ".onnx":
        classifier = Classifier(model, device="cpu" if device == "cpu" else "cuda")
        contract: Contract = classifier.contract
        labels, temperature = contract.labels, contract.temperature
        shares = contract.training_data.class_shares
        if contract.unsure_below is not None and contract.unsure_above_nats is not None:
            thresholds = Thresholds(contract.unsure_below, contract.unsure_above_nats)
        examples, majority = judged_examples(
            pack, split, contract.template, contract.size_px, contract.colour
        )
    else:
        place = Machine.choose(device, "fp32", compile_net=False).device
        trained = load_trained(model)
        labels, shares = trained.facts.labels, trained.facts.class_shares
        train = trained.config.train
        examples, majority = judged_examples(
            pack, split, train.template, train.size_px, train.colour
        )
    if set(labels) != set(pack.meta.labels):
        raise DataError(
            f"{model} knows {', '.join(labels)}; the data has {', '.join(pack.meta.labels)}."
        )
    if model.suffix == ".onnx":
        logits = file_logits(classifier, examples)
    else:
        logits = net_logits(trained.net.to(place), examples.to(place))
    order = [labels.index(label) for label in pack.meta.labels]
    logits = logits[:, order]
    argmax = examples.labels.cpu().numpy()
    voted = pack.meta.protocol == "ferplus"
    kept = majority != NO_LABEL
    return Report(
        model=readable(model.name),
        sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
        dataset=pack.meta.dataset,
        split=split,
        labels=pack.meta.labels,
        temperature=temperature,
        majority=measure(logits[kept], majority[kept], temperature),
        argmax=measure(logits, argmax, temperature) if voted else None,
        doubt=judge_doubt(
            logits[kept],
            majority[kept],
            temperature=temperature,
            shares=[shares[place] for place in order] if shares else (),
            thresholds=thresholds,
        ),
    )


def split_name(report: Report) -> str:
    own = OWN_NAMES.get(report.dataset, {}).get(report.split)
    return SPLIT_NAMES[report.split] + (f" ({own})" if own else "")


def summary(metrics: Metrics) -> str:
    """The figures in one line. Of few faces the interval stands there, too, for the standard error
    of 8 right ones of 8 is 0."""
    few = ""
    if 0 < metrics.count < FEW_FACES:
        low, high = interval(round(metrics.accuracy * metrics.count), metrics.count)
        few = f", 95 % interval {100 * low:.0f} to {100 * high:.0f} %"
    return (
        f"{counted(metrics.count, 'face')}: accuracy {100 * metrics.accuracy:.2f} % "
        f"(± {100 * metrics.standard_error:.2f}){few}, mean class recall "
        f"{metrics.mean_class_recall:.3f}, macro F1 {metrics.macro_f1:.3f}, ECE {metrics.ece:.3f}, "
        f"NLL {metrics.nll:.3f}"
    )


def missing_labels(report: Report) -> list[str]:
    """The classes of which the split has no face."""
    rows = zip(report.labels, report.majority.confusion, strict=True)
    return [label for label, row in rows if not sum(row)]


def markdown(report: Report) -> str:
    """The report as a page: figures, per-class table and confusion matrix."""
    m = report.majority
    lines = [
        f"# {report.model} on {report.dataset}, {split_name(report)}",
        "",
        f"sha256 `{report.sha256}`, temperature {report.temperature:.3f}. ± is one binomial "
        "standard error.",
        "",
        f"- majority protocol, {summary(m)}",
    ]
    if report.argmax is not None:
        lines.append(f"- plain winner of the votes, {summary(report.argmax)}")
    lines += [f"- {line}" for line in doubt_lines(report.doubt)]
    if report.doubt.priors:
        note, *table = prior_lines(report.model, report.doubt, missing_labels(report))
        lines += ["", note, "", *table]
    lines += ["", "| class | faces | recall | precision |", "|---|---|---|---|"]
    for label, row, recall, precision in zip(
        report.labels, m.confusion, m.recall, m.precision, strict=True
    ):
        lines.append(f"| {label} | {sum(row)} | {_share(recall)} | {_share(precision)} |")
    lines += ["", "Rows are true classes, columns what the model said.", ""]
    lines.append("| | " + " | ".join(report.labels) + " |")
    lines.append("|---" * (len(report.labels) + 1) + "|")
    for label, row in zip(report.labels, m.confusion, strict=True):
        lines.append(f"| {label} | " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines) + "\n"


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def write_report(report: Report, folder: Path) -> list[str]:
    """Writes `report.json`, `report.md` and the figures; returns a line for what was left out."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(plain_json(asdict(report)), indent=1, allow_nan=False)
        (folder / "report.json").write_text(content + "\n", encoding="utf-8")
        (folder / "report.md").write_text(markdown(report), encoding="utf-8")
        try:
            from training.doubt_figures import coverage_figure
            from training.figures import confusion_figure, reliability_figure
        except ImportError:
            return ["The figures were left out: matplotlib is not installed."]
        confusion_figure(report.majority, report.labels, folder / "confusion.png")
        reliability_figure(report.majority, folder / "reliability.png")
        coverage_figure(report.doubt.selective, folder / "coverage.png")
    except OSError as cause:
        raise TrainingError(
            f"{folder} could not be written: {cause.strerror or cause}. Choose another -o."
        ) from cause
    return []


def enter_in_ledger(report: Report, ledger: Path, today: datetime.date) -> None:
    """Appends a line; the ledger is made where there is none. Raises `TrainingError`."""
    m = report.majority
    line = (
        f"| {today.isoformat()} | {report.model} | `{report.sha256[:16]}` | {report.dataset} "
        f"| {m.count} | {100 * m.accuracy:.2f} ± {100 * m.standard_error:.2f} % "
        f"| {m.mean_class_recall:.3f} | {m.macro_f1:.3f} | {m.ece:.3f} |\n"
    )
    partial = hidden(ledger, ".partial")
    try:
        text = ledger.read_text(encoding="utf-8") if ledger.exists() else LEDGER_HEAD
        partial.write_text(text + line, encoding="utf-8")
        os.replace(partial, ledger)
    except (OSError, ValueError) as cause:
        raise TrainingError(
            f"The ledger {ledger} could not be written: {cause}. Give another --ledger."
        ) from cause
    finally:
        partial.unlink(missing_ok=True)


def latency_ms(model: Path, runs: int = 300) -> tuple[float, float]:
    """(median, 95th percentile) of one face through an exported file: uint8 crop to probabilities,
    on the CPU with two threads, after a warm-up."""
    works = {model.name: face_work(Classifier(model, device="cpu", threads=THREADS))}
    times = take_turns(works, runs)[model.name]
    return float(np.median(times)), float(np.percentile(times, 95))


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
    for line in doubt_lines(report.doubt):
        print(line)
    for line in (
        prior_lines(report.model, report.doubt, missing_labels(report)) if options.priors else []
    ):
        print(line)
    for label, row, recall in zip(
        report.labels, report.majority.confusion, report.majority.recall, strict=True
    ):
        print(f"  {label:<12} {_share(recall)}  of {sum(row)}")
    if options.latency:
        median, late = latency_ms(options.model)
        print(f"one face, CPU, 2 threads: median {median:.2f} ms, 95 % within {late:.2f} ms")
    left_out = write_report(report, options.output) if options.output else []
    if options.corruptions:
        left_out += judge_corruptions(pack, options)
    for line in left_out:
        print(line)
    return 1 if left_out else 0


if __name__ == "__main__":
    raise SystemExit(run(main))
