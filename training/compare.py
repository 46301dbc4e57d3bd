"""Compares softmax, centre loss and DACL under one recipe, over several seeds.

python -m training.compare DATA.npz -o docs/comparison --seeds 3

All variants of a seed begin with the same weights (with --init, all runs do) and see the same
pictures in the same order, so their differences are paired. The networks are compared after the
last epoch on the validation split: no checkpoint is chosen, and the test split stays closed.
Finished runs are not made again, and runs of another recipe, other data or other weights to begin
with are refused.
"""

import argparse
import re
import sys
from pathlib import Path

from app.errors import TrainingError
from app.files.atomic import describe_write_error, reserve
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.device import ComputeDevice
from training.base.files import write_text_file
from training.config.run_config import RunConfig
from training.datasets.pack_reader import read_pack
from training.datasets.split_pair import load_pair
from training.measures.comparison import build_comparison_page, format_results_csv, list_values
from training.run.options import add_machine_options, add_recipe_options, read_recipe
from training.run.teachers import find_view
from training.studies.variant_runs import choose_runs_folder, read_look, run_variants
from training.studies.variants import LOSSES, Variant

PAGE = "comparison.md"


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.compare`."""
    top = OneLineParser(
        prog="python -m training.compare",
        description="Train losses, or any variants of a recipe, over several seeds and write a "
        "table and figures with confidence intervals and paired differences.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument(
        "-o", "--output", type=Path, required=True, help="folder for the table and the figures"
    )
    top.add_argument(
        "--runs",
        type=Path,
        help="folder for the runs (default: runs/compare, with --init a folder named after the "
        "weights); what is finished there is kept, and refused where its recipe, data or beginning "
        "is another",
    )
    top.add_argument(
        "--init",
        type=Path,
        metavar="FILE.pth",
        help="all runs begin with these weights, as the paper's begin with a trained network; the "
        "seed then decides over order, augmentation and dropout alone",
    )
    top.add_argument(
        "--seeds", type=int, default=3, metavar="N", help="runs a variant (default: 3)"
    )
    top.add_argument(
        "--variant",
        action="append",
        metavar="'NAME: option=value …'",
        help="a variant of the recipe, as often as wanted (a switch such as scale-centres has "
        "no value; teacher=FILE.pt is an option, too); without any, the three losses",
    )
    top.add_argument(
        "--against",
        metavar="NAME",
        help="differences from this variant alone (default: of all pairs)",
    )
    add_machine_options(top)
    add_recipe_options(top)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.seeds < 1:
        raise TrainingError("--seeds must be at least 1.")
    variants = [Variant.parse(text) for text in options.variant or ()] or list(LOSSES)
    if len({v.slug.casefold() for v in variants}) != len(variants):
        raise TrainingError(
            "Two variants have the same name, or names that give one folder. Rename one."
        )
    if options.against not in (None, *(v.name for v in variants)):
        raise TrainingError(f"--against {options.against}: there is no variant of this name.")
    base = read_recipe(vars(options), RunConfig())
    for variant in variants:
        variant.apply_to(base)  # raises for a wrong variant before hours are spent
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise TrainingError(f"{options.output} could not be made: {cause.strerror}.") from cause
    reserve(options.output / PAGE, overwrite=True)  # raises before hours are spent
    machine = ComputeDevice.choose(options.device, options.precision, False)
    pack = read_pack(options.data)
    runs = options.runs or choose_runs_folder(options.init)
    results = run_variants(pack, base, variants, options.seeds, machine, runs, options.init)
    first = variants[0].apply_to(base)
    _, valid = load_pair(pack, first, machine.device)
    command = " ".join(["python -m training.compare", *map(_quote, argv or sys.argv[1:])])
    write_text_file(
        options.output / PAGE,
        build_comparison_page(
            results,
            [v.name for v in variants],
            dataset=pack.meta.dataset,
            command=command,
            faces=len(valid),
            against=options.against,
        ),
    )
    write_text_file(options.output / "comparison.csv", format_results_csv(results))
    print(f"{options.output / PAGE}")
    try:
        from training.figures.comparison import (
            draw_attention_curves,
            draw_attention_profiles,
            draw_comparison,
            draw_embeddings,
        )
    except ImportError:
        print("The figures were left out: matplotlib is not installed.", file=sys.stderr)
        return 1
    looks = [
        read_look(v, runs / v.slug / f"seed{base.train.seed}", valid, machine)
        for v in variants
        if find_view(v.apply_to(base).train) == find_view(first.train)
    ]
    try:
        draw_comparison(
            {v.name: list_values(results, v.name, "accuracy") for v in variants},
            {v.name: list_values(results, v.name, "mean_class_recall") for v in variants},
            options.output / "accuracy.png",
        )
        draw_embeddings(looks, pack.meta.labels, options.output / "embedding.png")
        if any(look.profiles is not None for look in looks):
            draw_attention_curves(looks, options.output / "attention.png")
            draw_attention_profiles(looks, pack.meta.labels, options.output / "profiles.png")
    except OSError as cause:
        raise TrainingError(describe_write_error(options.output, cause)) from cause
    return 0


def _quote(word: str) -> str:
    return f"'{word}'" if re.search(r"[^\w./=+-]", word) else word


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
