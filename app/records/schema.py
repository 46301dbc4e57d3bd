"""The columns of records: names, kinds, decimals and order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

from app.recognition.quality import Quality
from app.types import LANDMARKS

# 1 had no raw probabilities, landmarks, quality figures, reason and schema; in 2, the label was the
# likeliest of each frame, without regard to the one before.
SCHEMA = 3
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
ValueKind = Literal["text", "whole", "pixels", "figure"]


KINDS: dict[str, ValueKind] = {
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


class RecordColumn(NamedTuple):
    name: str
    kind: ValueKind


def list_flat_columns(labels: Sequence[str]) -> tuple[RecordColumn, ...]:
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
    return tuple(RecordColumn(name, KINDS.get(name, "figure")) for name in names)
