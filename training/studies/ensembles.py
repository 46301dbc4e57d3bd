"""Judges the mean of several networks, which a student could learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.base.device import ComputeDevice
from training.datasets.examples import NO_LABEL
from training.datasets.pack import Pack
from training.judge.predictions import batches, judged_examples
from training.measures.confidence_scores import Floats, score_max_probability
from training.measures.doubt import SURE_COVERAGE, Labels, measure_selective
from training.measures.metrics import measure_metrics
from training.run.teachers import Teacher


@dataclass(frozen=True, slots=True)
class EnsembleRow:
    """One network's figures, or of a mean of several: shares in 0..1. `sure_accuracy` is that of
    the most probable nine of ten faces."""

    name: str
    accuracy: float
    standard_error: float
    mean_class_recall: float
    sure_accuracy: float


@dataclass(frozen=True, slots=True)
class Ensemble:
    """`missed_by_all`: the share of the faces that every network gets wrong; `missed_by_any`:
    that at least one does."""

    alone: tuple[EnsembleRow, ...]
    together: tuple[EnsembleRow, ...]
    missed_by_all: float
    missed_by_any: float


@torch.no_grad()
def probabilities(teacher: Teacher, pack: Pack, machine: ComputeDevice) -> tuple[Floats, Labels]:
    """`(2, N, K)` of the validation faces that have a majority label, and of their mirror images;
    `(N,)` their labels."""
    view = teacher.view
    template = teacher.trained.config.train.template
    examples, majority = judged_examples(pack, "valid", template, view.size_px, view.colour)
    examples = examples.to(machine.device)
    parts = []
    for rows in batches(examples):
        crops = examples.crops(rows).round()
        with machine.open_autocast():
            both = teacher.says(torch.cat([crops, crops.flip(3)]), 1.0)
        parts.append(both.reshape(2, len(rows), -1).double().cpu().numpy())
    kept = majority != NO_LABEL
    return np.concatenate(parts, axis=1)[:, kept], majority[kept]


def judged(name: str, shares: Floats, labels: Labels) -> EnsembleRow:
    """Of probabilities `(N, K)`."""
    logits = np.log(np.maximum(shares, 1e-12))
    m = measure_metrics(logits, labels)
    sure = measure_selective(logits, labels, score_max_probability(logits, 1.0)).find_point(
        SURE_COVERAGE
    )
    return EnsembleRow(name, m.accuracy, m.standard_error, m.mean_class_recall, sure.accuracy)


def compare_networks(names: Sequence[str], said: Floats, labels: Labels) -> Ensemble:
    """`said (M, 2, N, K)`: of M networks, of faces and their mirror images."""
    alone = []
    for name, (plain, mirrored) in zip(names, said, strict=True):
        alone.append(judged(name, plain, labels))
        alone.append(judged(f"{name}, mirror image too", (plain + mirrored) / 2, labels))
    together = (
        judged(f"mean of {len(names)}", said[:, 0].mean(axis=0), labels),
        judged(f"mean of {len(names)}, mirror images too", said.mean(axis=(0, 1)), labels),
    )
    wrong = said[:, 0].argmax(axis=2) != labels  # (M, N)
    return Ensemble(
        alone=tuple(alone),
        together=together,
        missed_by_all=float(wrong.all(axis=0).mean()),
        missed_by_any=float(wrong.any(axis=0).mean()),
    )


def format_ensemble(ensemble: Ensemble) -> str:
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
