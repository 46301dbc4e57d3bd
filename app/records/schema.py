"""Defines the columns of records: names, kinds, decimals and order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

from app.actions.names import ACTION_NAMES, POSE_NAMES
from app.types import LANDMARKS, FaceQuality

# Schema 1 had no raw probabilities, landmarks, quality figures, reason and schema. In schema 2, the
# label was the likeliest one of the frame alone, without regard to the frame before. Schema 3 had
# no facial actions.
SCHEMA = 4
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
QUALITY_COLUMNS = tuple(item.name for item in fields(FaceQuality))
SCHEMA_COLUMN = "schema"
FIXED_COLUMNS = (*COLUMNS, *POINT_COLUMNS, *QUALITY_COLUMNS, SCHEMA_COLUMN)
RAW_PREFIX = "raw_"  # of the columns of raw probabilities
# Facial actions, which only records of a run with `--actions` have: 57 columns that are always
# empty would double the number of columns for nothing. They stand before `schema`.
ACTION_PREFIX = "action_"
ACTION_COLUMNS = tuple(ACTION_PREFIX + name for name in ACTION_NAMES)
PIXEL_DECIMALS = 2  # of pixels and degrees
DECIMALS = 6  # of seconds, scores, probabilities and the other figures
ValueKind = Literal["text", "whole", "pixels", "figure"]
Cell = str | int | float | None  # a value of a row; None for an empty one


KINDS: dict[str, ValueKind] = {
    **dict.fromkeys(FIXED_COLUMNS, "figure"),
    **dict.fromkeys(("source", "label", "reason"), "text"),
    **dict.fromkeys(("frame", "face_id", SCHEMA_COLUMN), "whole"),
    **dict.fromkeys(("x", "y", "width", "height", *POINT_COLUMNS), "pixels"),
    **dict.fromkeys(("size_px", "roll_deg", "yaw_deg"), "pixels"),
    **dict.fromkeys((ACTION_PREFIX + name for name in POSE_NAMES), "pixels"),
}


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One face of a frame, with the values of a `TrackedFace` and its `FaceQuality`.

    `box_xywh` and `landmarks`, as (x, y) in the order of `LANDMARKS`, are in pixels of the upright
    picture. Probabilities are by label, `actions` by `app.actions.names.ACTION_NAMES`. Records of
    schema 1 have None for four of the last fields. `taught` is True where a profile corrected the
    reading; only lines of JSON hold it.
    """

    face_id: int
    box_xywh: tuple[float, float, float, float]
    det_score: float
    label: str
    reason: str | None
    probabilities: Mapping[str, float]
    raw_probabilities: Mapping[str, float] | None = None
    landmarks: tuple[tuple[float, float], ...] | None = None
    quality: FaceQuality | None = None
    actions: Mapping[str, float] | None = None
    taught: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One row: a face of a frame, or a frame without a face (`face` is None). `time_s` counts from
    the beginning of the source."""

    source: str
    frame: int
    time_s: float
    face: FaceRecord | None = None


class RecordColumn(NamedTuple):
    """A column of a table of records."""

    name: str
    kind: ValueKind


def list_fixed_columns(*, with_actions: bool) -> tuple[str, ...]:
    """Lists the columns that do not depend on the labels; the first are `COLUMNS`."""
    added = ACTION_COLUMNS if with_actions else ()
    return (*FIXED_COLUMNS[:-1], *added, SCHEMA_COLUMN)


def list_flat_columns(
    labels: Sequence[str], *, with_actions: bool = False
) -> tuple[RecordColumn, ...]:
    """Lists the columns of a table of records.

    These are `COLUMNS`, the probabilities of the labels, the raw probabilities, and the rest of
    `list_fixed_columns`. A label that would repeat the name of a column gets the prefix `p_`.

    >>> [column.name for column in list_flat_columns(["happiness", "x"])][11:15]
    ['happiness', 'p_x', 'raw_happiness', 'raw_x']
    """
    fixed = list_fixed_columns(with_actions=with_actions)
    names = list(COLUMNS)
    for prefix in ("", RAW_PREFIX):
        for label in labels:
            name = prefix + label
            while name in fixed or name in names:
                name = f"p_{name}"
            names.append(name)
    names += fixed[len(COLUMNS) :]
    return tuple(RecordColumn(name, KINDS.get(name, "figure")) for name in names)
