"""Makes records of the rows of a file: lines of JSON, cells of CSV or values of Parquet.

A row that cannot be read raises `ValueError`, `KeyError`, `TypeError` or `AttributeError`;
`RecordsReader` turns these into errors that name the line.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache

from app.actions.names import ACTION_NAMES
from app.files.csv_text import unescape_cell
from app.records.checks import (
    check_number,
    check_pixels,
    check_score,
    check_shares,
    check_text,
    check_time,
    check_whole,
)
from app.records.schema import (
    ACTION_COLUMNS,
    COLUMNS,
    POINT_COLUMNS,
    QUALITY_COLUMNS,
    SCHEMA,
    SCHEMA_COLUMN,
    Cell,
    FaceRecord,
    Record,
    ValueKind,
    list_fixed_columns,
    list_flat_columns,
)
from app.types import LANDMARKS, FaceQuality

OLDEST_COLUMNS = tuple(name for name in COLUMNS if name != "reason")  # of schema 1
MAX_DIGITS = 40  # of a whole number; Python is slow to read thousands of digits


def _check_schema(schema: object) -> None:
    if check_whole(schema, SCHEMA_COLUMN) > SCHEMA:
        raise ValueError(
            f"it is of schema {schema}, this program reads up to {SCHEMA}; update the program"
        )


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number has too many digits")
    try:
        return int(digits)
    except ValueError:
        raise ValueError(f"{digits!r} is not a whole number") from None


def _figure(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"{cell[:MAX_DIGITS]!r} is not a number") from None


def parse_json_line(line: str) -> Record:
    """Makes a record of a line of JSON."""
    try:
        row = json.loads(line, parse_int=_whole_number)
    except json.JSONDecodeError as cause:
        raise ValueError(f"it is no JSON from character {cause.pos + 1} on") from cause
    if not isinstance(row, dict):
        raise ValueError("it is not an object")
    _check_schema(row.get(SCHEMA_COLUMN, 1))
    raw, points = row.get("raw_probabilities"), row.get("landmarks")
    actions = row.get("actions")
    return _record(
        row,
        None if row["probabilities"] is None else check_shares(row["probabilities"], "probability"),
        None if raw is None else check_shares(raw, "raw probability"),
        None if points is None else [value for name in LANDMARKS for value in points[name]],
        None if actions is None else [actions[name] for name in ACTION_NAMES],
    )


def parse_values(row: Mapping[str, object], labels: tuple[str, ...]) -> Record:
    """Makes a record of the values of a table by column name; None stands for an empty cell."""
    _check_schema(row.get(SCHEMA_COLUMN, 1))
    columns = list(_kinds(labels, ACTION_COLUMNS[0] in row))[len(COLUMNS) :]
    k = len(labels)

    def by_label(names: Sequence[str], what: str) -> dict[str, float] | None:
        if not names or row.get(names[0]) is None:
            return None
        values = (row[name] for name in names)
        return check_shares(dict(zip(labels, values, strict=True)), what)

    points, actions = (
        None if row.get(names[0]) is None else [row[name] for name in names]
        for names in (POINT_COLUMNS, ACTION_COLUMNS)
    )
    return _record(
        row,
        by_label(columns[:k], "probability"),
        by_label(columns[k : 2 * k], "raw probability"),
        points,
        actions,
    )


def parse_cells(cells: Mapping[str, str], labels: tuple[str, ...]) -> Record:
    """Makes a record of the cells of a CSV file by column name."""
    row: dict[str, Cell] = {}
    for name, kind in _kinds(labels, ACTION_COLUMNS[0] in cells).items():
        cell = cells.get(name, "")
        if not cell:
            row[name] = None
        elif kind == "text":
            row[name] = unescape_cell(cell)
        else:
            row[name] = _whole_number(cell) if kind == "whole" else _figure(cell)
    if row[SCHEMA_COLUMN] is None:
        row[SCHEMA_COLUMN] = 1
    return parse_values(row, labels)


@cache
def _kinds(labels: tuple[str, ...], with_actions: bool) -> dict[str, ValueKind]:
    return dict(list_flat_columns(labels, with_actions=with_actions))


def _record(
    row: Mapping[str, object],
    probabilities: dict[str, float] | None,
    raw: dict[str, float] | None,
    points: Sequence[object] | None,
    actions: Sequence[object] | None,
) -> Record:
    """Makes a record of values by name, checked here, and of checked probabilities. `points` are
    the landmarks' x and y in turn, `actions` the values of `ACTION_NAMES`."""
    face = None
    if row["face_id"] is not None:
        if probabilities is None:
            raise ValueError("a face has no probabilities")
        x, y, width, height = (check_pixels(row[name]) for name in ("x", "y", "width", "height"))
        numbers = None if points is None else [check_pixels(value) for value in points]
        reason = row.get("reason")
        face = FaceRecord(
            face_id=check_whole(row["face_id"], "face_id"),
            box_xywh=(x, y, width, height),
            det_score=check_score(row["det_score"], "det_score"),
            label=check_text(row["label"]),
            reason=None if reason is None else check_text(reason),
            probabilities=probabilities,
            raw_probabilities=raw,
            landmarks=(numbers and tuple(zip(numbers[::2], numbers[1::2], strict=True))) or None,
            quality=_quality(row),
            actions=None
            if actions is None
            else dict(zip(ACTION_NAMES, map(check_number, actions), strict=True)),
            taught=row.get("profile") is True,
        )
    return Record(
        check_text(row["source"]),
        check_whole(row["frame"], "frame"),
        check_time(row["time_s"]),
        face,
    )


def _quality(row: Mapping[str, object]) -> FaceQuality | None:
    size, roll, yaw, sharpness, brightness = (row.get(name) for name in QUALITY_COLUMNS)
    if size is None:
        return None
    return FaceQuality(
        size_px=check_number(size),
        roll_deg=check_number(roll),
        yaw_deg=check_number(yaw),
        sharpness=None if sharpness is None else check_number(sharpness),
        brightness=None if brightness is None else check_number(brightness),
    )


def find_column_labels(names: Sequence[str]) -> tuple[str, ...] | None:
    """Finds the labels in the columns `names` of a table; None if it is no table of records."""
    start = COLUMNS if tuple(names[: len(COLUMNS)]) == COLUMNS else OLDEST_COLUMNS
    if tuple(names[: len(start)]) != start:
        return None
    rest = names[len(start) :]
    if start is OLDEST_COLUMNS and SCHEMA_COLUMN not in rest:
        return tuple(_without_prefix(rest, list_fixed_columns(with_actions=False)))
    with_actions = ACTION_COLUMNS[0] in rest
    fixed = list_fixed_columns(with_actions=with_actions)
    count = (len(rest) - (len(fixed) - len(COLUMNS))) // 2
    labels = tuple(_without_prefix(rest[:count], fixed)) if count > 0 else ()
    expected = list_flat_columns(labels, with_actions=with_actions)
    return labels if [name for name, _ in expected] == list(names) else None


def _without_prefix(columns: Sequence[str], fixed: Sequence[str]) -> list[str]:
    """Returns the labels of columns, without the `p_` that `list_flat_columns` put in front where a
    label is among the `fixed` columns."""
    labels: list[str] = []
    for number, column in enumerate(columns):
        label = column
        while label.startswith("p_") and (label[2:] in fixed or label[2:] in columns[:number]):
            label = label[2:]
        while label in labels:
            label = f"p_{label}"
        labels.append(label)
    return labels
