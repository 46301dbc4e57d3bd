"""Judges the mean of several networks, which a student could learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.base.device import ComputeDevice
from training.datasets.pack import Pack
from training.datasets.readers import NO_LABEL
from training.judge.predictions import iterate_batches, load_judged_examples
from training.measures.confidence_scores import Floats, score_max_probability
from training.measures.doubt import SURE_COVERAGE, Labels, measure_selective
from training.measures.metrics import measure_metrics
from training.run.teachers import Teacher


@dataclass(frozen=True, slots=True)
class EnsembleRow:
    """The figures of one network, or of a mean of several: shares in 0..1. `sure_accuracy` is the
    accuracy on the most probable nine of ten faces."""

    name: str
    accuracy: float
    standard_error: float
    mean_class_recall: float
    sure_accuracy: float


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The figures of several networks, alone and together. `missed_by_all` is the share of the
    faces that every network gets wrong, `missed_by_any` the share that at least one network gets
    wrong."""

    alone: tuple[EnsembleRow, ...]
    together: tuple[EnsembleRow, ...]
    missed_by_all: float
    missed_by_any: float


@torch.no_grad()
def read_probabilities(
    teacher: Teacher, pack: Pack, machine: ComputeDevice
) -> tuple[Floats, Labels]:
    """Reads the validation faces that have a majority label, and their mirror images.

    Returns:
        (probabilities `(2, N, K)` of the faces and of their mirror images, `(N,)` labels).
    """
    view = teacher.view
    template = teacher.trained.config.train.template
    examples, majority = load_judged_examples(pack, "valid", template, view.size_px, view.colour)
    examples = examples.to(machine.device)
    parts = []
    for rows in iterate_batches(examples):
        crops = examples.cut_crops(rows).round()
        with machine.open_autocast():
            both = teacher.predict(torch.cat([crops, crops.flip(3)]), 1.0)
        parts.append(both.reshape(2, len(rows), -1).double().cpu().numpy())
    kept = majority != NO_LABEL
    return np.concatenate(parts, axis=1)[:, kept], majority[kept]


def judge_probabilities(name: str, shares: Floats, labels: Labels) -> EnsembleRow:
    """Judges probabilities by labels.

    Args:
        name: The name of the row.
        shares: `(N, K)` float64 probabilities.
        labels: `(N,)` int64 in 0..K-1.

    Returns:
        The row of the table, with all values as fractions of 1.

    >>> shares = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> judge_probabilities("one", shares, np.array([0, 1, 0])).accuracy
    1.0
    """
    logits = np.log(np.maximum(shares, 1e-12))
    m = measure_metrics(logits, labels)
    sure = measure_selective(logits, labels, score_max_probability(logits, 1.0)).find_point(
        SURE_COVERAGE
    )
    return EnsembleRow(name, m.accuracy, m.standard_error, m.mean_class_recall, sure.accuracy)


def compare_networks(names: Sequence[str], shares: Floats, labels: Labels) -> Ensemble:
    """Compares M networks, and the mean of all of them, on the same faces.

    Args:
        names: The M names.
        shares: `(M, 2, N, K)` probabilities of the faces and of their mirror images.
        labels: `(N,)` the faces' classes.

    >>> shares = np.array([[[[0.9, 0.1]]] * 2, [[[0.3, 0.7]]] * 2])  # two networks, one face
    >>> ensemble = compare_networks(["a", "b"], shares, np.array([0]))
    >>> ensemble.together[0].accuracy, ensemble.missed_by_all, ensemble.missed_by_any
    (1.0, 0.0, 1.0)
    """
    alone = []
    for name, (plain, mirrored) in zip(names, shares, strict=True):
        alone.append(judge_probabilities(name, plain, labels))
        alone.append(
            judge_probabilities(f"{name}, mirror image too", (plain + mirrored) / 2, labels)
        )
    together = (
        judge_probabilities(f"mean of {len(names)}", shares[:, 0].mean(axis=0), labels),
        judge_probabilities(
            f"mean of {len(names)}, mirror images too", shares.mean(axis=(0, 1)), labels
        ),
    )
    wrong = shares[:, 0].argmax(axis=2) != labels  # (M, N)
    return Ensemble(
        alone=tuple(alone),
        together=together,
        missed_by_all=float(wrong.all(axis=0).mean()),
        missed_by_any=float(wrong.any(axis=0).mean()),
    )


def format_ensemble(ensemble: Ensemble) -> str:
    """Formats the figures as a Markdown table and a line on the faces that are missed."""
    lines = [
        "| | accuracy, % | mean class recall | accuracy at 90 % coverage, % |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {100 * row.accuracy:.2f} ± {100 * row.standard_error:.2f} "
        f"| {row.mean_class_recall:.3f} | {100 * row.sure_accuracy:.2f} |"
        for row in (*ensemble.alone, *ensemble.together)
    ]
    lines += [
        "",
        f"Of the faces, {100 * ensemble.missed_by_all:.1f} % are read wrong by every one, "
        f"{100 * ensemble.missed_by_any:.1f} % by one at least.",
    ]
    return "\n".join(lines)
