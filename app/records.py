"""Results as rows, one per face per frame: what a row holds, and the files that hold rows.

docs/records.md is the description for users. A change of names or meanings there and here raises
`SCHEMA`; `app.read_records` reads every schema there has been.
"""

import contextlib
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from app.cells import text_cell
from app.hidden_files import HiddenFile
from app.quality import Quality, measure
from app.sinks import reserve, unwritable
from app.suffix import kind_of
from app.types import LANDMARKS, FrameResult, Image, SinkError, TrackedFace, readable

# 1 had no raw probabilities, landmarks, quality figures, reason and schema; in 2, the label was the
# likeliest of each frame, without regard to the one before.
SCHEMA = 3
SUFFIXES = (".jsonl", ".csv", ".parquet")


def checked_suffix(path: Path) -> str:
    """Raises `SinkError` for a kind of records that there is not."""
    return kind_of(path, SUFFIXES, "must end in .jsonl, .csv or .parquet, the kinds of records.")


# Every records file begins with these; the probabilities follow.
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
POINT_COLUMNS = tuple(f"{name}_{axis}" for name in LANDMARKS for axis in "xy")
QUALITY_COLUMNS = tuple(item.name for item in fields(Quality))
SCHEMA_COLUMN = "schema"
FIXED_COLUMNS = (*COLUMNS, *POINT_COLUMNS, *QUALITY_COLUMNS, SCHEMA_COLUMN)
RAW = "raw_"

PIXEL_DECIMALS = 2  # of pixels and degrees
DECIMALS = 6  # of seconds, scores, probabilities and the other figures
Kind = Literal["text", "whole", "pixels", "figure"]
KINDS: dict[str, Kind] = {
    **dict.fromkeys(FIXED_COLUMNS, "figure"),
    **dict.fromkeys(("source", "label", "reason"), "text"),
    **dict.fromkeys(("frame", "face_id", SCHEMA_COLUMN), "whole"),
    **dict.fromkeys(("x", "y", "width", "height", *POINT_COLUMNS), "pixels"),
    **dict.fromkeys(("size_px", "roll_deg", "yaw_deg"), "pixels"),
}


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One face of a frame, as `TrackedFace` with `Quality`. `box_xywh` and `landmarks` (in the
    order of `LANDMARKS`) in px; probabilities by label. None: records of schema 1 do not say."""

    face_id: int
    box_xywh: tuple[float, float, float, float]
    det_score: float
    label: str
    reason: str | None
    probabilities: Mapping[str, float]
    raw_probabilities: Mapping[str, float] | None = None
    landmarks: tuple[tuple[float, float], ...] | None = None
    quality: Quality | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One row. `face` None: the frame has no face."""

    source: str
    frame: int
    time_s: float
    face: FaceRecord | None = None


def records_of(result: FrameResult, *, with_quality: bool = True) -> tuple[Record, ...]:
    """The rows of a frame, at least one, rounded to what a file holds of them."""
    frame = result.frame
    source = readable(frame.source)
    time_s = round(frame.time_s, DECIMALS)
    faces: Sequence[TrackedFace | None] = result.faces or (None,)
    return tuple(
        Record(
            source,
            frame.index,
            time_s,
            None
            if face is None
            else _face_record(face, result.labels, frame.image if with_quality else None),
        )
        for face in faces
    )


def _face_record(face: TrackedFace, labels: Sequence[str], image: Image | None) -> FaceRecord:
    x0, y0, x1, y1 = (float(value) for value in face.face.box_xyxy)
    quality = None
    if image is not None:
        found = measure(image, face.face)
        quality = Quality(*(_rounded(name, getattr(found, name)) for name in QUALITY_COLUMNS))

    def shares(values: Any) -> dict[str, float]:
        return {
            label: round(float(value), DECIMALS)
            for label, value in zip(labels, values, strict=True)
        }

    x, y, width, height = (round(value, PIXEL_DECIMALS) for value in (x0, y0, x1 - x0, y1 - y0))
    return FaceRecord(
        face_id=face.face_id,
        box_xywh=(x, y, width, height),
        det_score=round(float(face.face.score), DECIMALS),
        label=face.label,
        reason=face.reason,
        probabilities=shares(face.probabilities),
        raw_probabilities=shares(face.raw_probabilities),
        landmarks=tuple(
            (round(px, PIXEL_DECIMALS), round(py, PIXEL_DECIMALS))
            for px, py in face.face.landmarks.tolist()
        ),
        quality=quality,
    )


def _rounded(name: str, value: float | None) -> Any:
    if value is None:
        return None
    return round(value, PIXEL_DECIMALS if KINDS[name] == "pixels" else DECIMALS)


class Column(NamedTuple):
    name: str
    kind: Kind


def flat_columns(labels: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a table: `COLUMNS`, the labels' probabilities, the same raw, and the rest. A
    label that would repeat a column gets `p_` in front."""
    names = list(COLUMNS)
    for prefix in ("", RAW):
        for label in labels:
            name = prefix + label
            while name in FIXED_COLUMNS or name in names:
                name = f"p_{name}"
            names.append(name)
    names += FIXED_COLUMNS[len(COLUMNS) :]
    return tuple(Column(name, KINDS.get(name, "figure")) for name in names)


def flat_row(record: Record, labels: Sequence[str]) -> list[Any]:
    """A value for each of `flat_columns(labels)`; None where there is nothing to say."""
    start = [record.source, record.frame, record.time_s]
    face = record.face
    if face is None:
        empty = len(FIXED_COLUMNS) - len(start) - 1 + 2 * len(labels)
        return [*start, *[None] * empty, SCHEMA]
    raw = face.raw_probabilities
    points = face.landmarks
    return [
        *start,
        face.face_id,
        *face.box_xywh,
        face.det_score,
        face.label,
        face.reason,
        *(face.probabilities[label] for label in labels),
        *((raw[label] for label in labels) if raw else [None] * len(labels)),
        *(
            (value for point in points for value in point)
            if points
            else [None] * len(POINT_COLUMNS)
        ),
        *(getattr(face.quality, name, None) for name in QUALITY_COLUMNS),
        SCHEMA,
    ]


def json_row(record: Record) -> dict[str, Any]:
    """The same as nested values: probabilities by label, landmarks by name."""
    face = record.face
    row: dict[str, Any] = dict.fromkeys(
        (*COLUMNS, "probabilities", "raw_probabilities", "landmarks", *QUALITY_COLUMNS)
    )
    row.update(source=record.source, frame=record.frame, time_s=record.time_s, schema=SCHEMA)
    if face is None:
        return row
    row.update(face_id=face.face_id, det_score=face.det_score, label=face.label)
    row.update(zip(("x", "y", "width", "height"), face.box_xywh, strict=True))
    row.update(
        reason=face.reason,
        probabilities=dict(face.probabilities),
        raw_probabilities=None if face.raw_probabilities is None else dict(face.raw_probabilities),
        landmarks=face.landmarks and dict(zip(LANDMARKS, face.landmarks, strict=True)),
        **{name: getattr(face.quality, name, None) for name in QUALITY_COLUMNS},
    )
    return row


def csv_line(values: Sequence[object]) -> str:
    """One line, quoted where needed, with its end."""
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


class RowFile(Protocol):
    """A kind of file that rows can be written to."""

    def write(self, records: Sequence[Record]) -> None: ...
    def finish(self) -> None: ...


class LineFile(Protocol):
    """What `LineRows` needs of a file."""

    def write(self, content: bytes, /) -> int: ...
    def flush(self) -> None: ...


class LineRows:
    """Rows as lines. A frame's rows reach the file together, so that who reads along sees whole
    ones. `header` False: the file has one already."""

    def __init__(
        self, file: LineFile, labels: Sequence[str], *, as_csv: bool, header: bool = True
    ) -> None:
        self._file = file
        self._labels = labels
        self._columns = flat_columns(labels)
        self._as_csv = as_csv
        if as_csv and header:
            self._put(csv_line([text_cell(column.name) for column in self._columns]))

    def write(self, records: Sequence[Record]) -> None:
        self._put("".join(self._line(record) for record in records))

    def _line(self, record: Record) -> str:
        if not self._as_csv:
            return json.dumps(json_row(record), ensure_ascii=False, allow_nan=False) + "\n"
        values = zip(self._columns, flat_row(record, self._labels), strict=True)
        return csv_line([csv_cell(column.kind, value) for column, value in values])

    def _put(self, text: str) -> None:
        self._file.write(text.encode())
        self._file.flush()

    def finish(self) -> None:
        self._file.flush()


def csv_cell(kind: Kind, value: Any) -> str:
    """A value of `flat_row` as CSV holds it."""
    if value is None:
        return ""
    if kind == "text":
        return text_cell(value)
    if kind == "whole":
        return str(value)
    return f"{value:.{PIXEL_DECIMALS if kind == 'pixels' else DECIMALS}f}"


class RecordsSink:
    """Writes `.jsonl`, `.csv` or `.parquet`, by the suffix of `path`.

    `x, y, width, height` are the face's box in pixels of the upright picture, not clipped to it. A
    frame without faces is one row whose face fields are empty. Raises `SinkError`, also where
    Parquet is asked for and pyarrow is not installed.
    """

    def __init__(self, path: str | Path, labels: Sequence[str], *, overwrite: bool = False) -> None:
        self.path = path = Path(path)
        suffix = checked_suffix(path)
        reserve(path, overwrite=overwrite)
        self._rows: RowFile | None = None
        try:
            self._partial = HiddenFile(path, overwrite=overwrite)
            self._rows = self._rows_in(self._partial, suffix, tuple(labels))
        except OSError as error:
            raise unwritable(path, error) from error

    def _rows_in(self, part: HiddenFile, suffix: str, labels: tuple[str, ...]) -> RowFile:
        try:
            if suffix != ".parquet":
                return LineRows(part.file, labels, as_csv=suffix == ".csv")
            from app.parquet import ParquetRows

            return ParquetRows(part.path, labels, name=self.path)
        except BaseException:
            part.discard()
            raise

    def write(self, result: FrameResult, canvas: Image) -> None:
        """`canvas` is not looked at."""
        if self._rows is None:
            raise SinkError(f"{self.path} is closed already.")
        try:
            self._rows.write(records_of(result))
        except OSError as error:
            self.abort()
            raise unwritable(self.path, error) from error

    def close(self) -> None:
        if self._rows is None:
            return
        rows, self._rows = self._rows, None
        try:
            rows.finish()  # a full disk may show only here
            self._partial.settle()
        except OSError as error:
            raise unwritable(self.path, error) from error
        finally:
            self._partial.discard()

    def abort(self) -> None:
        if self._rows is None:
            return
        rows, self._rows = self._rows, None
        with contextlib.suppress(OSError):
            rows.finish()
        self._partial.discard()
