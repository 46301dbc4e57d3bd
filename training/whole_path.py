"""Measures what is lost on the way from a frame to a label.

python -m training.whole_path DATA.npz MODEL.onnx

Faces of the validation split (FER+'s PublicTest) are pasted into made frames of 1280 x 720 and read
as the app reads them: detector, alignment, classifier. The loss against the crops that the same
faces have in evaluation is the cost of the way itself. A face that is not found counts as wrong.
The test split is never opened.
"""

import argparse
from pathlib import Path

import numpy as np

from app.process.one_line_parser import OneLineParser
from app.recognition.classifier import Classifier
from training.base.cli import run_entry_point
from training.base.option_types import parse_count, parse_seed
from training.datasets.pack_reader import read_pack
from training.judge.path_reading import WholePath
from training.judge.path_report import (
    NOTE,
    PathRow,
    describe_target,
    format_path_table,
    judge_path,
    write_path_report,
)
from training.synthetic.paste import Grounds


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.whole_path`."""
    top = OneLineParser(
        prog="python -m training.whole_path",
        description="Paste faces of the validation split into made 1280 x 720 frames and read them "
        "as the demo does: what detector and alignment cost, and where they break.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("model", type=Path, help="an exported model (.onnx)")
    top.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="write table and figure there"
    )
    top.add_argument(
        "--faces",
        type=parse_count,
        default=200,
        metavar="N",
        help="faces for each row of the table (default: 200)",
    )
    top.add_argument(
        "--target-faces",
        type=parse_count,
        metavar="N",
        help="faces for the first row, of 128 px and more (default: all)",
    )
    top.add_argument(
        "--per-frame",
        type=parse_count,
        default=1,
        metavar="N",
        help="paste up to so many faces into a frame (default: 1): quicker, but detectors for "
        "distant faces find fewer in a collage",
    )
    top.add_argument(
        "--seed",
        type=parse_seed,
        default=0,
        metavar="N",
        help="places, sizes, backgrounds (default: 0)",
    )
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    from app.detection.search import FaceSearch

    pack = read_pack(options.data)
    classifier = Classifier(options.model, device="cpu", threads=1)  # a few crops at a time
    rows: list[PathRow] = []
    print(NOTE)
    with FaceSearch() as detector:
        path = WholePath(
            pack,
            classifier,
            detector,
            Grounds(np.random.default_rng(options.seed)),
            per_frame=options.per_frame,
        )
        for row in judge_path(
            path, faces=options.faces, target_faces=options.target_faces, seed=options.seed
        ):
            for line in format_path_table([row])[0 if not rows else -1 :]:
                print(line, flush=True)
            rows.append(row)
    print(describe_target(rows[0]))
    left_out = (
        write_path_report(options.output, classifier.path.name, rows) if options.output else []
    )
    for line in left_out:
        print(line)
    return 1 if left_out else 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
