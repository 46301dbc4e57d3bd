"""Makes a shipped model from the data, in one command.

python -m training.make default ferplus.npz -o models/dacl.onnx

The command carries out the recipe's steps (training.config.recipes) in order, exports the network
of the last step with its contract, and writes its report. Finished steps are not made again: the
same command goes on where it was stopped. The test split stays closed.
"""

import argparse
import sys
from pathlib import Path

import torch

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.device import ComputeDevice
from training.config.recipes import RECIPES
from training.datasets.pack_reader import read_pack
from training.making.finish import finish_model, parse_given_steps, read_digest
from training.making.forecast import describe_plan
from training.making.plan import MADE, REPORT, Plan, read_facts_file
from training.run.options import add_machine_options
from training.run.rehearsal import shrink_pack


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.make`."""
    top = OneLineParser(
        prog="python -m training.make",
        description="Make a shipped model from the prepared data: carry out its recipe, choose on "
        "validation, export, report. The same command goes on where it was stopped.",
    )
    top.add_argument(
        "model", choices=sorted(RECIPES), help="which recipe (training.config.recipes)"
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL.onnx", help="the file to write"
    )
    top.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/make"),
        metavar="FOLDER",
        help="where the runs go; models share their steps there (default: runs/make)",
    )
    top.add_argument(
        "--scale",
        type=float,
        default=1.0,
        metavar="X",
        help="of epochs and of data, in 0..1: 0.01 rehearses the whole in minutes (default: 1)",
    )
    top.add_argument(
        "--given",
        action="append",
        default=[],
        metavar="STEP=FILE.pt",
        help="take this checkpoint for a step instead of training it, such as "
        "plain=runs/ferplus/best.pt",
    )
    top.add_argument("--plan", action="store_true", help="print plan and cost, and do nothing")
    top.add_argument("--overwrite", action="store_true", help="replace a model made elsewhere")
    add_machine_options(top)
    return top


def _check(options: argparse.Namespace, record: Path) -> None:
    """Checks the options before anything is done. Raises `TrainingError`."""
    output: Path = options.output
    if output.suffix != ".onnx":
        raise TrainingError(f"{output}: the output must end in .onnx.")
    if not output.parent.is_dir():
        raise TrainingError(f"{output.parent} is not a folder. Make it first.")
    if not 0 < options.scale <= 1:
        raise TrainingError("--scale must be above 0 and at most 1.")
    ours = read_facts_file(record).get("model")
    if not options.overwrite and output.exists() and read_digest(output) != ours:
        raise TrainingError(
            f"{output} is there already and not of these runs. Choose another -o, or --overwrite."
        )


def _make(options: argparse.Namespace) -> int:
    name, scale = options.model, options.scale
    recipe = RECIPES[name]
    runs = options.runs if scale == 1 else options.runs / f"scale-{scale:g}"
    record = runs / f"{name}-{MADE}"
    _check(options, record)
    plan = Plan(recipe, runs, scale, parse_given_steps(options.given, recipe))
    machine = ComputeDevice.choose(options.device, options.precision, compile_net=False)
    pack = read_pack(options.data)
    if scale < 1:
        pack = shrink_pack(pack, scale)
    print(describe_plan(plan, pack, machine), flush=True)
    if options.plan:
        return 0
    for step in plan.list_needed():
        if step not in plan.given:
            accuracy = plan.carry_out(step, pack, machine)
            print(f"{step}: {100 * accuracy:.2f} % on validation", flush=True)
    folder = runs / f"{name}-{REPORT}"
    left_out = finish_model(name, plan, pack, options.output, record, folder, recipe.weights)
    for line in left_out:
        print(line)
    return 1 if left_out else 0


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    try:
        return _make(options)
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on.", file=sys.stderr)
        return 130
    except torch.OutOfMemoryError as cause:
        raise TrainingError(
            "The device's memory is too small for this. Close what else uses it, or use --device "
            "cpu."
        ) from cause


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
