"""Adds the options of --corruptions to `training.evaluate`, checks them, and carries them out."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from app.errors import TrainingError
from training.datasets.pack import Pack
from training.datasets.readers import Split
from training.judge.robustness import check_labels, judge_robustness, open_reader
from training.judge.robustness_report import format_robustness_text, write_robustness


def add_corruption_options(parser: argparse.ArgumentParser) -> None:
    """Adds --corruptions, --against, --faces and --seed."""
    group = parser.add_argument_group("corruptions")
    group.add_argument(
        "--corruptions",
        action="store_true",
        help="also judge under 17 kinds of damage at five strengths each: blur, noise, bad light, "
        "covered and tilted faces …; never on the test split",
    )
    group.add_argument(
        "--against",
        type=Path,
        metavar="MODEL",
        help="another model on the same faces, for the paired differences to it",
    )
    group.add_argument(
        "--faces",
        type=int,
        metavar="N",
        help="only so many faces, evenly spread over the split (default: all)",
    )
    group.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of the corruptions' random choices (default: 0)",
    )


@dataclass(frozen=True, slots=True)
class CorruptionRequest:
    """The options of `training.evaluate` that --corruptions concerns.

    `model` is judged, `against` beside it. `faces` limits their number. `output` is the folder for
    the results; None: they are only printed.
    """

    model: Path
    against: Path | None
    split: Split
    faces: int | None
    seed: int
    device: str
    output: Path | None


def check_corruptions(options: CorruptionRequest, *, are_wanted: bool) -> None:
    """Checks that the options of --corruptions go together. `are_wanted`: it was given. Raises
    `TrainingError`."""
    if not are_wanted:
        if options.against is not None or options.faces is not None:
            raise TrainingError("--against and --faces go with --corruptions. Add it.")
        return
    if options.split == "test":
        raise TrainingError(
            "--corruptions judges on the validation or the training split: the test split is for "
            "the final figures alone. Leave --split test out."
        )
    if options.against is not None and not options.against.is_file():
        raise TrainingError(f"The model {options.against} is missing. Give a .pt or .onnx file.")
    if (options.faces is not None and options.faces < 1) or options.seed < 0:
        raise TrainingError("--faces must be at least 1, --seed at least 0.")


def judge_corruptions(pack: Pack, options: CorruptionRequest) -> list[str]:
    """Judges the model, and --against beside it, under corruptions. Prints the results and, with
    -o, writes them; returns a line for each output that was left out."""
    paths = [options.model] if options.against is None else [options.model, options.against]
    readers = [open_reader(path, options.device) for path in paths]
    for reader in readers:  # checked first, because judging a model takes minutes
        check_labels(reader, pack)
    found = [
        judge_robustness(pack, reader, options.split, seed=options.seed, faces=options.faces)
        for reader in readers
    ]
    mine, other = found[0], found[1] if len(found) > 1 else None
    print(format_robustness_text(mine, other))
    return write_robustness(mine, other, options.output) if options.output else []
