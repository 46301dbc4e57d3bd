"""Results on their way: what they are called, whose they are, and that they replace nothing."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.defaults import ROOT
from app.errors import SinkError
from app.files import hidden as hidden_files
from app.files.atomic import reserve, write_text
from app.files.hidden import (
    DisplacedError,
    HiddenFile,
    build_hidden_path,
    claim_file,
    claim_own_file,
    settle_file,
)
from app.outputs.sink import writing
from app.outputs.video import VideoSink
from app.records.resumable import LongRecords
from app.records.writers import RecordsSink
from app.runs.checkpoint import ResumeFile
from tests.support.synthetic import LABELS, frame_result, level_picture


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other runs are waited for, but not long."""
    monkeypatch.setattr(hidden_files, "CLAIM_STEP_S", 0.001)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Names


@pytest.mark.parametrize(
    "name",
    ["t" * 251 + ".csv", "表" * 83 + ".jsonl", "é" * 120 + ".mp4", ".x" * 127, "t" * 255],
)
def test_long_names_are_shortened_and_told_apart(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("a name that the disk takes")
    found = set()
    for ending in (".partial", ".jsonl.partial", ".resume", ".resume.new"):
        short = build_hidden_path(path, ending)
        assert len(os.fsencode(short.name)) <= 255
        assert short.name.startswith(".")
        assert short.name.endswith(ending)
        short.write_text("so is this")
        found.add(short)
        other = path.with_name(f"{name[:-8]}x{name[-7:]}")
        assert build_hidden_path(other, ending) != short
    assert len(found) == 4


def test_usual_names_are_whole_and_suffixes_stay() -> None:
    assert build_hidden_path(Path("a/talk.csv"), ".partial") == Path("a/.talk.csv.partial")
    assert build_hidden_path(Path("t" * 251 + ".csv"), ".partial").name.endswith(".csv.partial")
    assert build_hidden_path(Path(os.fsdecode(b"\xff" * 250 + b".csv")), ".partial").suffixes[
        -2:
    ] == [
        ".csv",
        ".partial",
    ]


def test_folder_that_takes_shorter_names_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pathconf", lambda *_: 143)  # as on an encrypted disk
    assert len(build_hidden_path(tmp_path / ("n" * 139 + ".csv"), ".partial").name) == 143


def test_long_names_are_written_and_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / ("t" * 251 + ".csv")
    for make in (RecordsSink, LongRecords):
        sink = make(path, LABELS, overwrite=True)
        sink.write(frame_result(), level_picture(0, (6, 4)))
        sink.close()
        assert names(tmp_path) == [path.name]
    assert not ResumeFile(path).exists()


def test_name_that_no_disk_takes_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"File name too long\. Choose a shorter one\.$"):
        reserve(tmp_path / ("x" * 300), overwrite=False)


# Whose they are


@contextmanager
def another_run(path: Path) -> Iterator[None]:
    """A process that has `path` for itself."""
    code = (
        "import sys; from pathlib import Path; from app.files.hidden import claim_file\n"
        "file = claim_file(Path(sys.argv[1])); print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield


Open = Callable[[Path], Any]
SINKS: dict[str, tuple[Open, str]] = {
    "out.mp4": (lambda path: VideoSink(path, overwrite=True), ".partial"),
    "out.csv": (lambda path: RecordsSink(path, LABELS, overwrite=True), ".partial"),
    "out.jsonl": (lambda path: LongRecords(path, LABELS, overwrite=True), ".partial"),
    "out.parquet": (lambda path: LongRecords(path, LABELS, overwrite=True), ".jsonl.partial"),
    "out.vtt": (lambda path: write_text(path, "x", overwrite=True), ".partial"),
}


@pytest.mark.parametrize("name", SINKS)
def test_what_another_run_is_writing_stays_its_own(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    make, ending = SINKS[name]
    theirs = build_hidden_path(path, ending)
    with another_run(theirs):
        theirs.write_text("hours of work")
        for attempt in (make, lambda path: reserve(path, overwrite=True)):
            with pytest.raises(SinkError, match=f"{name} is being written by another run"):
                attempt(path)
            assert theirs.read_text() == "hours of work"
    # It was killed: what it left is nobody's.
    sink = make(path)
    if sink is not None:
        sink.abort()
    assert not theirs.exists()


def test_each_run_gets_a_file_of_its_own(tmp_path: Path) -> None:
    beside = tmp_path / "talk.mp4"
    files = [claim_own_file(beside, ".fetched") for _ in range(3)]
    assert names(tmp_path) == [f".talk.mp4{n}.fetched" for n in (".2", ".3", "")]
    files[0].discard()
    again = claim_own_file(beside, ".fetched")
    assert again.path == files[0].path
    for file in (*files[1:], again):
        file.discard()
    assert names(tmp_path) == []


def test_file_that_was_left_behind_is_taken_over_empty(tmp_path: Path) -> None:
    path = tmp_path / ".left"
    path.write_text("of a run that was killed")
    file = claim_file(path)
    assert file is not None
    with file:
        assert path.read_text() == ""
        assert claim_file(path) is None


# Their final names


def raising(number: int) -> Callable[..., None]:
    def raise_it(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return raise_it


@pytest.mark.parametrize("links", [True, False])
def test_file_that_came_to_be_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    if not links:  # as on FAT and some network folders
        monkeypatch.setattr(os, "link", raising(errno.EPERM))
    path = tmp_path / "out.csv"
    for number in (None, 2, 3):
        part = HiddenFile(path, overwrite=False)
        part.file.write(b"mine")
        if number is None:
            part.settle()
            path.write_text("yours")
            continue
        with pytest.raises(DisplacedError) as caught:
            part.settle()
        part.discard()
        other = tmp_path / f"out_{number}.csv"
        assert str(caught.value) == (
            f"{path} came to be while this run lasted and was left as it is; the result is {other}."
        )
        assert other.read_bytes() == b"mine"
    assert path.read_text() == "yours"
    assert names(tmp_path) == ["out.csv", "out_2.csv", "out_3.csv"]
    part = HiddenFile(path, overwrite=True)
    part.file.write(b"again")
    part.settle()
    assert path.read_text() == "again"


def test_disk_that_is_full_at_the_end_leaves_no_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", raising(errno.EPERM))
    monkeypatch.setattr(os, "replace", raising(errno.ENOSPC))
    (tmp_path / ".part").write_text("mine")
    with pytest.raises(OSError, match="No space"):
        settle_file(tmp_path / ".part", tmp_path / "out", overwrite=False)
    assert names(tmp_path) == [".part"]


def write_one(sink: Any) -> None:
    sink.write(frame_result(), level_picture(0, (64, 48)))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("out.mp4", VideoSink),
        ("out.csv", lambda path: RecordsSink(path, LABELS)),
        ("out.jsonl", lambda path: LongRecords(path, LABELS, overwrite=False)),
        ("out.parquet", lambda path: LongRecords(path, LABELS, overwrite=False)),
    ],
)
def test_no_output_replaces_what_was_not_there_when_it_began(
    tmp_path: Path, name: str, make: Open
) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    sink = make(tmp_path / name)
    write_one(sink)
    sink.path.write_text("yours")
    with pytest.raises(DisplacedError, match="came to be while this run lasted"):
        sink.close()
    assert sink.path.read_text() == "yours"
    assert names(tmp_path) == [sink.path.name, f"out_2{sink.path.suffix}"]


def test_failure_of_one_output_completes_the_others(tmp_path: Path) -> None:
    first, second = RecordsSink(tmp_path / "a.csv", LABELS), RecordsSink(tmp_path / "b.csv", LABELS)

    def work() -> None:
        with writing(first, second) as write:
            write(frame_result(), level_picture(0, (6, 4)))
            (tmp_path / "a.csv").write_text("yours")

    with pytest.raises(DisplacedError):
        work()
    assert names(tmp_path) == ["a.csv", "a_2.csv", "b.csv"]


def test_records_that_a_full_disk_never_took_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.records.resumable._CountedFile.flush", raising(errno.ENOSPC))
    with pytest.raises(SinkError, match="No space left"):
        LongRecords(tmp_path / "out.csv", LABELS, overwrite=False)
    assert names(tmp_path) == []
    sink = LongRecords(tmp_path / "out.jsonl", LABELS, overwrite=False)
    with pytest.raises(SinkError, match="No space left"):
        write_one(sink)
    sink.abort()
    assert names(tmp_path) == []
