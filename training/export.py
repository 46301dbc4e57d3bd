"""Exports a checkpoint as the one file that the app runs.

python -m training.export DATA.npz RUN/best.pt -o MODEL.onnx
"""

import argparse
from pathlib import Path
from typing import get_args

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.licences import choose_licence
from training.checkpoints.compact import name_compact, write_compact
from training.datasets.pack_reader import read_pack
from training.exporting.onnx_file import SAME_LABEL, export_model
from training.network.half_precision import Storage


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.export`."""
    top = OneLineParser(
        prog="python -m training.export",
        description="Write a checkpoint as one ONNX file that carries its whole contract.",
    )
    top.add_argument("data", type=Path, help="the .npz that the checkpoint was trained on")
    top.add_argument("checkpoint", type=Path, help="RUN_FOLDER/best.pt")
    top.add_argument(
        "-o", "--output", type=Path, required=True, help="the .onnx file to write or replace"
    )
    top.add_argument("--licence", help="the licence note that travels with the file")
    top.add_argument(
        "--attention",
        action="store_true",
        help="add the attention as a third output (N, d); the file grows by the attention network",
    )
    top.add_argument(
        "--weights",
        choices=get_args(Storage),
        default="full",
        help="half: store the weights in 16 bits, which halves the file; it computes in 32 bits "
        "and is as fast (default: full)",
    )
    top.add_argument(
        "--compact",
        action="store_true",
        help="also write NAME.pt beside the file: the weights in half precision, from which "
        "training can go on (training.retrain --from)",
    )
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.output.suffix != ".onnx":
        raise TrainingError(f"{options.output}: the output must end in .onnx.")
    if not options.output.parent.is_dir():
        raise TrainingError(f"{options.output.parent} is not a folder. Make it first.")
    pack = read_pack(options.data)
    licence = options.licence or choose_licence(pack.meta.dataset)
    contract, difference = export_model(
        pack,
        options.checkpoint,
        options.output,
        licence,
        with_attention=options.attention,
        weights=options.weights,
    )
    if options.compact:
        write_compact(options.checkpoint, name_compact(options.output))
    m = contract.metrics
    print(
        f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB, validation accuracy "
        f"{100 * m['accuracy']:.2f} % (± {100 * m['standard_error']:.2f}), ECE {m['ece']:.3f} at "
        f"temperature {contract.temperature:.3f}, largest difference to PyTorch {difference:.1e}. "
        f"Unsure below {contract.unsure_below:.3f} or above {contract.unsure_above_nats:.3f} nats."
    )
    if options.weights == "half":
        print(
            f"Weights in half precision: the label of full precision on "
            f"{100 * m[SAME_LABEL]:.2f} % of {m['faces']} validation faces."
        )
    if options.compact:
        path = name_compact(options.output)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, to go on from.")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
