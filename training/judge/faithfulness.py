"""Judges class activation maps by deletion curves, and writes the page."""

from pathlib import Path

import numpy as np

from app.errors import DataError
from app.recognition.classifier import Classifier
from training.datasets.examples import load_examples
from training.datasets.pack import Pack
from training.judge.deletion import choose_examples, compute_curves
from training.measures.deletion_curves import (
    AREA_NAMES,
    AREAS,
    TARGETS,
    Area,
    CurveKey,
    Curves,
    MeanOverFaces,
    Target,
    measure_area_under,
    measure_drop,
)
from training.measures.masking import FILLING_NAMES, FILLINGS

SHOWN = (0.1, 0.2, 0.3, 0.4)  # the shares of `SHARES` that the tables show
# The areas that the marked area is compared with.
RIVALS: tuple[Area, ...] = tuple(area for area in AREAS if area != "marked")


def measure_faithfulness(
    pack: Pack, model: Path, *, faces: int | None = None, seed: int = 0
) -> Curves:
    """Measures the deletion curves of a model on validation faces, `faces` of them at random or
    all.

    Raises:
        DataError: The model's labels are not the data's, or there are fewer than two faces.
    """
    classifier = Classifier(model, device="cpu")
    contract = classifier.contract
    if set(contract.labels) != set(pack.meta.labels):
        raise DataError(
            f"{model} knows {', '.join(contract.labels)}; the data has "
            f"{', '.join(pack.meta.labels)}."
        )
    examples = load_examples(
        pack,
        "valid",
        template=contract.template,
        size_px=contract.size_px,
        colour=contract.colour,
        labels_from="majority",
    )
    examples = choose_examples(examples, faces, seed)
    if len(examples) < 2:
        raise DataError("The validation split has a single face; another one is needed.")
    order = [contract.labels.index(label) for label in pack.meta.labels]
    true = np.array(order)[examples.labels.numpy()]
    return compute_curves(classifier, examples, true, seed=seed)


def format_mean(mean: MeanOverFaces) -> str:
    """Formats a mean over faces with half of its 95 % interval and the share of faces above 0."""
    return f"{mean.mean:+.3f} ± {mean.half:.3f} ({100 * mean.above:.0f} %)"


def format_drops_table(found: Curves, target: Target) -> str:
    """Formats how much covering the marked area lowers the probability, and how much more than
    covering the other areas."""
    head = ["filling", "covered", "marked", *(f"more than {AREA_NAMES[rival]}" for rival in RIVALS)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for filling in FILLINGS:
        for share in SHOWN:
            falls = {
                area: measure_drop(found[CurveKey(target, filling, area)], share) for area in AREAS
            }
            own = falls["marked"]
            cells = [
                FILLING_NAMES[filling],
                f"{100 * share:.0f} %",
                format_mean(MeanOverFaces.from_values(own)),
            ]
            cells += [
                format_mean(MeanOverFaces.from_values(own - falls[rival])) for rival in RIVALS
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def format_areas_table(found: Curves, target: Target) -> str:
    """Formats the area under each deletion curve; a smaller area means a better order."""
    names = [FILLING_NAMES[filling] for filling in FILLINGS]
    head = ["covered first", *names, *(f"{name}: less the marked area's" for name in names)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for area in AREAS:
        under = [measure_area_under(found[CurveKey(target, filling, area)]) for filling in FILLINGS]
        own = [
            measure_area_under(found[CurveKey(target, filling, "marked")]) for filling in FILLINGS
        ]
        cells = [AREA_NAMES[area]]
        for values in under:
            mean = MeanOverFaces.from_values(values)
            cells.append(f"{mean.mean:.3f} ± {mean.half:.3f}")
        for values, base in zip(under, own, strict=True):
            cells.append(
                "" if area == "marked" else format_mean(MeanOverFaces.from_values(values - base))
            )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def describe_rivals(found: Curves, target: Target) -> str:
    """Says in how many of the settings the marked area matters more, and in how many less, than
    each other area."""
    settings = [(filling, share) for filling in FILLINGS for share in SHOWN]
    parts = []
    for rival in RIVALS:
        above = below = 0
        for filling, share in settings:
            mean = MeanOverFaces.from_values(
                measure_drop(found[CurveKey(target, filling, "marked")], share)
                - measure_drop(found[CurveKey(target, filling, rival)], share)
            )
            above += mean.mean - mean.half > 0
            below += mean.mean + mean.half < 0
        parts.append(f"{AREA_NAMES[rival]}: more in {above}, less in {below}")
    return (
        f"Of {len(settings)} settings (filling, share), by the 95 % interval, covering what its "
        f"map marks lowers the {target} class's probability, against {'; '.join(parts)}."
    )


def format_faithfulness_page(found: Curves, model: str, dataset: str) -> str:
    """Formats the whole page in Markdown."""
    count = len(next(iter(found.values())))
    of_predicted, of_true = (found[CurveKey(target, "grey", "marked")][:, 0] for target in TARGETS)
    right = int((of_predicted == of_true).sum())
    parts = [
        f"{model} on the {count} validation faces of {dataset} ({right} read right). ± is half of "
        "a 95 % interval over faces; in brackets the share of faces for which it is above 0. "
        "Maps are enlarged bilinearly.",
        *(describe_rivals(found, target) for target in TARGETS),
    ]
    for target in TARGETS:
        parts += [
            f"### The {target} class",
            "Fall of its probability:",
            format_drops_table(found, target),
            "Mean probability over the share covered, from nothing to everything (the area under "
            "the deletion curve):",
            format_areas_table(found, target),
        ]
    return "\n\n".join(parts) + "\n"
