"""Measures the time that a face costs.

python -m training.cost MODEL.onnx... [--reference]

Several exported models take turns in one run on the CPU, with single faces and with batches, beside
a standard ResNet-18 at 224 and at 112 pixels. The weights of that network are random, which does
not change its time. The figures hold for one machine; the ratios hold more widely. With --cuda each
model also runs on the GPU, and its probabilities there are compared with those on the CPU.
"""

import argparse
import tempfile
from pathlib import Path

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from app.recognition.classifier import Classifier
from training.base.cli import run_entry_point
from training.base.files import write_text_file
from training.exporting.reference_network import REFERENCE_SIZES_PX, name_reference, write_reference
from training.judge.face_cost import (
    find_largest_difference,
    format_costs,
    load_crops,
    measure_costs,
    name_models,
)
from training.judge.latency import THREADS, describe_timing_machine

BATCHES = (1, 8, 64)  # faces at a time
MAX_DIFFERENCE = 1e-3  # of a probability between CUDA and the CPU


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.cost`."""
    top = OneLineParser(
        prog="python -m training.cost",
        description="Milliseconds a face (uint8 crop to probabilities) of exported models that "
        "take turns on the CPU, as a Markdown table.",
    )
    top.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=".onnx files")
    top.add_argument(
        "--reference",
        action="store_true",
        help="also time a standard ResNet-18 at 224 and at 112 px, of random weights",
    )
    top.add_argument(
        "--batches",
        type=int,
        nargs="+",
        default=list(BATCHES),
        metavar="N",
        help="faces at a time (default: 1 8 64)",
    )
    top.add_argument(
        "--rounds", type=int, default=200, metavar="N", help="turns of each model (default: 200)"
    )
    top.add_argument(
        "--seconds",
        type=float,
        default=30.0,
        metavar="S",
        help="begin no new round after this time, for each batch size (default: 30)",
    )
    top.add_argument(
        "--threads",
        type=int,
        default=THREADS,
        metavar="N",
        help=f"CPU threads of ONNX Runtime (default: {THREADS})",
    )
    top.add_argument(
        "--cuda",
        action="store_true",
        help="run each model on the GPU, too (exit code 1 where a probability differs there by "
        f"more than {MAX_DIFFERENCE:g})",
    )
    top.add_argument(
        "--data",
        type=Path,
        metavar="FILE.npz",
        help="with --cuda: compare on the validation faces of this prepared file (default: noise)",
    )
    top.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the page there, too")
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if min(options.batches) < 1 or options.rounds < 1 or options.threads < 1:
        raise TrainingError("--batches, --rounds and --threads must be at least 1.")
    named = dict(zip(name_models(options.models), options.models, strict=True))
    against = [next(iter(named))]
    with tempfile.TemporaryDirectory() as folder:
        if options.reference:
            against = [name_reference(size) for size in REFERENCE_SIZES_PX]
            for size in REFERENCE_SIZES_PX:
                path = Path(folder) / f"reference{size}.onnx"
                named[name_reference(size)] = write_reference(size, path)
        classifiers = {
            name: Classifier(path, device="cpu", threads=options.threads)
            for name, path in named.items()
        }
        parts = []
        agree = True
        if options.cuda:
            for name, path in zip(name_models(options.models), options.models, strict=True):
                classifiers[f"{name} on CUDA"] = gpu = Classifier(path, device="cuda")
                crops = load_crops(options.data, gpu.contract)
                apart = find_largest_difference(classifiers[name], gpu, crops)
                agree = agree and apart <= MAX_DIFFERENCE
                parts.append(
                    f"{name}: probabilities on CUDA and on the CPU differ by at most {apart:.1e} "
                    f"on {len(crops)} crops.\n"
                )
        for batch in options.batches:
            rows, rounds = measure_costs(
                classifiers, against, batch, rounds=options.rounds, at_most_s=options.seconds
            )
            faces = "Single faces" if batch == 1 else f"Batches of {batch}"
            parts.append(f"{faces}, {rounds} rounds in turn:\n\n{format_costs(rows, against)}\n")
    machine = describe_timing_machine(options.threads)
    head = f"Medians, in brackets the middle eight tenths. {machine}\n"
    page = "\n".join([head, *parts])
    print(page, end="")
    if options.output is not None:
        write_text_file(options.output, page)
    return 0 if agree else 1


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
