"""Are the class activation maps right? python -m training.faithful DATA MODEL.onnx [-o FOLDER]

Covering what the map of a class marks should lower that class's score more than covering as much
elsewhere: anywhere, the area that it marks least, the area that another face's map marks, a square
in the middle. Measured on the validation split, for the predicted and for the true class.
"""

import argparse
from pathlib import Path

import numpy as np

from app.classifier import Classifier
from app.one_line_parser import OneLineParser
from app.types import DataError, TrainingError
from training.cli import run
from training.data import load_examples
from training.deletion import chosen_examples, curves
from training.deletion_curves import (
    AREA_NAMES,
    AREAS,
    TARGETS,
    Area,
    Curves,
    Key,
    Mean,
    Target,
    area_under,
    drop,
)
from training.files import write_text
from training.masking import FILLING_NAMES, FILLINGS
from training.pack import Pack, read_pack

SHOWN = (0.1, 0.2, 0.3, 0.4)  # of SHARES, in the tables
RIVALS: tuple[Area, ...] = tuple(area for area in AREAS if area != "marked")
PAGE, FIGURE = "faithfulness.md", "deletion.png"


def judge(pack: Pack, model: Path, *, faces: int | None = None, seed: int = 0) -> Curves:
    """Raises `DataError` where the model's labels are not the data's or there are too few faces."""
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
    examples = chosen_examples(examples, faces, seed)
    if len(examples) < 2:
        raise DataError("The validation split has a single face; another one is needed.")
    order = [contract.labels.index(label) for label in pack.meta.labels]
    true = np.array(order)[examples.labels.numpy()]
    return curves(classifier, examples, true, seed=seed)


def says(mean: Mean) -> str:
    return f"{mean.mean:+.3f} ± {mean.half:.3f} ({100 * mean.above:.0f} %)"


def drops_table(found: Curves, target: Target) -> str:
    """How much covering the marked area takes, and how much more than covering the others."""
    head = ["filling", "covered", "marked", *(f"more than {AREA_NAMES[rival]}" for rival in RIVALS)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for filling in FILLINGS:
        for share in SHOWN:
            falls = {area: drop(found[Key(target, filling, area)], share) for area in AREAS}
            own = falls["marked"]
            cells = [FILLING_NAMES[filling], f"{100 * share:.0f} %", says(Mean.of(own))]
            cells += [says(Mean.of(own - falls[rival])) for rival in RIVALS]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def areas_table(found: Curves, target: Target) -> str:
    """The area under each deletion curve: the smaller, the better the order."""
    names = [FILLING_NAMES[filling] for filling in FILLINGS]
    head = ["covered first", *names, *(f"{name}: less the marked area's" for name in names)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for area in AREAS:
        under = [area_under(found[Key(target, filling, area)]) for filling in FILLINGS]
        own = [area_under(found[Key(target, filling, "marked")]) for filling in FILLINGS]
        cells = [AREA_NAMES[area]]
        for values in under:
            mean = Mean.of(values)
            cells.append(f"{mean.mean:.3f} ± {mean.half:.3f}")
        for values, base in zip(under, own, strict=True):
            cells.append("" if area == "marked" else says(Mean.of(values - base)))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def verdict(found: Curves, target: Target) -> str:
    """In how many of the settings the marked area matters more than each rival."""
    settings = [(filling, share) for filling in FILLINGS for share in SHOWN]
    parts = []
    for rival in RIVALS:
        above = below = 0
        for filling, share in settings:
            mean = Mean.of(
                drop(found[Key(target, filling, "marked")], share)
                - drop(found[Key(target, filling, rival)], share)
            )
            above += mean.mean - mean.half > 0
            below += mean.mean + mean.half < 0
        parts.append(f"{AREA_NAMES[rival]}: more in {above}, less in {below}")
    return (
        f"Of {len(settings)} settings (filling, share), by the 95 % interval, covering what its "
        f"map marks lowers the {target} class's probability, against {'; '.join(parts)}."
    )


def markdown(found: Curves, model: str, dataset: str) -> str:
    count = len(next(iter(found.values())))
    of_predicted, of_true = (found[Key(target, "grey", "marked")][:, 0] for target in TARGETS)
    right = int((of_predicted == of_true).sum())
    parts = [
        f"{model} on the {count} validation faces of {dataset} ({right} read right). ± is half of "
        "a 95 % interval over faces; in brackets the share of faces for which it is above 0. "
        "Maps are enlarged bilinearly.",
        *(verdict(found, target) for target in TARGETS),
    ]
    for target in TARGETS:
        parts += [
            f"### The {target} class",
            "Fall of its probability:",
            drops_table(found, target),
            "Mean probability over the share covered, from nothing to everything (the area under "
            "the deletion curve):",
            areas_table(found, target),
        ]
    return "\n\n".join(parts) + "\n"


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="python -m training.faithful",
        description="Whether covering what a class activation map marks lowers that class's score "
        "more than covering as much elsewhere, on the validation split.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("model", type=Path, help="an exported model (.onnx)")
    top.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help=f"write {PAGE} and {FIGURE}, the deletion curves, there",
    )
    top.add_argument(
        "--faces", type=int, metavar="N", help="only so many faces, drawn at random (default: all)"
    )
    top.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of that draw and of the pairs of faces that lend each other maps (default: 0)",
    )
    return top


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.faces is not None and options.faces < 2:
        raise TrainingError("--faces must be at least 2.")
    if options.seed < 0:
        raise TrainingError("--seed must be at least 0.")
    if options.output is not None:
        try:
            options.output.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise TrainingError(
                f"{options.output} could not be made: {cause.strerror or cause}. Choose another -o."
            ) from cause
    pack = read_pack(options.data)
    found = judge(pack, options.model, faces=options.faces, seed=options.seed)
    page = markdown(found, options.model.name, pack.meta.dataset)
    print(page, end="")
    if options.output is None:
        return 0
    write_text(options.output / PAGE, page)
    try:
        from training.deletion_figure import deletion_figure
    except ImportError:
        print("The figure was left out: matplotlib is not installed.")
        return 1
    deletion_figure(found, options.output / FIGURE)
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
