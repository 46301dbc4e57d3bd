"""Curves of records: who was there, what was said for how long, a picture."""

from pathlib import Path

import pytest
from PIL import Image

from app.records.schema import FaceRecord, Record
from tools import plot_timelines
from tools.plot_timelines import Person, people, stretches


def face(face_id: int, happy: float, label: str = "happiness") -> FaceRecord:
    shares = {"neutral": 1 - happy, "happiness": happy}
    return FaceRecord(face_id, (0, 0, 10, 10), 0.9, label, None, shares)


def test_people_are_told_apart_those_seen_longest_first() -> None:
    rows = [Record("clip", 0, 0.0, face(1, 0.2)), Record("clip", 1, 0.1, face(2, 0.9))]
    rows += [Record("clip", 2, 0.2, face(2, 0.8)), Record("clip", 3, 0.3)]
    found, labels, end_s = people(rows)
    assert (list(found), labels, end_s) == ([2, 1], ("neutral", "happiness"), 0.3)
    assert found[2].times_s == [0.1, 0.2]
    assert found[2].shares == [pytest.approx([0.1, 0.9]), pytest.approx([0.2, 0.8])]


@pytest.mark.parametrize(
    ("times_s", "said", "spans"),
    [
        ([], "", []),
        ([0.0, 0.1, 0.2], "aab", [(0.0, 0.1, "a"), (0.1, 0.2, "b")]),
        ([0.0, 0.1, 5.0, 5.1], "aaaa", [(0.0, 0.1, "a"), (5.0, 5.1, "a")]),
        ([0.0, 5.0, 5.1], "abb", [(0.0, 0.0, "a"), (5.0, 5.1, "b")]),
    ],
)
def test_what_was_said_is_torn_where_nobody_was(
    times_s: list[float], said: str, spans: list[tuple[float, float, str]]
) -> None:
    assert stretches(Person(times_s, [], list(said))) == spans


def test_picture_is_made_of_a_records_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = tmp_path / "clip.csv"
    records.write_text(
        "source,frame,time_s,face_id,x,y,width,height,det_score,label,p_neutral,p_happiness\n"
        "clip,0,0,1,0,0,9,9,0.9,happiness,0.2,0.8\n"
        "clip,1,0.1,1,0,0,9,9,0.9,unsure,0.5,0.5\n"
    )
    assert plot_timelines.main([str(records), "-o", str(tmp_path / "clip.png")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'clip.png'}: 1 people\n"
    assert plot_timelines.main([str(records), "-o", str(tmp_path / "clip.png")]) == 2
    assert "clip.png exists already. Add --overwrite" in capsys.readouterr().err
    with Image.open(tmp_path / "clip.png") as picture:
        assert picture.width > picture.height > 100


def test_what_is_no_records_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "gone.csv"), "-o", str(tmp_path / "clip.png")]
    assert plot_timelines.main(words) == 2
    assert "does not exist. Give a file that --records wrote." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
