"""Makes rows of results: one per face per frame, as values, as JSON and as text of a CSV file."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from app.recognition.quality import Quality, measure_quality
from app.records.schema import (
    COLUMNS,
    DECIMALS,
    FIXED_COLUMNS,
    KINDS,
    PIXEL_DECIMALS,
    POINT_COLUMNS,
    QUALITY_COLUMNS,
    SCHEMA,
    FaceRecord,
    Record,
)
from app.types import LANDMARKS, FrameResult, Image, TrackedFace
from app.wording import escape_surrogates


def make_records(result: FrameResult, *, with_quality: bool = True) -> tuple[Record, ...]:
    """The rows of a frame, at least one, rounded to what a file holds of them."""
    frame = result.frame
    source = escape_surrogates(frame.source)
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
        found = measure_quality(image, face.face)
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


def make_flat_row(record: Record, labels: Sequence[str]) -> list[Any]:
    """A value for each of `list_flat_columns(labels)`; None where there is nothing to say."""
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


def make_json_row(record: Record) -> dict[str, Any]:
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


def format_csv_line(values: Sequence[object]) -> str:
    """One line, quoted where needed, with its end."""
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
