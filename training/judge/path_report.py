"""Judges the way from a frame to a label under growing difficulty, and writes the report."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.errors import TrainingError
from app.wording import format_count
from training.base.files import write_text_file
from training.base.json_values import make_json_safe
from training.datasets.readers import NO_LABEL
from training.judge.path_reading import Condition, Outcome, WholePath

TARGET_PX = (128.0, 400.0)  # sizes of the target's faces
SIZES_PX = (32, 48, 67, 96, 128, 192, 256, 400, 600)
TILTS_DEG = (0, 10, 20, 30, 40, 50, 60)
COVERED_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)  # of a face's box
USUAL_PX = (128.0, 256.0)  # of faces that are tilted or covered
MAX_LOSS = 0.01  # of accuracy on the way from a frame to a label: the target
NO_FIGURE = "–"  # stands where there is no face


@dataclass(frozen=True, slots=True)
class PathRow:
    """The figures of one condition, shares in 0..1. `loss` is the accuracy of the crops minus that
    of the whole path over all faces, `loss_found` the same over the faces that were found; errors
    are standard errors of the mean of the paired differences. `said` is the share of all faces that
    get a label, `said_right` the accuracy of those."""

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


def list_conditions() -> Iterator[Condition]:
    """Lists the conditions of the table, each kind from easy to hard or from small to large."""
    for size in SIZES_PX:
        yield Condition("face size", f"{size} px", (size, size))
    for tilt in TILTS_DEG:
        yield Condition("tilt", f"{tilt}°", USUAL_PX, tilt_deg=tilt)
    for covered in COVERED_SHARES:
        yield Condition("covered", f"{100 * covered:.0f} %", USUAL_PX, covered=covered)


def make_path_row(condition: Condition, outcome: Outcome) -> PathRow:
    """Computes the row of a condition from its readings."""
    o = outcome
    count = len(o.labels)
    found = o.by_path != NO_LABEL
    crop_right, right = o.by_crop == o.labels, o.by_path == o.labels
    loss, loss_error = _compute_mean_error(crop_right.astype(float) - right)
    loss_found, loss_found_error = _compute_mean_error((crop_right.astype(float) - right)[found])
    return PathRow(
        kind=condition.kind,
        name=condition.name,
        faces=count,
        found=float(found.mean()),
        crop_accuracy=float(crop_right.mean()),
        crop_recall=_compute_mean_class_recall(o.labels, crop_right),
        accuracy=float(right.mean()),
        recall=_compute_mean_class_recall(o.labels, right),
        accuracy_found=_compute_mean_error(right[found])[0],
        recall_found=_compute_mean_class_recall(o.labels[found], right[found]),
        loss=loss,
        loss_error=loss_error,
        loss_found=loss_found,
        loss_found_error=loss_found_error,
        said=float(o.sure.mean()),
        said_right=_compute_mean_error(right[o.sure])[0],
        others=o.others,
        frames=o.frames,
    )


def _compute_mean_error(values: NDArray[np.generic]) -> tuple[float, float]:
    """Computes (mean, its standard error); NaN for no values."""
    if not len(values):
        return float("nan"), float("nan")
    numbers = values.astype(np.float64)
    spread = float(numbers.std(ddof=1)) if len(numbers) > 1 else float("nan")
    return float(numbers.mean()), spread / float(np.sqrt(len(numbers)))


def _compute_mean_class_recall(labels: NDArray[np.int64], right: NDArray[np.bool_]) -> float:
    """Computes the mean recall over the classes that have faces."""
    if not len(labels):
        return float("nan")
    return float(np.mean([right[labels == k].mean() for k in np.unique(labels)]))


def format_path_table(rows: Sequence[PathRow]) -> list[str]:
    """Formats the rows as a Markdown table: accuracies in per cent, each with the mean class recall
    in brackets."""

    def format_accuracy(accuracy: float, recall: float) -> str:
        return NO_FIGURE if np.isnan(accuracy) else f"{100 * accuracy:.1f} ({recall:.2f})"

    def format_loss(loss: float, error: float) -> str:
        if np.isnan(loss):
            return NO_FIGURE
        return f"{100 * loss:.1f}" + ("" if np.isnan(error) else f" ± {100 * error:.1f}")

    lines = [
        "| | faces | found | cached crops | whole path, found | whole path, all | loss, found "
        "| loss, all | get a label | right of those |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.kind} {row.name} | {row.faces} | {100 * row.found:.1f} % "
        f"| {format_accuracy(row.crop_accuracy, row.crop_recall)} "
        f"| {format_accuracy(row.accuracy_found, row.recall_found)} "
        f"| {format_accuracy(row.accuracy, row.recall)} "
        f"| {format_loss(row.loss_found, row.loss_found_error)} "
        f"| {format_loss(row.loss, row.loss_error)} "
        f"| {100 * row.said:.1f} % | {format_loss(row.said_right, np.nan)} |"
        for row in rows
    ]
    return lines


def describe_target(row: PathRow) -> str:
    """Says how the first row compares with the target."""
    is_met = row.loss <= MAX_LOSS
    return (
        f"{row.name}: {100 * row.found:.2f} % of {row.faces} faces found; of all, the whole path "
        f"loses {100 * row.loss:.2f} ± {100 * row.loss_error:.2f} points of accuracy, of those "
        f"found {100 * row.loss_found:.2f} ± {100 * row.loss_found_error:.2f}; at most "
        f"{100 * MAX_LOSS:.1f} wanted: {'held' if is_met else 'missed'}. {row.others} detections "
        f"where no face was, in {format_count(row.frames, 'frame')}."
    )


NOTE = (
    "Face size: side of the box that the short-range detector would draw. Accuracy in per cent, "
    'mean class recall in brackets; a face that is not found counts as wrong in "all". Loss: '
    "points of accuracy against the cached crops of the same faces, ± one standard error of the "
    "paired differences."
)


def judge_path(
    path: WholePath, *, faces: int, target_faces: int | None, seed: int
) -> Iterator[PathRow]:
    """Judges the condition of the target, then those of the table, each over its own draw of faces.
    `target_faces` of None takes all faces for the target."""
    draw = np.random.default_rng(seed)
    low, high = TARGET_PX
    target = Condition("face size", f"{low:.0f} to {high:.0f} px", TARGET_PX)
    all_faces = len(path.rows)
    for condition, wanted in ((target, target_faces), *((c, faces) for c in list_conditions())):
        count = all_faces if wanted is None else min(wanted, all_faces)
        chosen = draw.permutation(all_faces)[:count]
        yield make_path_row(condition, path.read_condition(condition, chosen, draw))


def _group_by_kind(rows: Sequence[PathRow]) -> dict[str, list[PathRow]]:
    kinds: dict[str, list[PathRow]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    return kinds


def write_path_report(folder: Path, model: str, rows: Sequence[PathRow]) -> list[str]:
    """Writes `whole_path.json`, `whole_path.md` and the figure into `folder`; returns a line for
    each output that was left out. Raises `TrainingError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise TrainingError(
            f"{folder} could not be made: {cause.strerror}. Choose another -o."
        ) from cause
    facts = {"model": model, "rows": make_json_safe([asdict(row) for row in rows])}
    write_text_file(folder / "whole_path.json", json.dumps(facts, indent=1, allow_nan=False) + "\n")
    page = [
        f"# {model}, from frame to label",
        "",
        describe_target(rows[0]),
        "",
        NOTE,
        "",
        *format_path_table(rows),
    ]
    write_text_file(folder / "whole_path.md", "\n".join(page) + "\n")
    try:
        from training.figures.whole_path import PathPanel, draw_whole_path
    except ImportError:
        return ["The figure was left out: matplotlib is not installed."]
    panels = [
        PathPanel(
            kind=kind,
            names=tuple(row.name for row in own),
            found=tuple(row.found for row in own),
            right_by_crop=tuple(row.crop_accuracy for row in own),
            right_by_path=tuple(row.accuracy for row in own),
            labelled=tuple(row.said for row in own),
        )
        for kind, own in _group_by_kind(rows[1:]).items()
    ]
    try:
        draw_whole_path(panels, folder / "whole_path.png")
    except OSError as cause:
        raise TrainingError(f"{folder} could not be written: {cause}.") from cause
    return []
