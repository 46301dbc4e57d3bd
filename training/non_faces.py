"""Measures what the program reads in pictures without a face.

python -m training.non_faces MODEL.onnx

Thousands of made pictures go through the detector and, where it finds a face, on to the label. Few
get that far, so all of them are also given straight to the classifier as crops: its doubt is the
last guard. With validation faces (`--data`) the measures of doubt are compared at equal shares of
faces kept.
"""

import argparse
from pathlib import Path

import numpy as np

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from app.recognition.classifier import Classifier
from app.types import Image as Picture
from training.base.cli import run_entry_point
from training.base.option_types import parse_seed
from training.base.progress import track_progress
from training.datasets.pack_reader import read_pack
from training.judge.non_face_report import (
    ScoreRow,
    compare_scores,
    count_by_kind,
    format_non_face_lines,
    read_face_logits,
    read_non_faces,
    write_non_face_report,
)
from training.synthetic.non_face_pictures import Clip, make_pictures

COUNT = 10_000  # pictures, where --count is not given


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.non_faces`."""
    top = OneLineParser(
        prog="python -m training.non_faces",
        description="Show the detector and the model thousands of made pictures without a face and "
        "count how often an expression is read into them.",
    )
    top.add_argument("model", type=Path, help="an exported model (.onnx)")
    top.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="the .npz that training.prepare wrote: its validation faces are also scrambled and "
        "shown, and the ways to measure doubt are compared on them",
    )
    top.add_argument(
        "--media",
        type=Clip.parse,
        nargs="+",
        default=[],
        metavar="CLIP[@SECONDS]",
        help="videos without a face, or without one from that second on, to show as well",
    )
    top.add_argument(
        "--count", type=int, default=COUNT, metavar="N", help=f"pictures (default: {COUNT})"
    )
    top.add_argument(
        "--seed", type=parse_seed, default=0, metavar="N", help="what is made (default: 0)"
    )
    top.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="write the tables there")
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.count < 1:
        raise TrainingError("--count must be at least 1.")
    classifier = Classifier(options.model, device="cpu", threads=1)
    frames = [frame for clip in options.media for frame in clip.read_frames()]
    generator = np.random.default_rng(options.seed)
    faces: list[Picture] = []
    pack = read_pack(options.data) if options.data else None
    if pack is not None:
        rows = generator.permutation(pack.find_rows("valid"))[:500]
        faces = [pack.decode(int(row), "rgb")[::-1].transpose(1, 2, 0) for row in rows]
    from app.detection.search import FaceSearch

    shown = make_pictures(generator, options.count, faces=faces, frames=frames)
    with FaceSearch() as detector:
        seen = track_progress(shown, total=options.count, desc="pictures", unit="", leave=False)
        found = read_non_faces(classifier, detector, seen)
    table = count_by_kind(found, classifier)
    scores: list[ScoreRow] = []
    if pack is not None:
        of_faces, labels = read_face_logits(pack, classifier)
        scores = compare_scores(found, of_faces, labels, classifier.contract.decision_temperature)
    for line in format_non_face_lines(table, scores):
        print(line)
    if options.output:
        write_non_face_report(options.output, classifier.path.name, table, scores)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
