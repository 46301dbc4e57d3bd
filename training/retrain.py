"""Makes a model that runs from a folder of labelled pictures, in one command.

python -m training.retrain DATA_DIR -o models/mine.onnx

Pictures lie in DATA_DIR/<label>/…, whole photos or face crops, or already split in train/<label>/…
and valid/<label>/…, or in another form of docs/retraining.md. The command finds faces, splits
groups, fine-tunes a network, exports and judges it. The run's folder holds the record:
pictures.csv, data.npz, training/, report.html.
"""

import argparse
import sys
from pathlib import Path

import torch

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from app.recognition.classifier import DEFAULT_MODEL
from training.base.cli import run_entry_point
from training.base.option_types import parse_seed
from training.making.retraining import RetrainRequest, retrain
from training.own_pictures.gather import Gathering
from training.run.finetune import MIN_PATIENCE_EPOCHS


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.retrain`."""
    top = OneLineParser(
        prog="python -m training.retrain",
        description="Train on your own pictures: DATA_DIR/<label>/… (whole photos or face crops), "
        "split by person here; or train/<label>/… and valid/<label>/…; or pictures with a table of "
        "their labels, or another form of docs/retraining.md. Writes the model, and in the run's "
        "folder a report (report.html) and what became of each picture (pictures.csv).",
    )
    top.add_argument("data", type=Path, metavar="DATA_DIR", help="the folder of pictures")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL.onnx", help="the model to write"
    )
    top.add_argument(
        "--from",
        dest="source",
        metavar="FILE",
        help="begin from this model (NAME.onnx with NAME.pt beside it), checkpoint (.pt) or file "
        "of dlib's network (docs/retraining.md); none: from chance (default: the shipped "
        f"models/{DEFAULT_MODEL.name})",
    )
    top.add_argument(
        "--run", type=Path, metavar="FOLDER", help="the run's folder (default: runs/retrain-MODEL)"
    )
    top.add_argument("--resume", action="store_true", help="go on where this very run stopped")
    top.add_argument(
        "--overwrite",
        action="store_true",
        help="replace the model and, without --resume, begin the run anew",
    )
    data = top.add_argument_group("pictures")
    data.add_argument(
        "--valid-share",
        type=float,
        default=Gathering().valid_share,
        metavar="X",
        help="share put aside to judge by, where the folder is not split (default: 0.2)",
    )
    data.add_argument(
        "--group-by",
        default="person",
        metavar="HOW",
        help="what stands on one side of the split: person (default; one sub-folder of a label, or "
        "one name or code in the file's name, as known face sets have it), prefix (file names with "
        "one first word), picture (copies of a picture alone), or a regular expression that is "
        "looked for in the path below the label's folder, as '^S[0-9]+'",
    )
    data.add_argument(
        "--max-unreadable",
        type=float,
        default=0.1,
        metavar="X",
        help="share of pictures that may be unreadable (default: 0.1); more stops",
    )
    data.add_argument("--dataset", metavar="TEXT", help="its name (default: the folder's)")
    data.add_argument("--licence", metavar="TEXT", help="the note that travels with the model")
    how = top.add_argument_group("training")
    how.add_argument("--epochs", type=int, metavar="N", help="default: by the number of pictures")
    how.add_argument(
        "--patience",
        type=int,
        metavar="N",
        help="end early where no epoch was better for N (default: a third of the epochs, at least "
        f"{MIN_PATIENCE_EPOCHS}; 0: never)",
    )
    how.add_argument("--learning-rate", type=float, metavar="X", help="the schedule's peak")
    how.add_argument("--batch-size", type=int, metavar="N", help="pictures a step")
    how.add_argument(
        "--seed", type=parse_seed, default=0, metavar="N", help="of split and training"
    )
    how.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where to compute; auto (default) takes CUDA where it works",
    )
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    try:
        return retrain(RetrainRequest(**vars(options)), sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        print("Interrupted. The same command with --resume goes on.", file=sys.stderr)
        return 130
    except torch.OutOfMemoryError as cause:
        raise TrainingError(
            "The device's memory is too small for this. Lower --batch-size, or use --device cpu."
        ) from cause


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
