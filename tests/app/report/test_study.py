"""The page and the tables of a study: a row per video, a row per episode, and what was left out."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.records.writers import RecordsSink
from app.report.__main__ import main
from app.report.study_files import find_study_files
from tests.support.synthetic import LABELS, frame_result, tracked_face

FRAMES = 40  # 4 seconds at 10 frames/s


def write_records(path: Path, with_face: int, *, happy: float = 0.9) -> None:
    """Writes records of 40 frames, of which the first `with_face` have a happy face."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sink = RecordsSink(path, LABELS, overwrite=False)
    rest = (1 - happy) / 2
    for index in range(FRAMES):
        faces = [tracked_face(probabilities=(rest, happy, rest))] if index < with_face else []
        result = frame_result(*faces, index=index, time_s=index / 10, source=f"{path.stem}.mp4")
        sink.write(result, np.zeros((9, 9, 3), np.uint8))
    sink.close()


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "talks"
    write_records(folder / "a.jsonl", 40)
    write_records(folder / "day 2/b.parquet", 20)
    write_records(folder / "day 2/c.csv", 0)
    return folder


def test_a_row_per_video_and_per_episode(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (study / "day 2/b.html").write_text("single")
    page, table, overview = (study / n for n in ("study.html", "s.csv", "o.parquet"))
    line = [str(study), "-o", str(page), "--episodes", str(table), "--overview", str(overview)]
    assert main(line) == 0
    assert capsys.readouterr().err == f"3 videos, 2 episodes -> {page}, {table}, {overview}\n"
    episodes = pd.read_csv(table)
    assert list(episodes.video) == ["a", "day 2/b"]
    assert list(episodes.source) == ["a.mp4", "b.mp4"]
    assert list(episodes.label) == [LABELS[1]] * 2
    assert list(episodes.frames) == [40, 20]
    assert list(episodes.duration_s) == pytest.approx(
        list(episodes.offset_s - episodes.onset_s), abs=2e-6
    )
    videos = pd.read_parquet(overview).set_index("video")
    assert list(videos.share_with_face) == [1.0, 0.5, 0.0]
    assert list(videos[f"share_{LABELS[1]}"].fillna(-1)) == [1.0, 1.0, -1]
    assert list(videos[f"episodes_{LABELS[1]}"]) == [1, 1, 0]
    assert list(videos.people) == [1, 1, 0]
    text = page.read_text()
    assert '<a href="day%202/b.html">day 2/b</a>' in text
    assert '<th scope="row">a</th>' in text
    assert text.count('role="img"') == 2
    assert "50.0\xa0%" in text
    # The second run does not take its own tables for records.
    assert main([*line, "--overwrite"]) == 0
    assert page.read_text() == text


def test_what_cannot_be_read_is_a_line_and_the_others_go_on(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (study / "bad.jsonl").write_text("no\n")
    (study / "empty.jsonl").touch()
    (study / "people.csv").write_text("id,age\n1,20\n")
    (study / "torn.parquet").write_bytes(b"PAR1")
    whole = (study / "a.jsonl").read_bytes()
    (study / "cut.jsonl").write_bytes(whole[:-9])
    (study / "a.run.json").write_text(json.dumps({"interrupted": True}))
    assert main([str(study), "-o", str(study / "s.html")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.split(str(study))[1][:14] for line in said[:3]] == [
        "/bad.jsonl, li", "/empty.jsonl h", "/torn.parquet ",
    ]  # fmt: skip
    assert said[3].startswith("4 videos, ")
    assert said[4] == "warning: 2 videos are not whole; the page says why."
    assert said[5] == "note: 1 table without the columns of records left out: people.csv."
    text = (study / "s.html").read_text()
    assert "Not on this page: 3 files that cannot be read." in text
    assert "<small>the run was interrupted</small>" in text
    assert "<small>the records end within a line</small>" in text


def test_a_whole_video_with_mended_times_is_not_called_cut(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said_by_run = "a.mp4 has a wrong time, which was mended: at frame 7, 30.28 s became 0.28 s."
    (study / "a.run.json").write_text(json.dumps({"cut_short": None, "mended": said_by_run}))
    overview = study / "v.csv"
    assert main([str(study), "-o", str(study / "s.html"), "--overview", str(overview)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[1:] == [
        "warning: 1 video is whole but has wrong times, which were mended; the page says where."
    ]
    text = (study / "s.html").read_text()
    assert "Whole, with mended times: 1 video; the rows say where." in text
    assert "Not whole" not in text
    assert f"<small>{said_by_run}</small>" in text
    assert said_by_run in overview.read_text()


def test_names_are_escaped(tmp_path: Path) -> None:
    write_records(tmp_path / "s" / "=<b>.jsonl", 40)
    page, table = tmp_path / "p.html", tmp_path / "t.csv"
    assert main([str(tmp_path / "s"), "-o", str(page), "--episodes", str(table)]) == 0
    assert "&lt;b&gt;" in page.read_text()
    assert "=<b>" not in page.read_text()
    assert table.read_text().splitlines()[1].startswith("'=<b>,'=<b>.mp4,1,")


@pytest.mark.skipif(sys.platform == "win32", reason="makes named pipes and links")
def test_what_is_no_file_is_a_line_and_the_others_go_on(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (study / "gone.jsonl").symlink_to("nowhere.jsonl")
    (study / "loop.csv").symlink_to("loop.csv")
    for name in ("pipe.jsonl", "pipe.csv", "pipe.parquet", "a.run.json"):
        os.mkfifo(study / name)  # opening one would never end
    (study / "box.jsonl").mkdir()
    write_records(study / "box.jsonl/x.jsonl", 40)
    page = study.parent / "p.html"
    assert main([str(study), "-o", str(page)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[:-1] == [
        f"error: {study}/{name}. It was left out."
        for name in (
            "box.jsonl is a folder",
            "gone.jsonl is a link to nowhere.jsonl, which cannot be reached",
            "loop.csv is a link to loop.csv, which cannot be reached",
            "pipe.csv is no regular file",
            "pipe.jsonl is no regular file",
            "pipe.parquet is no regular file",
        )
    ]
    assert said[-1].startswith("3 videos, ")
    assert "Not on this page: 6 files that cannot be read." in page.read_text()


def test_a_folder_that_may_not_be_read_is_a_line(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith(refused):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    refused = "day 2"
    assert main([str(study), "-o", str(study.parent / "p.html")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"error: {study}/day 2 cannot be read: Permission denied. It was left out."
    assert said[1].startswith("1 video, ")
    refused = "talks"
    assert main([str(study), "-o", str(study.parent / "q.html")]) == 2
    assert capsys.readouterr().err == f"error: {study} cannot be read: Permission denied.\n"


def test_records_of_one_video_that_count_twice_are_named(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, digest in (("a", "1"), ("day 2/b", "2"), ("day 2/c", "1")):
        notes = {"input": {"files": [{"name": "x.mp4", "sha256": digest}]}}
        (study / f"{name}.run.json").write_text(json.dumps(notes))
    assert main([str(study), "-o", str(study.parent / "p.html")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[1:] == ["note: a, day 2/c are of one and the same video, and each counts."]


def test_one_file_of_each_video_is_read(study: Path) -> None:
    write_records(study / "a.csv", 40)
    write_records(study / ".hidden/x.jsonl", 40)
    (study / "a.episodes.csv").write_text("x\n")
    found = find_study_files(study)
    names = [path.relative_to(study).as_posix() for path in found.records]
    assert names == ["a.jsonl", "day 2/b.parquet", "day 2/c.csv"]
    assert found.others == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("EMPTY -o p.html", "The folder EMPTY has no records."),
        ("BAD -o p.html", "No records in BAD can be read."),
        ("STUDY -o p.txt", "must end in .html."),
        ("STUDY -o p.html --episodes e.xlsx", "must end in .csv or .parquet."),
        ("STUDY -o p.html --episodes e.csv --overview e.csv", "Two results have one name."),
        ("STUDY -o gone/p.html", "does not exist."),
        ("STUDY -o p.html --no-stills", "are for the records of one run"),
        ("STUDY/a.jsonl -o p.html --episodes e.csv", "are for a folder of records"),
        ("STUDY/a.jsonl STUDY/b.jsonl -o p.html", "put the records into one folder and name the"),
        ("STUDY/a.jsonl -o p.html STUDY/b.jsonl b", "put the records into one folder and name the"),
        ("nowhere -o p.html", "nowhere does not exist. Name a file that --records wrote, or a"),
    ],
)
def test_what_cannot_be_is_one_line(
    study: Path,
    words: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(study.parent)
    for name in ("EMPTY", "BAD"):
        Path(name).mkdir()
    Path("BAD/x.jsonl").write_text("no\n")
    study.rename("STUDY")
    try:
        code = main(words.split())
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert sorted(path.name for path in Path().iterdir()) == ["BAD", "EMPTY", "STUDY"]


def test_a_full_disk_leaves_nothing(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.records.tables._CsvTable.write", fail)
    out = study.parent / "out"
    out.mkdir()
    line = [str(study), "-o", str(out / "p.html"), "--episodes", str(out / "e.csv")]
    assert main(line) == 2
    assert list(out.iterdir()) == []
