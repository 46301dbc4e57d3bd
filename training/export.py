"""Exports a checkpoint as the one file that the app runs.

python -m training.export DATA.npz RUN/best.pt -o MODEL.onnx
"""

import argparse
from pathlib import Path
from typing import get_args

from app.contract import Contract
from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.base.cli import run_entry_point
from training.base.option_types import parse_share
from training.checkpoints.checkpoint import load_trained
from training.checkpoints.compact import name_compact, write_compact
from training.checkpoints.origins import complete_licence
from training.datasets.pack_reader import read_pack
from training.exporting.onnx_file import SAME_LABEL, export_model
from training.exporting.renewal import renew_file
from training.measures.decision_rule import MAX_ACCURACY_COST
from training.network.half_precision import Storage


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.export`."""
    top = OneLineParser(
        prog="python -m training.export",
        description="Write a checkpoint as one ONNX file that carries its whole contract.",
    )
    top.add_argument("data", type=Path, help="the .npz that the checkpoint was trained on")
    top.add_argument(
        "checkpoint",
        type=Path,
        help="RUN_FOLDER/best.pt; or a file that was exported before, whose network stays as it is "
        "and gets a new decision rule and, where it lacks one, an output for the embedding",
    )
    top.add_argument(
        "-o", "--output", type=Path, required=True, help="the .onnx file to write or replace"
    )
    top.add_argument(
        "--prior-correction",
        type=parse_share,
        metavar="TAU",
        help="of the file's decision rule, 0 to 1 (default: the strongest that costs at most "
        f"{100 * MAX_ACCURACY_COST:g} points of accuracy on the validation split)",
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


def format_contract(output: Path, contract: Contract) -> str:
    """Formats in one line what a file's contract promises on validation faces."""
    m = contract.metrics
    return (
        f"{output}: {output.stat().st_size / 1e6:.1f} MB, validation accuracy "
        f"{100 * m['accuracy']:.2f} % (± {100 * m['standard_error']:.2f}), mean class recall "
        f"{m['mean_class_recall']:.3f}, ECE {m['ece']:.3f} at temperature "
        f"{contract.decision_temperature:.3f} and prior correction "
        f"{contract.prior_correction:.2f}. "
        f"Unsure below {contract.unsure_below:.3f} or above {contract.unsure_above_nats:.3f} nats."
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.output.suffix != ".onnx":
        raise TrainingError(f"{options.output}: the output must end in .onnx.")
    if not options.output.parent.is_dir():
        raise TrainingError(f"{options.output.parent} is not a folder. Make it first.")
    if not options.checkpoint.exists():
        raise TrainingError(
            f"{options.checkpoint} is missing. Give a checkpoint, or a file that was exported "
            "before."
        )
    pack = read_pack(options.data)
    if options.checkpoint.suffix == ".onnx":
        for option in ("licence", "attention", "compact"):
            if getattr(options, option):
                raise TrainingError(f"--{option} is for a checkpoint, not for an exported file.")
        if options.weights != "full":
            raise TrainingError("--weights is for a checkpoint, not for an exported file.")
        contract = renew_file(
            pack, options.checkpoint, options.output, tau=options.prior_correction
        )
        print(format_contract(options.output, contract))
        return 0
    origins = load_trained(options.checkpoint).origins
    licence = options.licence or complete_licence(origins, pack.meta.dataset)
    contract, difference = export_model(
        pack,
        options.checkpoint,
        options.output,
        licence,
        with_attention=options.attention,
        weights=options.weights,
        tau=options.prior_correction,
    )
    if options.compact:
        write_compact(options.checkpoint, name_compact(options.output))
    print(format_contract(options.output, contract))
    print(f"Largest difference of a logit to PyTorch: {difference:.1e}.")
    m = contract.metrics
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
