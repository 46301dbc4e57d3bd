"""Facial actions in records: columns, objects, and files of older schemas."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.actions.head_pose import HeadPose
from app.actions.names import ACTION_NAMES
from app.actions.values import make_actions
from app.errors import DataError
from app.records.reader import RecordsReader
from app.records.resumable import LongRecords
from app.records.schema import ACTION_COLUMNS, FIXED_COLUMNS, SCHEMA, list_flat_columns
from app.records.writers import RecordsSink
from app.types import FrameResult
from tests.support.synthetic import LABELS, frame_result, tracked_face

RESULTS = (
    frame_result(tracked_face(), index=0, time_s=0.0),
    frame_result(index=1, time_s=1 / 30),
    frame_result(tracked_face(), tracked_face(7, (10.0, 20.0, 30.0, 41.0)), index=2, time_s=0.1),
)
CANVAS = RESULTS[0].frame.image
ACTIONS = make_actions(HeadPose(12.345, -6.0, 1.5), np.linspace(0, 1, 51))


def add_actions(result: FrameResult) -> FrameResult:
    """Gives the first face of a result actions; a second one cannot be read."""
    faces = tuple(
        replace(one, actions=ACTIONS if n == 0 else None) for n, one in enumerate(result.faces)
    )
    return replace(result, faces=faces)


def write(path: Path, *, with_actions: bool = True, long: bool = False) -> Path:
    sink = (
        LongRecords(path, LABELS, overwrite=True, with_actions=with_actions)
        if long
        else RecordsSink(path, LABELS, overwrite=True, with_actions=with_actions)
    )
    for result in RESULTS:
        sink.write(add_actions(result) if with_actions else result, CANVAS)
    sink.close()
    return path


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str, long: bool) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    records = list(RecordsReader(write(tmp_path / f"r.{suffix}", long=long)))
    faces = [one.face for one in records if one.face is not None]
    firsts = [face for face in faces if face.actions is not None]
    assert len(firsts) == sum(bool(one.faces) for one in RESULTS) > 0
    actions = firsts[0].actions
    assert actions is not None
    assert tuple(actions) == ACTION_NAMES
    assert actions["head_yaw_deg"] == pytest.approx(12.345, abs=0.0051)
    assert actions["noseSneerRight"] == 1
    assert actions["browDownRight"] == 0.02


def test_a_table_has_the_columns_only_with_actions(tmp_path: Path) -> None:
    tables = {}
    for with_actions in (False, True):
        path = write(tmp_path / f"{with_actions}.csv", with_actions=with_actions)
        with path.open(newline="", encoding="utf-8") as file:
            tables[with_actions] = list(csv.reader(file))
    plain, added = (table[0] for table in tables.values())
    assert added == [column.name for column in list_flat_columns(LABELS, with_actions=True)]
    assert [name for name in added if name not in plain] == list(ACTION_COLUMNS)
    assert added[-1] == plain[-1] == "schema"
    assert len(ACTION_COLUMNS) == 57
    row = dict(zip(added, tables[True][1], strict=True))
    assert (row["action_head_pitch_deg"], row["action_browDownLeft"]) == ("-6.00", "0.000000")
    no_face = dict(zip(added, tables[True][2], strict=True))
    assert {no_face[name] for name in ACTION_COLUMNS} == {""}


def test_lines_have_an_object_only_where_actions_were_read(tmp_path: Path) -> None:
    for with_actions in (False, True):
        path = write(tmp_path / "r.jsonl", with_actions=with_actions)
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert {row["schema"] for row in rows} == {SCHEMA} == {4}
        assert any("actions" in row for row in rows) is with_actions
        assert all(row["face_id"] is not None for row in rows if "actions" in row)


def test_records_of_schema_3_are_read(tmp_path: Path) -> None:
    for suffix in ("jsonl", "csv"):
        path = write(tmp_path / f"r.{suffix}", with_actions=False)
        text = path.read_text(encoding="utf-8")
        old = text.replace('"schema": 4', '"schema": 3').replace(",4\n", ",3\n")
        old = old.replace(",4\r\n", ",3\r\n")
        assert old != text
        path.write_text(old, encoding="utf-8", newline="")
        records = list(RecordsReader(path))
        assert len(records) == sum(max(1, len(one.faces)) for one in RESULTS)
        assert all(one.face is None or one.face.actions is None for one in records)
    assert not set(ACTION_COLUMNS) & set(FIXED_COLUMNS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"blink": 0', '"blonk": 0'),
        ('"jawOpen": 0.48', '"jawOpen": "wide"'),
        ('"actions": {', '"actions": {"x": '),
    ],
)
def test_damaged_actions_are_named_by_their_line(tmp_path: Path, old: str, new: str) -> None:
    path = write(tmp_path / "r.jsonl")
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match="line 1"):
        list(RecordsReader(path))
