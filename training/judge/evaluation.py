"""Judges a checkpoint or an exported model on a split, and writes the report."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from app.contract import Contract
from app.errors import DataError, TrainingError
from app.files.hashing import sha256_of_file
from app.recognition.classifier import Classifier
from app.wording import escape_surrogates, format_count
from training.base.device import ComputeDevice
from training.base.json_values import make_json_safe
from training.checkpoints.checkpoint import load_trained
from training.datasets.pack import Pack
from training.datasets.readers import NO_LABEL, SPLIT_NAMES, Split
from training.judge.predictions import (
    compute_file_logits,
    compute_net_logits,
    compute_shown_logits,
    load_judged_examples,
)
from training.measures.decision_rule import correct_logits
from training.measures.doubt import DoubtReport, Thresholds, measure_doubt
from training.measures.doubt_lines import format_doubt, format_priors
from training.measures.metrics import Metrics, find_wilson_interval, measure_metrics

# The names that the papers of a data set give its splits.
NAMES_IN_PAPERS: dict[str, dict[Split, str]] = {
    "FER+": {"valid": "PublicTest", "test": "PrivateTest"},
    "AffectNet": {"valid": "a share of training.csv", "test": "validation.csv"},
    "RAF-DB": {"valid": "a share of train"},
}
FEW_FACES = 100  # below this many faces the report gives a 95 % interval, too


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The results of a model on a split. `majority` is the official protocol; `argmax` covers the
    larger set of faces with a plain winner, where the data has votes. `doubt` belongs to the
    majority protocol. `prior_correction` is the tau by which labels were decided, `mirror_images`
    True where each face was read together with its mirror image."""

    model: str
    sha256: str
    dataset: str
    split: Split
    labels: tuple[str, ...]
    temperature: float
    prior_correction: float
    mirror_images: bool
    majority: Metrics
    argmax: Metrics | None
    doubt: DoubtReport


def find_no_temperature(tau: float) -> float:
    """Gives the temperature of a checkpoint, which has none: 1 for every prior correction."""
    return 1.0


def evaluate(
    pack: Pack, model: Path, split: Split, device: str = "cpu", *, as_trained: bool = False
) -> EvaluationReport:
    """Judges a checkpoint (.pt) or an exported model (.onnx) on a split.

    Args:
        pack: The data.
        model: A checkpoint is judged as it was trained, a file as the app reads pictures: with its
            mirror images and its prior correction.
        split: The split to judge on.
        device: "cpu" or "cuda".
        as_trained: True judges a file as a checkpoint, too.

    Raises:
        DataError: The model's labels are not the data's.
        DeviceError: The machine has no such device.
    """
    tau = 0.0
    shown = model.suffix == ".onnx" and not as_trained
    thresholds: Thresholds | None = None
    find_temperature: Callable[[float], float] = find_no_temperature
    if model.suffix == ".onnx":
        classifier = Classifier(model, device="cpu" if device == "cpu" else "cuda")
        contract: Contract = classifier.contract
        labels, shares = contract.labels, contract.training_data.class_shares
        tau = contract.prior_correction if shown else 0.0
        find_temperature = contract.find_temperature
        if contract.unsure_below is not None and contract.unsure_above_nats is not None:
            thresholds = Thresholds(contract.unsure_below, contract.unsure_above_nats)
        examples, majority = load_judged_examples(
            pack, split, contract.template, contract.size_px, contract.colour
        )
    else:
        place = ComputeDevice.choose(device, "fp32", compile_net=False).device
        trained = load_trained(model)
        labels, shares = trained.facts.labels, trained.facts.class_shares
        train = trained.config.train
        examples, majority = load_judged_examples(
            pack, split, train.template, train.size_px, train.colour
        )
    if set(labels) != set(pack.meta.labels):
        raise DataError(
            f"{model} knows {', '.join(labels)}; the data has {', '.join(pack.meta.labels)}."
        )
    if model.suffix == ".onnx":
        logits = (compute_shown_logits if shown else compute_file_logits)(classifier, examples)
    else:
        logits = compute_net_logits(trained.net.to(place), examples.to(place))
    order = [labels.index(label) for label in pack.meta.labels]
    logits = logits[:, order]
    shares = tuple(shares[place] for place in order) if shares else ()
    temperature = find_temperature(tau)
    decided = correct_logits(logits, temperature=temperature, shares=shares, tau=tau)
    argmax = examples.labels.cpu().numpy()
    voted = pack.meta.protocol == "ferplus"
    kept = majority != NO_LABEL
    return EvaluationReport(
        model=escape_surrogates(model.name),
        sha256=sha256_of_file(model),
        dataset=pack.meta.dataset,
        split=split,
        labels=pack.meta.labels,
        temperature=temperature,
        prior_correction=tau,
        mirror_images=shown,
        majority=measure_metrics(decided[kept], majority[kept], temperature),
        argmax=measure_metrics(decided, argmax, temperature) if voted else None,
        doubt=measure_doubt(
            logits[kept],
            majority[kept],
            find_temperature=find_temperature,
            shares=shares,
            thresholds=thresholds,
            tau=tau,
        ),
    )


def format_split(report: EvaluationReport) -> str:
    """Formats a split's name, with the name that papers give it."""
    own = NAMES_IN_PAPERS.get(report.dataset, {}).get(report.split)
    return SPLIT_NAMES[report.split] + (f" ({own})" if own else "")


def format_rule(report: EvaluationReport) -> str:
    """Formats in one line how the faces were read."""
    images = "each face with its mirror image" if report.mirror_images else "each face once"
    return (
        f"read {images}, at temperature {report.temperature:.3f} and prior correction "
        f"{report.prior_correction:.2f}"
    )


def format_summary(metrics: Metrics) -> str:
    """Formats the figures in one line. Of few faces the line also gives the 95 % interval, because
    the standard error of 8 right faces of 8 is 0."""
    few = ""
    if 0 < metrics.count < FEW_FACES:
        low, high = find_wilson_interval(round(metrics.accuracy * metrics.count), metrics.count)
        few = f", 95 % interval {100 * low:.0f} to {100 * high:.0f} %"
    return (
        f"{format_count(metrics.count, 'face')}: accuracy {100 * metrics.accuracy:.2f} % "
        f"(± {100 * metrics.standard_error:.2f}){few}, mean class recall "
        f"{metrics.mean_class_recall:.3f}, macro F1 {metrics.macro_f1:.3f}, ECE {metrics.ece:.3f}, "
        f"NLL {metrics.nll:.3f}"
    )


def list_missing_labels(report: EvaluationReport) -> list[str]:
    """Lists the classes of which the split has no face."""
    rows = zip(report.labels, report.majority.confusion, strict=True)
    return [label for label, row in rows if not sum(row)]


def format_evaluation_page(report: EvaluationReport) -> str:
    """Formats the report as a Markdown page: figures, table of classes and confusion matrix."""
    m = report.majority
    lines = [
        f"# {report.model} on {report.dataset}, {format_split(report)}",
        "",
        f"sha256 `{report.sha256}`; {format_rule(report)}. ± is one binomial standard error.",
        "",
        f"- majority protocol, {format_summary(m)}",
    ]
    if report.argmax is not None:
        lines.append(f"- plain winner of the votes, {format_summary(report.argmax)}")
    lines += [f"- {line}" for line in format_doubt(report.doubt)]
    if report.doubt.priors:
        note, *table = format_priors(report.model, report.doubt, list_missing_labels(report))
        lines += ["", note, "", *table]
    lines += ["", "| class | faces | recall | precision |", "|---|---|---|---|"]
    for label, row, recall, precision in zip(
        report.labels, m.confusion, m.recall, m.precision, strict=True
    ):
        cells = (label, sum(row), format_class_share(recall), format_class_share(precision))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", "Rows are true classes, columns what the model said.", ""]
    lines.append("| | " + " | ".join(report.labels) + " |")
    lines.append("|---" * (len(report.labels) + 1) + "|")
    for label, row in zip(report.labels, m.confusion, strict=True):
        lines.append(f"| {label} | " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines) + "\n"


def format_class_share(value: float) -> str:
    """Formats a share with three digits, and NaN as a dash.

    >>> format_class_share(0.5), format_class_share(float("nan"))
    ('0.500', '–')
    """
    return "–" if math.isnan(value) else f"{value:.3f}"


def write_evaluation(report: EvaluationReport, folder: Path) -> list[str]:
    """Writes `report.json`, `report.md` and the figures into `folder`; returns a line for each
    output that was left out. Raises `TrainingError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(make_json_safe(asdict(report)), indent=1, allow_nan=False)
        (folder / "report.json").write_text(content + "\n", encoding="utf-8")
        (folder / "report.md").write_text(format_evaluation_page(report), encoding="utf-8")
        try:
            from training.figures.doubt import draw_coverage
            from training.figures.judged import draw_confusion, draw_reliability
        except ImportError:
            return ["The figures were left out: matplotlib is not installed."]
        draw_confusion(report.majority, report.labels, folder / "confusion.png")
        draw_reliability(report.majority, folder / "reliability.png")
        draw_coverage(report.doubt.selective, folder / "coverage.png")
    except OSError as cause:
        raise TrainingError(
            f"{folder} could not be written: {cause.strerror or cause}. Choose another -o."
        ) from cause
    return []
