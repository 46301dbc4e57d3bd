"""From a frame to a label and back: python -m training.whole_path DATA.npz MODEL.onnx

Faces of the validation split (FER+'s PublicTest) are pasted into made frames of 1280 x 720 and read
as the demo reads them: detector, alignment, classifier. What that loses against the crops which the
same faces have in evaluation is what the way itself costs; a face that is not found is a wrong one.
The test split is never opened.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.classifier import Classifier
from app.one_line_parser import OneLineParser
from app.types import TrainingError
from training.cli import run
from training.data import NO_LABEL
from training.files import write_text
from training.json_values import plain_json
from training.option_types import positive
from training.pack import read_pack
from training.paste import Grounds
from training.path_reading import Condition, Outcome, WholePath
from training.wording import counted

TARGET_PX = (128.0, 400.0)
SIZES_PX = (32, 48, 67, 96, 128, 192, 256, 400, 600)
TILTS_DEG = (0, 10, 20, 30, 40, 50, 60)
COVERED = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
USUAL_PX = (128.0, 256.0)  # of faces that are tilted or covered
TARGET_LOSS = 0.01
NONE = "–"  # of no face there is no figure


@dataclass(frozen=True, slots=True)
class Row:
    """Shares in 0..1. `loss`: accuracy of the crops less that of the whole path over all faces, of
    `loss_found` over those found; errors are of the mean of the paired differences. `said`: the
    share of all faces that get a label, `said_right` the accuracy of those."""

    kind: str
    name: str
    faces: int
    found: float
    crop_accuracy: float
    crop_recall: float
    accuracy: float
    recall: float
    accuracy_found: float
    recall_found: float
    loss: float
    loss_error: float
    loss_found: float
    loss_found_error: float
    said: float
    said_right: float
    others: int
    frames: int


def conditions() -> Iterator[Condition]:
    """The rows of "where it breaks"."""
    for size in SIZES_PX:
        yield Condition("face size", f"{size} px", (size, size))
    for tilt in TILTS_DEG:
        yield Condition("tilt", f"{tilt}°", USUAL_PX, tilt_deg=tilt)
    for covered in COVERED:
        yield Condition("covered", f"{100 * covered:.0f} %", USUAL_PX, covered=covered)


def row_of(condition: Condition, outcome: Outcome) -> Row:
    o = outcome
    count = len(o.labels)
    found = o.by_path != NO_LABEL
    crop_right, right = o.by_crop == o.labels, o.by_path == o.labels
    loss, loss_error = _mean_error(crop_right.astype(float) - right)
    loss_found, loss_found_error = _mean_error((crop_right.astype(float) - right)[found])
    return Row(
        kind=condition.kind,
        name=condition.name,
        faces=count,
        found=float(found.mean()),
        crop_accuracy=float(crop_right.mean()),
        crop_recall=_mean_class_recall(o.labels, crop_right),
        accuracy=float(right.mean()),
        recall=_mean_class_recall(o.labels, right),
        accuracy_found=_mean_error(right[found])[0],
        recall_found=_mean_class_recall(o.labels[found], right[found]),
        loss=loss,
        loss_error=loss_error,
        loss_found=loss_found,
        loss_found_error=loss_found_error,
        said=float(o.sure.mean()),
        said_right=_mean_error(right[o.sure])[0],
        others=o.others,
        frames=o.frames,
    )


def _mean_error(values: NDArray[np.generic]) -> tuple[float, float]:
    """(mean, its standard error); NaN for none."""
    if not len(values):
        return float("nan"), float("nan")
    numbers = values.astype(np.float64)
    spread = float(numbers.std(ddof=1)) if len(numbers) > 1 else float("nan")
    return float(numbers.mean()), spread / float(np.sqrt(len(numbers)))


def _mean_class_recall(labels: NDArray[np.int64], right: NDArray[np.bool_]) -> float:
    """Over the classes that are there."""
    if not len(labels):
        return float("nan")
    return float(np.mean([right[labels == k].mean() for k in np.unique(labels)]))


def table(rows: Sequence[Row]) -> list[str]:
    """Accuracies in per cent, each with the mean class recall in brackets."""

    def both(accuracy: float, recall: float) -> str:
        return NONE if np.isnan(accuracy) else f"{100 * accuracy:.1f} ({recall:.2f})"

    def points(loss: float, error: float) -> str:
        if np.isnan(loss):
            return NONE
        return f"{100 * loss:.1f}" + ("" if np.isnan(error) else f" ± {100 * error:.1f}")

    lines = [
        "| | faces | found | cached crops | whole path, found | whole path, all | loss, found "
        "| loss, all | get a label | right of those |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.kind} {row.name} | {row.faces} | {100 * row.found:.1f} % "
        f"| {both(row.crop_accuracy, row.crop_recall)} "
        f"| {both(row.accuracy_found, row.recall_found)} | {both(row.accuracy, row.recall)} "
        f"| {points(row.loss_found, row.loss_found_error)} | {points(row.loss, row.loss_error)} "
        f"| {100 * row.said:.1f} % | {points(row.said_right, np.nan)} |"
        for row in rows
    ]
    return lines


def verdict(row: Row) -> str:
    """The target's line."""
    held = row.loss <= TARGET_LOSS
    return (
        f"{row.name}: {100 * row.found:.2f} % of {row.faces} faces found; of all, the whole path "
        f"loses {100 * row.loss:.2f} ± {100 * row.loss_error:.2f} points of accuracy, of those "
        f"found {100 * row.loss_found:.2f} ± {100 * row.loss_found_error:.2f}; at most "
        f"{100 * TARGET_LOSS:.1f} wanted: {'held' if held else 'missed'}. {row.others} detections "
        f"where no face was, in {counted(row.frames, 'frame')}."
    )


NOTE = (
    "Face size: side of the box that the short-range detector would draw. Accuracy in per cent, "
    'mean class recall in brackets; a face that is not found counts as wrong in "all". Loss: '
    "points of accuracy against the cached crops of the same faces, ± one standard error of the "
    "paired differences."
)


def judge(path: WholePath, *, faces: int, target_faces: int | None, seed: int) -> Iterator[Row]:
    """The target's row, then those of the table, each over its own draw of faces."""
    draw = np.random.default_rng(seed)
    low, high = TARGET_PX
    target = Condition("face size", f"{low:.0f} to {high:.0f} px", TARGET_PX)
    everybody = len(path.rows)
    for condition, wanted in ((target, target_faces), *((c, faces) for c in conditions())):
        count = everybody if wanted is None else min(wanted, everybody)
        chosen = draw.permutation(everybody)[:count]
        yield row_of(condition, path.judge(condition, chosen, draw))


def write_report(folder: Path, model: str, rows: Sequence[Row]) -> list[str]:
    """`whole_path.json`, `.md` and the figure; returns a line for what was left out."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise TrainingError(
            f"{folder} could not be made: {cause.strerror}. Choose another -o."
        ) from cause
    facts = {"model": model, "rows": plain_json([asdict(row) for row in rows])}
    write_text(folder / "whole_path.json", json.dumps(facts, indent=1, allow_nan=False) + "\n")
    page = [f"# {model}, from frame to label", "", verdict(rows[0]), "", NOTE, "", *table(rows)]
    write_text(folder / "whole_path.md", "\n".join(page) + "\n")
    try:
        from training.doubt_figures import path_figure
    except ImportError:
        return ["The figure was left out: matplotlib is not installed."]
    try:
        path_figure(rows[1:], folder / "whole_path.png")
    except OSError as cause:
        raise TrainingError(f"{folder} could not be written: {cause}.") from cause
    return []


def parser() -> argparse.ArgumentParser:
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
        type=positive,
        default=200,
        metavar="N",
        help="faces for each row of the table (default: 200)",
    )
    top.add_argument(
        "--target-faces",
        type=positive,
        metavar="N",
        help="faces for the first row, of 128 px and more (default: all)",
    )
    top.add_argument(
        "--per-frame",
        type=positive,
        default=1,
        metavar="N",
        help="paste up to so many faces into a frame (default: 1): quicker, but detectors for "
        "distant faces find fewer in a collage",
    )
    top.add_argument(
        "--seed", type=int, default=0, metavar="N", help="places, sizes, backgrounds (default: 0)"
    )
    return top


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    from app.search import FaceSearch

    pack = read_pack(options.data)
    classifier = Classifier(options.model, device="cpu", threads=1)  # a few crops at a time
    rows: list[Row] = []
    print(NOTE)
    with FaceSearch() as detector:
        path = WholePath(
            pack,
            classifier,
            detector,
            Grounds(np.random.default_rng(options.seed)),
            per_frame=options.per_frame,
        )
        for row in judge(
            path, faces=options.faces, target_faces=options.target_faces, seed=options.seed
        ):
            for line in table([row])[0 if not rows else -1 :]:
                print(line, flush=True)
            rows.append(row)
    print(verdict(rows[0]))
    left_out = write_report(options.output, classifier.path.name, rows) if options.output else []
    for line in left_out:
        print(line)
    return 1 if left_out else 0


if __name__ == "__main__":
    raise SystemExit(run(main))
