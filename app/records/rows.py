"""Makes rows of results: one per face and frame, as values, as JSON and as text of a CSV file."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple

from app.actions.names import ACTION_NAMES, POSE_NAMES
from app.actions.values import list_action_values
from app.records.schema import (
    COLUMNS,
    DECIMALS,
    PIXEL_DECIMALS,
    POINT_COLUMNS,
    QUALITY_COLUMNS,
    SCHEMA,
    Cell,
    FaceRecord,
    Record,
    list_fixed_columns,
)
from app.types import (
    LANDMARKS,
    FaceActions,
    FaceQuality,
    Floats,
    FrameResult,
    Json,
    TrackedFace,
)
from app.wording import escape_surrogates


def make_records(result: FrameResult) -> tuple[Record, ...]:
    """Makes the rows of a frame, at least one, with values rounded as in a file."""
    frame = result.frame
    source = escape_surrogates(frame.source)
    time_s = round(frame.time_s, DECIMALS)
    faces: Sequence[TrackedFace | None] = result.faces or (None,)
    return tuple(
        Record(
            source,
            frame.index,
            time_s,
            None if face is None else _make_face_record(face, result.labels),
        )
        for face in faces
    )


def _make_face_record(face: TrackedFace, labels: Sequence[str]) -> FaceRecord:
    x0, y0, x1, y1 = (float(value) for value in face.face.box_xyxy)
    quality = None if face.quality is None else _round_quality(face.quality)

    def round_shares(values: Floats) -> dict[str, float]:
        return {
            label: round(value, DECIMALS)
            for label, value in zip(labels, values.tolist(), strict=True)
        }

    x, y, width, height = (round(value, PIXEL_DECIMALS) for value in (x0, y0, x1 - x0, y1 - y0))
    return FaceRecord(
        face_id=face.face_id,
        box_xywh=(x, y, width, height),
        det_score=round(float(face.face.score), DECIMALS),
        label=face.label,
        reason=face.reason,
        probabilities=round_shares(face.probabilities),
        raw_probabilities=round_shares(face.raw_probabilities),
        landmarks=tuple(
            (round(px, PIXEL_DECIMALS), round(py, PIXEL_DECIMALS))
            for px, py in face.face.landmarks.tolist()
        ),
        quality=quality,
        actions=None if face.actions is None else _round_actions(face.actions),
        taught=face.taught,
    )


def _round_actions(actions: FaceActions) -> dict[str, float]:
    return {
        name: round(value, PIXEL_DECIMALS if name in POSE_NAMES else DECIMALS)
        for name, value in zip(ACTION_NAMES, list_action_values(actions), strict=True)
    }


def _round_quality(quality: FaceQuality) -> FaceQuality:
    sharpness, brightness = (
        None if value is None else round(value, DECIMALS)
        for value in (quality.sharpness, quality.brightness)
    )
    return FaceQuality(
        size_px=round(quality.size_px, PIXEL_DECIMALS),
        roll_deg=round(quality.roll_deg, PIXEL_DECIMALS),
        yaw_deg=round(quality.yaw_deg, PIXEL_DECIMALS),
        sharpness=sharpness,
        brightness=brightness,
    )


def _list_quality(quality: FaceQuality | None) -> Sequence[float | None]:
    """Lists the figures in the order of `QUALITY_COLUMNS`, the fields of `FaceQuality`."""
    return (None,) * len(QUALITY_COLUMNS) if quality is None else astuple(quality)


def _list_actions(actions: Mapping[str, float] | None) -> Sequence[float | None]:
    return [None if actions is None else actions[name] for name in ACTION_NAMES]


def make_flat_row(
    record: Record, labels: Sequence[str], *, with_actions: bool = False
) -> list[Cell]:
    """Makes the row of a table: a value for each of `list_flat_columns`, which takes the same, None
    for an empty cell."""
    start: list[Cell] = [record.source, record.frame, record.time_s]
    face = record.face
    if face is None:
        fixed = list_fixed_columns(with_actions=with_actions)
        empty = len(fixed) - len(start) - 1 + 2 * len(labels)
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
        *_list_quality(face.quality),
        *(_list_actions(face.actions) if with_actions else ()),
        SCHEMA,
    ]


def make_json_row(record: Record) -> Json:
    """Makes the row of a JSON file, with probabilities by label, landmarks by name, `actions`
    by name where facial actions were read, and `profile` where one corrected the reading."""
    face = record.face
    row: Json = dict.fromkeys(
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
        **dict(zip(QUALITY_COLUMNS, _list_quality(face.quality), strict=True)),
    )
    if face.actions is not None:
        row["actions"] = dict(face.actions)
    if face.taught:
        row["profile"] = True
    return row


def format_csv_line(values: Sequence[object]) -> str:
    """Formats one line of a CSV file, with quotes where needed and with its line end."""
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
