"""Results as rows: one per face per frame, as CSV or as JSON lines."""

import contextlib
import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from app.sinks import reserve, unwritable
from app.types import FrameResult, Image, SinkError, TrackedFace

# The columns of every records file; the probabilities follow.
COLUMNS = (
    "source",
    "frame",
    "time_s",
    "face_id",
    "x",
    "y",
    "width",
    "height",
    "det_score",
    "label",
    "reason",
)
PIXEL_DECIMALS = 2
DECIMALS = 6  # of seconds, scores and probabilities


class RecordsSink:
    """Writes `.csv` or `.jsonl`, by the suffix of `path`.

    `x, y, width, height` are the face's box in pixels of the upright picture, not clipped to it;
    `reason` is empty unless the label is "unsure". CSV has one column per label after `COLUMNS`, in
    the order of `labels`; JSON lines have them in the object `probabilities`. A frame without faces
    is one row whose face fields are empty.
    """

    def __init__(self, path: Path, labels: Sequence[str], *, overwrite: bool) -> None:
        self.path = path
        self._labels = tuple(labels)
        self._as_csv = path.suffix.lower() == ".csv"
        if not self._as_csv and path.suffix.lower() != ".jsonl":
            raise SinkError(f"{path} must end in .jsonl or .csv, the two kinds of records.")
        self._partial = reserve(path, overwrite=overwrite)
        self._file: TextIO | None = None
        try:
            self._file = self._partial.open("w", encoding="utf-8", newline="")
            if self._as_csv:
                csv.writer(self._file).writerow((*COLUMNS, *_label_columns(self._labels)))
        except OSError as error:
            self.abort()
            raise unwritable(path, error) from error

    def write(self, result: FrameResult, canvas: Image) -> None:
        """`canvas` is not looked at."""
        if self._file is None:
            raise SinkError(f"{self.path} is closed already.")
        faces: Sequence[TrackedFace | None] = result.faces or (None,)
        try:
            if self._as_csv:
                csv.writer(self._file).writerows(self._csv_row(result, face) for face in faces)
            else:
                for face in faces:
                    self._file.write(json.dumps(self._json_row(result, face), ensure_ascii=False))
                    self._file.write("\n")
        except OSError as error:
            self.abort()
            raise unwritable(self.path, error) from error

    def _csv_row(self, result: FrameResult, face: TrackedFace | None) -> list[object]:
        frame = result.frame
        start = [frame.source, frame.index, f"{frame.time_s:.{DECIMALS}f}"]
        if face is None:
            return start + [""] * (len(COLUMNS) - len(start) + len(self._labels))
        return [
            *start,
            face.face_id,
            *(f"{value:.{PIXEL_DECIMALS}f}" for value in _box_xywh(face)),
            f"{face.face.score:.{DECIMALS}f}",
            face.label,
            face.reason or "",
            *(f"{p:.{DECIMALS}f}" for p in face.probabilities),
        ]

    def _json_row(self, result: FrameResult, face: TrackedFace | None) -> dict[str, Any]:
        frame = result.frame
        row: dict[str, Any] = dict.fromkeys((*COLUMNS, "probabilities"))
        row.update(source=frame.source, frame=frame.index, time_s=round(frame.time_s, DECIMALS))
        if face is not None:
            x, y, width, height = (round(value, PIXEL_DECIMALS) for value in _box_xywh(face))
            shares = (round(float(p), DECIMALS) for p in face.probabilities)
            row.update(
                face_id=face.face_id,
                x=x,
                y=y,
                width=width,
                height=height,
                det_score=round(float(face.face.score), DECIMALS),
                label=face.label,
                reason=face.reason,
                probabilities=dict(zip(self._labels, shares, strict=True)),
            )
        return row

    def close(self) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.close()  # flushes: a full disk may show only here
            os.replace(self._partial, self.path)
        except OSError as error:
            self._remove()
            raise unwritable(self.path, error) from error

    def abort(self) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        with contextlib.suppress(OSError):
            file.close()
        self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)


def _box_xywh(face: TrackedFace) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in face.face.box_xyxy)
    return x0, y0, x1 - x0, y1 - y0


def _label_columns(labels: Sequence[str]) -> list[str]:
    """The labels, with `p_` in front of those that would repeat a column."""
    columns: list[str] = []
    for label in labels:
        column = label
        while column in COLUMNS or column in columns:
            column = f"p_{column}"
        columns.append(column)
    return columns
