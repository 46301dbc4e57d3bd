"""What was written comes back, from every kind of file; errors name their line."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agreement import __main__ as agreement
from app.episodes import __main__ as episodes
from app.errors import DataError
from app.records.parsing import find_column_labels
from app.records.reader import RecordsReader
from app.records.rows import make_records
from app.records.schema import COLUMNS, SCHEMA, FaceRecord, Record, list_flat_columns
from app.records.writers import RecordsSink
from app.report import __main__ as report
from app.types import UNSURE, FrameResult
from tests.support.synthetic import LABELS, frame_result, tracked_face

RESULTS = (
    frame_result(replace(tracked_face(), label=UNSURE, reason="not confident"), time_s=0.0),
    frame_result(index=1, time_s=1 / 30),
    frame_result(
        tracked_face(),
        tracked_face(7, (10.0, 20.0, 30.125, 41.0), "label", (0.1, 0.2, 0.7)),
        index=2,
        time_s=2 / 30,
        source="=größe, 2\n.mp4",
    ),
)
ROWS = [row for result in RESULTS for row in make_records(result)]
# Files of schema 1, as they were written before there was a schema.
OLD_CSV = (
    "source,frame,time_s,face_id,x,y,width,height,det_score,label,neutral,happy\r\n"
    "a.mp4,0,0.000000,1,-1.50,2.00,10.00,12.25,0.875000,happy,0.250000,0.750000\r\n"
    "a.mp4,1,0.033333,,,,,,,,,\r\n"
)
OLD_JSON = (
    '{"source": "a.mp4", "frame": 0, "time_s": 0.0, "face_id": 1, "x": -1.5, "y": 2.0, '
    '"width": 10.0, "height": 12.25, "det_score": 0.875, "label": "happy", '
    '"probabilities": {"neutral": 0.25, "happy": 0.75}}\n'
    '{"source": "a.mp4", "frame": 1, "time_s": 0.033333, "face_id": null, "x": null, "y": null, '
    '"width": null, "height": null, "det_score": null, "label": null, "probabilities": null}\n'
)


def write(path: Path, results: Sequence[FrameResult] = RESULTS) -> Path:
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow")
    sink = RecordsSink(path, LABELS, overwrite=True)
    for result in results:
        sink.write(result, result.frame.image)
    sink.close()
    return path


def read(path: Path) -> list[Record]:
    return list(RecordsReader(path))


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_records_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    reader = RecordsReader(write(tmp_path / f"r.{suffix}"))
    assert list(reader) == ROWS
    assert list(reader) == ROWS
    assert not reader.is_cut_short


def test_parquet_is_written_and_read_in_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("app.records.parquet.ROWS_PER_GROUP", 4)
    results = [frame_result(tracked_face(n), index=n, time_s=n / 25) for n in range(10)]
    path = write(tmp_path / "r.parquet", results)
    assert parquet.ParquetFile(path).num_row_groups == 3
    assert [row.face.face_id for row in read(path) if row.face] == list(range(10))
    monkeypatch.setattr("app.records.parquet.MAX_GROUP_BYTES", 100)
    with pytest.raises(DataError, match=r"r\.parquet is damaged or not a records file"):
        read(path)


def test_parquet_whose_text_is_damaged_is_one_line(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = write(tmp_path / "r.parquet")
    table = parquet.read_table(path)
    at = table.schema.get_field_index("source")
    no_text = arrow.array([b"\xac"] * len(table)).view(arrow.string())
    changed = table.set_column(at, table.schema.field(at).with_type(arrow.string()), no_text)
    parquet.write_table(changed, path)
    with pytest.raises(DataError, match=r"r\.parquet is damaged\. Make it again"):
        read(path)


@pytest.mark.parametrize(("suffix", "text"), [("csv", OLD_CSV), ("jsonl", OLD_JSON)])
def test_files_of_the_first_schema_are_still_read(tmp_path: Path, suffix: str, text: str) -> None:
    path = tmp_path / f"old.{suffix}"
    path.write_bytes(text.encode())
    shares = {"neutral": 0.25, "happy": 0.75}
    face = FaceRecord(1, (-1.5, 2.0, 10.0, 12.25), 0.875, "happy", None, shares)
    assert read(path) == [Record("a.mp4", 0, 0.0, face), Record("a.mp4", 1, 0.033333)]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_only_whole_lines_are_read(tmp_path: Path, suffix: str) -> None:
    whole = write(tmp_path / f"r.{suffix}", RESULTS[:2]).read_bytes()
    path = tmp_path / f".r.{suffix}.partial"  # as it is named while it is written
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        reader = RecordsReader(path)
        found = list(reader)
        lines = whole[:end].count(b"\n") - (suffix == "csv")
        assert found == ROWS[: max(0, lines)]
        assert reader.is_cut_short == (end > 0 and not whole[:end].endswith(b"\n"))


@given(
    st.lists(
        st.sampled_from(["happy", "label", "x", "p_happy", "raw_happy", "schema", "é", "a,b"]),
        min_size=1,
        max_size=5,
        unique=True,
    )
)
def test_labels_are_known_by_the_columns(labels: list[str]) -> None:
    names = [column.name for column in list_flat_columns(labels)]
    assert len(set(names)) == len(names)
    assert find_column_labels(names) == tuple(labels)


def edited(row: dict[str, object], **changes: object) -> str:
    return json.dumps(row | changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time_s": "soon"}, "line 3: 'soon' is not a number"),
        ({"time_s": float("nan")}, "line 3: nan is not a finite number"),
        ({"frame": 1.5}, "line 3: 1.5 is not a whole number"),
        ({"source": None}, "line 3: None is not text"),
        ({"probabilities": None}, "line 3: a face has no probabilities"),
        ({"probabilities": {"a": None}}, "line 3: None is not a number"),
        ({"landmarks": {}}, "line 3: 'right_eye' is missing"),
        ({"schema": SCHEMA + 1}, f"line 3: it is of schema {SCHEMA + 1}, this program reads"),
        ({"frame": -1}, "line 3: frame must be from 0"),
        ({"frame": 10**30}, "line 3: frame must be from 0"),
        ({"x": 10**60}, "line 3: a number has too many digits"),
        ({"x": 10**30}, "line 3: a number is too large"),
        ({"x": 1e300}, "line 3: a place in the picture must be within"),
        ({"landmarks": {"right_eye": [-1e300, 0]}}, "line 3: 'left_eye' is missing"),
        ({"time_s": -0.1}, "line 3: time_s must be from 0 to 1000000000, got -0.1"),
        ({"time_s": 1e12}, "line 3: time_s must be from 0"),
        ({"probabilities": {}}, "line 3: probability has no label"),
        ({"probabilities": [1]}, "line 3: probability must be given by label"),
        ({"probabilities": {"a": 1.5, "b": -0.5}}, "probability of 'a' must be from 0 to 1"),
        ({"probabilities": {"a": 0.5, "b": 0.3}}, "line 3: probability must sum up to 1, got 0.8"),
        ({"raw_probabilities": {"a": 0.5}}, "line 3: raw probability must sum up to 1"),
        ({"det_score": 2}, "line 3: det_score must be from 0 to 1, got 2"),
        ({"label": "a\ud800"}, "line 3: 'a\\ud800' holds half a character"),
        ({"source": "\udcff"}, "holds half a character"),
        ({"yaw_deg": None}, "line 3: None is not a number"),
        ({"reason": ["dark"]}, "line 3: a list is not text"),
    ],
)
def test_damaged_json_line_is_named(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = write(tmp_path / "r.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[2] = edited(json.loads(lines[2]), **change)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(0, 0.0, 1), (0, 0.0, 1)], "line 2: frame 0 has face 1 twice"),
        ([(0, 0.0, 1), (0, 0.1, 2)], "line 2: frame 0 has two times"),
        ([(0, 0.0, 1), (0, 0.0, None)], "line 2: frame 0 has a row without a face beside"),
        ([(0, 0.0, None), (0, 0.0, 1)], "line 2: frame 0 has a row without a face beside"),
        ([(3, 0.0, 1), (2, 0.1, 1)], "line 2: frame 2 comes after frame 3"),
        ([(0, 0.1, 1), (1, 0.1, 1)], "line 2: frame 1 has no time of its own: 0.1 s comes after"),
    ],
)
def test_rows_that_stand_twice_or_in_another_order_are_named(
    tmp_path: Path, rows: list[tuple[int, float, int | None]], message: str
) -> None:
    lines = [json.loads(line) for line in OLD_JSON.splitlines()]
    path = tmp_path / "r.jsonl"
    path.write_text(
        "".join(
            edited(lines[face_id is None], frame=frame, time_s=time_s, face_id=face_id) + "\n"
            for frame, time_s, face_id in rows
        )
    )
    with pytest.raises(DataError) as caught:
        read(path)
    assert message in str(caught.value)


def test_records_joined_with_themselves_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(OLD_JSON + OLD_JSON.replace("a.mp4", "b.mp4"))
    assert len(read(path)) == 4
    path.write_text(OLD_JSON + OLD_JSON.replace("a.mp4", "b.mp4") + OLD_JSON)
    with pytest.raises(DataError, match=r"line 5: 'a\.mp4' begins again after another source"):
        read(path)


@pytest.mark.parametrize(
    ("suffix", "content", "message"),
    [
        ("jsonl", b"[" * 100_000 + b"\n", "line 1: it is nested too deeply"),
        ("csv", OLD_CSV.encode().replace(b"a.mp4,0", b"a.mp4," + b"9" * 5000), "too many digits"),
        ("csv", OLD_CSV.encode().replace(b"0.750000", b"0.250000"), "line 2: probability must sum"),
        ("jsonl", b"[1]\n", "line 1: it is not an object"),
        ("jsonl", b"{\n", "line 1: "),
        ("jsonl", b"{}\n", "line 1: 'probabilities' is missing"),
        ("jsonl", b"\xff\xfe\n", "line 1: it is not UTF-8"),
        ("csv", b"a,b\n1,2\n", "line 1: its columns are not those of records"),
        ("csv", OLD_CSV.encode() + b"1,2\r\n", "line 4: it has 2 cells, not 12"),
        ("csv", OLD_CSV.encode().replace(b",12.25", b",tall"), "line 2: 'tall' is not a number"),
        ("csv", 2 * OLD_CSV.encode(), "line 4: 'frame' is not a whole number"),
        ("csv", OLD_CSV.encode() + b'"x\n', "line 4: "),
        ("parquet", b"PAR1 but not really", "damaged"),
    ],
)
def test_files_that_are_no_records_are_one_clear_line(
    tmp_path: Path, suffix: str, content: bytes, message: str
) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"r.{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("name", ["r.txt", "missing.csv", "folder.csv"])
def test_what_is_no_file_of_records_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "r.txt").touch()
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=name):
        RecordsReader(tmp_path / name)


def test_empty_files_have_no_rows(tmp_path: Path) -> None:
    for name in ("r.csv", "r.jsonl"):
        (tmp_path / name).touch()
        assert read(tmp_path / name) == []


DTYPES = {
    "source": "str",
    "frame": "Int64",
    "time_s": "float64",
    "face_id": "Int64",
    "x": "float64",
    "label": "str",
    "reason": "str",
    "happy": "float64",
    "raw_happy": "float64",
    "nose_tip_x": "float64",
    "yaw_deg": "float64",
    "sharpness": "float64",
    "schema": "Int64",
}


def test_pandas_reads_parquet_with_the_right_types(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(write(tmp_path / "r.parquet"))
    assert list(table.columns) == [column.name for column in list_flat_columns(LABELS)]
    assert {name: str(table[name].dtype) for name in DTYPES} in (
        DTYPES,
        DTYPES | dict.fromkeys(("source", "label", "reason"), "object"),  # before pandas 3
    )
    assert table["face_id"].isna().tolist() == [False, True, False, False]
    assert table["time_s"].tolist() == [0.0, 0.033333, 0.066667, 0.066667]


def test_pandas_reads_csv_and_json_lines_alike(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    plain = pandas.read_csv(write(tmp_path / "r.csv"), dtype={"face_id": "Int64"})
    lines = pandas.read_json(write(tmp_path / "r.jsonl"), lines=True, dtype={"face_id": "Int64"})
    for table in (plain, lines):
        assert len(table) == 4
        assert table["face_id"].dtype == "Int64"
        assert table["frame"].dtype == np.int64
        assert table["time_s"].dtype == np.float64
    assert list(plain.columns[: len(COLUMNS)]) == list(lines.columns[: len(COLUMNS)])


def test_polars_reads_parquet_with_the_right_types(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    table = polars.read_parquet(write(tmp_path / "r.parquet"))
    kinds = {"text": polars.String, "whole": polars.Int64}
    for column in list_flat_columns(LABELS):
        assert table[column.name].dtype == kinds.get(column.kind, polars.Float64)


def test_polars_reads_csv_and_json_lines_alike(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    plain = polars.read_csv(write(tmp_path / "r.csv"))
    lines = polars.read_ndjson(write(tmp_path / "r.jsonl"))
    for table in (plain, lines):
        assert table["frame"].to_list() == [0, 1, 2, 2]
        assert table["face_id"].to_list() == [1, None, 1, 7]
        assert table["time_s"].to_list() == [0.0, 0.033333, 0.066667, 0.066667]
        for column in COLUMNS:
            kind = {"source": polars.String, "label": polars.String, "reason": polars.String}
            kind |= {"frame": polars.Int64, "face_id": polars.Int64}
            assert table[column].dtype == kind.get(column, polars.Float64), column
    assert plain.columns[: len(COLUMNS)] == lines.columns[: len(COLUMNS)]


@pytest.mark.parametrize("labels", [b"[1, 2]", b"[" * 50_000, b"{", b"7"])
def test_parquet_with_odd_labels_is_one_clear_line(tmp_path: Path, labels: bytes) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"source": ["a"]}).replace_schema_metadata({b"labels": labels})
    parquet.write_table(table, tmp_path / "r.parquet")
    with pytest.raises(DataError, match=r"r\.parquet is damaged"):
        read(tmp_path / "r.parquet")


@pytest.mark.parametrize("command", [agreement.main, episodes.main, report.main])
def test_every_command_names_the_row_in_one_line(
    command: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "h.csv").write_text("onset,offset,label\n0,1,happy\n")
    records = tmp_path / "r.jsonl"
    row = json.loads(OLD_JSON.splitlines()[0])
    coding = [str(tmp_path / "h.csv")] if command is agreement.main else []
    output = [] if coding else ["-o", str(tmp_path / "o.html"), "--overwrite"]
    if command is episodes.main:
        output[1] = str(tmp_path / "o.csv")
    for change in (
        {"frame": 10**60},
        {"probabilities": {}},
        {"label": "\ud800"},
        {"time_s": -1},
    ):
        records.write_text(edited(row) + "\n" + edited(row | {"frame": 1, "time_s": 1}, **change))
        with records.open("a") as file:
            file.write("\n")
        assert command([*coding, str(records), *output]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"error: {records}, line 2: " in said
    records.write_text("[" * 100_000 + "\n")
    assert command([*coding, str(records), *output]) == 2
    assert "line 1: it is nested too deeply" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.csv", "r.jsonl"]
