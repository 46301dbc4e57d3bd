import csv
import json
import sys
from dataclasses import replace

import pytest

from app.defaults import ROOT
from app.errors import SinkError
from app.files.csv_text import escape_cell, unescape_cell
from app.records.schema import COLUMNS, POINT_COLUMNS, QUALITY_COLUMNS, SCHEMA
from app.records.writers import RecordsSink
from app.types import LANDMARKS, UNSURE
from tests.support.synthetic import LABELS, frame_result, tracked_face

CANVAS = frame_result().frame.image
RESULTS = (
    frame_result(tracked_face(), index=0, time_s=0.0),
    frame_result(index=1, time_s=1 / 30),
    frame_result(
        tracked_face(),
        tracked_face(7, (10.0, 20.0, 30.125, 41.0), "label", (0.1, 0.2, 0.7)),
        index=2,
        time_s=2 / 30,
        source="größe, 2.mp4",
    ),
)


def write(path, results=RESULTS, labels=LABELS):
    sink = RecordsSink(path, labels, overwrite=False)
    for result in results:
        sink.write(result, CANVAS)
    sink.close()
    sink.close()


def test_csv_has_one_row_per_face_and_one_for_a_frame_without(tmp_path):
    path = tmp_path / "out.csv"
    write(path)
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    labels = ["neutral", "happy", "p_label"]
    raw = ["raw_neutral", "raw_happy", "raw_label"]
    assert header == [*COLUMNS, *labels, *raw, *POINT_COLUMNS, *QUALITY_COLUMNS, "schema"]
    first = ["1", "-1.50", "2.00", "10.00", "12.25", "0.875000", "happy", ""]
    shares = ["0.250000", "0.625000", "0.125000"]
    points = ["0.00"] * 12
    figures = ["11.07", "0.00", "0.00", "", ""]  # landmarks that coincide show no picture
    assert rows == [
        ["clip.mp4", "0", "0.000000", *first, *shares, *shares, *points, *figures, str(SCHEMA)],
        ["clip.mp4", "1", "0.033333", *[""] * 31, str(SCHEMA)],
        ["größe, 2.mp4", "2", "0.066667", *first, *shares, *shares, *points, *figures, str(SCHEMA)],
        [
            *("größe, 2.mp4", "2", "0.066667"),
            *("7", "10.00", "20.00", "20.12", "21.00", "0.875000", "label", ""),
            *("0.100000", "0.200000", "0.700000") * 2,
            *(*points, "20.56", "0.00", "0.00", "", "", str(SCHEMA)),
        ],
    ]


def test_json_lines_have_the_same_with_probabilities_as_an_object(tmp_path):
    path = tmp_path / "out.jsonl"
    write(path)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(row["source"], row["frame"], row["time_s"], row["face_id"]) for row in rows] == [
        ("clip.mp4", 0, 0.0, 1),
        ("clip.mp4", 1, 0.033333, None),
        ("größe, 2.mp4", 2, 0.066667, 1),
        ("größe, 2.mp4", 2, 0.066667, 7),
    ]
    nested = ("probabilities", "raw_probabilities", "landmarks")
    names = [*COLUMNS, *nested, *QUALITY_COLUMNS, "schema"]
    assert [list(row) for row in rows] == [names] * 4
    assert rows[0] | {"source": ""} == {
        "source": "",
        "frame": 0,
        "time_s": 0.0,
        "face_id": 1,
        "x": -1.5,
        "y": 2.0,
        "width": 10.0,
        "height": 12.25,
        "det_score": 0.875,
        "label": "happy",
        "reason": None,
        "probabilities": {"neutral": 0.25, "happy": 0.625, "label": 0.125},
        "raw_probabilities": {"neutral": 0.25, "happy": 0.625, "label": 0.125},
        "landmarks": {name: [0.0, 0.0] for name in LANDMARKS},
        "size_px": 11.07,
        "roll_deg": 0.0,
        "yaw_deg": 0.0,
        "sharpness": None,
        "brightness": None,
        "schema": SCHEMA,
    }
    assert [rows[1][name] for name in (*COLUMNS[3:], *nested, *QUALITY_COLUMNS)] == [None] * 16
    assert rows[3]["probabilities"] == {"neutral": 0.1, "happy": 0.2, "label": 0.7}


def test_doubt_is_said_with_its_reason(tmp_path):
    face = replace(tracked_face(), label=UNSURE, reason="not confident")
    write(tmp_path / "out.csv", [frame_result(face)])
    write(tmp_path / "out.jsonl", [frame_result(face)])
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    line = json.loads((tmp_path / "out.jsonl").read_text())
    assert (row["label"], row["reason"]) == ("unsure", "not confident")
    assert (line["label"], line["reason"]) == ("unsure", "not confident")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("'=1", "''=1"),
        ("clip.mp4", "clip.mp4"),
        ("'s.mp4", "'s.mp4"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(text, cell):
    assert escape_cell(text) == cell
    assert unescape_cell(cell) == text


def test_formulas_in_names_and_labels_stay_text(tmp_path):
    write(tmp_path / "out.csv", [frame_result(tracked_face(), source="=cmd|x")])
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[1].startswith("'=cmd|x,0,")
    sink = RecordsSink(tmp_path / "evil.csv", ("a", "=b", "c"), overwrite=False)
    sink.close()
    assert ",'=b," in (tmp_path / "evil.csv").read_text()


def test_who_reads_along_sees_whole_lines_of_whole_frames(tmp_path):
    for suffix in ("csv", "jsonl"):
        sink = RecordsSink(tmp_path / f"out.{suffix}", LABELS, overwrite=False)
        header = suffix == "csv"
        for rows, result in zip((1, 2, 4), RESULTS, strict=True):
            sink.write(result, CANVAS)
            content = (tmp_path / f".out.{suffix}.partial").read_bytes()
            assert content.endswith(b"\n")
            assert content.count(b"\n") == header + rows
        sink.abort()


def test_parquet_without_pyarrow_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SinkError, match=r"pip install -e '\.\[records\]', or use \.jsonl"):
        RecordsSink(tmp_path / "out.parquet", LABELS, overwrite=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.txt", "out", "out.json"])
def test_unknown_kind_of_records_is_refused(tmp_path, name):
    with pytest.raises(SinkError, match=r"must end in \.jsonl, \.csv or \.parquet"):
        RecordsSink(tmp_path / name, LABELS, overwrite=True)


def test_existing_records_are_kept_unless_told_otherwise(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(SinkError, match=r"exists already\. Add --overwrite"):
        RecordsSink(path, LABELS, overwrite=False)
    assert path.read_text() == "mine"
    sink = RecordsSink(path, LABELS, overwrite=True)
    assert path.read_text() == "mine"
    sink.close()
    assert path.read_text(encoding="utf-8").startswith("source,frame,")


def test_aborted_records_leave_nothing(tmp_path):
    sink = RecordsSink(tmp_path / "out.csv", LABELS, overwrite=False)
    sink.write(RESULTS[0], CANVAS)
    sink.abort()
    sink.abort()
    sink.close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SinkError, match="closed already"):
        sink.write(RESULTS[0], CANVAS)


def test_every_field_is_described():
    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    names = [*COLUMNS, *LANDMARKS, *QUALITY_COLUMNS, "raw_", "schema"]
    assert [name for name in names if f"`{name}`" not in page] == []
    assert f"This is schema {SCHEMA};" in page.replace("\n", " ")
