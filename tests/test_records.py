import csv
import json

import pytest

from app.records import COLUMNS, RecordsSink
from app.types import SinkError
from tests.synthetic import LABELS, frame_result, tracked_face

CANVAS = frame_result().frame.image
RESULTS = (
    frame_result(tracked_face(), index=0, time_s=0.0),
    frame_result(index=1, time_s=1 / 30),
    frame_result(
        tracked_face(),
        tracked_face(
            7, (10.0, 20.0, 30.125, 41.0), "unsure", (0.3, 0.3, 0.4), reason="not confident"
        ),
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
    assert header == [*COLUMNS, "neutral", "happy", "p_label"]
    first = ["1", "-1.50", "2.00", "10.00", "12.25", "0.875000", "happy", ""]
    shares = ["0.250000", "0.625000", "0.125000"]
    assert rows == [
        ["clip.mp4", "0", "0.000000", *first, *shares],
        ["clip.mp4", "1", "0.033333", *[""] * 11],
        ["größe, 2.mp4", "2", "0.066667", *first, *shares],
        [
            *("größe, 2.mp4", "2", "0.066667"),
            *("7", "10.00", "20.00", "20.12", "21.00", "0.875000", "unsure", "not confident"),
            *("0.300000", "0.300000", "0.400000"),
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
    assert [list(row) for row in rows] == [[*COLUMNS, "probabilities"]] * 4
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
    }
    assert [rows[1][name] for name in (*COLUMNS[3:], "probabilities")] == [None] * 9
    assert (rows[3]["label"], rows[3]["reason"]) == ("unsure", "not confident")
    assert rows[3]["probabilities"] == {"neutral": 0.3, "happy": 0.3, "label": 0.4}


@pytest.mark.parametrize("name", ["out.txt", "out", "out.json"])
def test_unknown_kind_of_records_is_refused(tmp_path, name):
    with pytest.raises(SinkError, match=r"must end in \.jsonl or \.csv"):
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
