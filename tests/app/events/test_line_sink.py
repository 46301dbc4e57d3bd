"""Lines reach a program that reads along; a slow reader, or one that leaves, holds up nobody."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.errors import SinkError
from app.events.event import EventClock, encode_event, make_event
from app.events.line_sink import MAX_WAITING, LineSink, make_event_lines, make_record_lines
from app.process.line_pipe import LinePipe, NamedPipe, is_pipe
from app.records.writers import RecordsSink
from app.types import FrameResult, Image
from tests.support.receivers import wait_until
from tests.support.synthetic import LABELS, frame_result, tracked_face

CANVAS: Image = np.zeros((4, 4, 3), np.uint8)
CLOCK = EventClock(monotonic=lambda: 100.25, utc=lambda: 1_700_000_000.0)
POSIX_PIPES = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")


def results_of(count: int) -> list[FrameResult]:
    return [frame_result(tracked_face(1), index=i, time_s=i / 25) for i in range(count)]


@contextmanager
def pipe_ends() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        for end in (reading, writing):
            try:
                os.close(end)
            except OSError:  # closed by the test
                continue


def sink_for(pipe: LinePipe | NamedPipe, **settings: object) -> tuple[LineSink, list[str]]:
    said: list[str] = []
    usual: dict[str, object] = {"is_live": False, "is_alone": False, "say": said.append}
    sink = LineSink(pipe, make_event_lines(CLOCK), **{**usual, **settings})  # type: ignore[arg-type]
    return sink, said


def read_lines(descriptor: int) -> list[dict[str, object]]:
    with open(descriptor, closefd=False) as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize("is_live", [False, True])
def test_every_frame_is_one_line(is_live: bool) -> None:
    with pipe_ends() as (reading, writing):
        sink, said = sink_for(LinePipe(writing, "stdout"), is_live=is_live)
        results = results_of(3)
        for result in results:
            sink.write(result, CANVAS)
        sink.close()
        sink.close()
        os.close(writing)
        assert read_lines(reading) == [
            json.loads(encode_event(make_event(result, CLOCK))) for result in results
        ]
    assert (said, sink.warning) == ([], None)


def test_records_are_the_rows_of_a_records_file(tmp_path: Path) -> None:
    results = [*results_of(2), frame_result(index=2)]
    file = RecordsSink(tmp_path / "r.jsonl", LABELS)
    for result in results:
        file.write(result, CANVAS)
    file.close()
    lines = "".join(map(make_record_lines, results)).splitlines()
    rows = (tmp_path / "r.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(row) for row in rows]


class StuckPipe:
    """Takes nothing until it is let go."""

    name = "stuck"
    can_return = False

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def write(self, text: str, is_stopped: Callable[[], bool]) -> bool:
        self.begun.set()
        while not self.let_go.wait(0.005):
            if is_stopped():
                return False
        self.texts.append(text)
        return True

    def close(self) -> None:
        pass


@pytest.mark.parametrize("says_missed", [True, False])
def test_a_slow_reader_gets_the_newest_frames_and_is_told_how_many_it_missed(
    says_missed: bool,
) -> None:
    pipe = StuckPipe()
    sink = LineSink(
        pipe,
        lambda result: f"{result.frame.index}\n",
        is_live=True,
        is_alone=False,
        says_missed=says_missed,
        say=lambda line: None,
    )
    sink.write(frame_result(), CANVAS)
    assert pipe.begun.wait(10)
    for result in results_of(MAX_WAITING + 4)[1:]:
        sink.write(result, CANVAS)
    pipe.let_go.set()
    sink.close()
    missed = '{"type":"missed","frames":3}\n' if says_missed else ""
    newest = [f"{index}\n" for index in range(4, MAX_WAITING + 4)]
    assert pipe.texts == ["0\n", missed + newest[0], *newest[1:]]
    assert sink.warning == "The reader of stuck was too slow for 3 frames."


def test_a_reader_that_takes_nothing_does_not_keep_the_run_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.events.line_sink.GIVE_UP_S", 0.05)
    pipe = StuckPipe()
    sink, _ = sink_for(pipe, is_live=True)  # type: ignore[arg-type]
    for result in results_of(3):
        sink.write(result, CANVAS)
    sink.close()
    assert pipe.texts == []
    assert "left before the end" in str(sink.warning)


@POSIX_PIPES
@pytest.mark.parametrize("is_live", [False, True])
@pytest.mark.parametrize("is_alone", [False, True])
def test_a_reader_that_leaves_ends_a_run_that_nobody_else_reads(
    is_live: bool, is_alone: bool
) -> None:
    def write_on() -> None:
        for result in results_of(200):
            sink.write(result, CANVAS)
        sink.close()

    with pipe_ends() as (reading, writing):
        sink, said = sink_for(LinePipe(writing, "stdout"), is_live=is_live, is_alone=is_alone)
        sink.write(frame_result(), CANVAS)
        os.close(reading)
        if is_alone:
            with pytest.raises(BrokenPipeError):
                write_on()
            assert said == []
        else:
            write_on()
            assert said == ["The reader of stdout left; the run goes on without it."]
            assert sink.warning is not None
            assert "The reader of stdout left before the end." in sink.warning
        sink.abort()


@POSIX_PIPES
def test_ctrl_c_ends_the_wait_for_a_reader_of_a_full_pipe() -> None:
    stopped = threading.Event()
    with pipe_ends() as (_, writing):
        sink, _ = sink_for(LinePipe(writing, "stdout"), is_interrupted=stopped.is_set)
        threading.Timer(0.2, stopped.set).start()
        for result in results_of(300):  # more than a pipe holds
            sink.write(result, CANVAS)
        sink.close()
    assert stopped.is_set()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_one_clear_line() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        sink, _ = sink_for(LinePipe(descriptor, "stdout"))
        with pytest.raises(SinkError, match="stdout could not be written: No space left"):
            sink.write(frame_result(), CANVAS)
    finally:
        os.close(descriptor)


@POSIX_PIPES
def test_readers_of_a_named_pipe_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.events.line_sink.RETRY_S", 0.0)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert is_pipe(path)
    assert not is_pipe(tmp_path)
    assert not is_pipe(tmp_path / "nothing")
    sink, said = sink_for(NamedPipe(path, waits=False))
    gone = f"{path}: nobody reads it. Frames are sent again as soon as it is there."
    results = results_of(6)
    sink.write(results[0], CANVAS)
    sink.write(results[1], CANVAS)
    assert said == [gone]
    for number in (2, 4):
        reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        sink.write(results[number], CANVAS)
        assert json.loads(os.read(reading, 65_536))["frame"] == number
        os.close(reading)
        sink.write(results[number + 1], CANVAS)
    sink.close()
    back = f"{path} is back; {{}} did not reach it."
    assert said == [gone, back.format("2 frames"), gone, back.format("1 frame"), gone]


@POSIX_PIPES
def test_the_frames_of_a_file_wait_for_the_first_reader_of_a_named_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    sink, said = sink_for(NamedPipe(path, waits=True))
    lines: list[str] = []

    def read() -> None:
        with path.open() as file:
            lines.extend(file)

    reader = threading.Timer(0.2, read)
    reader.start()
    for result in results_of(3):
        sink.write(result, CANVAS)
    sink.close()
    reader.join(10)
    assert [json.loads(line)["frame"] for line in lines] == [0, 1, 2]
    assert said == []
    stuck, _ = sink_for(NamedPipe(path, waits=True), is_interrupted=lambda: True)
    stuck.write(results_of(1)[0], CANVAS)  # returns, although nobody reads


def test_an_event_is_as_old_as_it_is_when_it_is_sent() -> None:
    pipe = StuckPipe()
    now = [100.0]
    clock = EventClock(monotonic=lambda: now[0], utc=lambda: 1_700_000_000.0)
    sink = LineSink(
        pipe, make_event_lines(clock), is_live=True, is_alone=False, say=lambda line: None
    )
    results = results_of(2)
    sink.write(results[0], CANVAS)
    assert pipe.begun.wait(10)
    sink.write(replace(results[1], frame=replace(results[1].frame, captured_s=100.0)), CANVAS)
    now[0] = 100.5
    pipe.let_go.set()
    wait_until(lambda: len(pipe.texts) == 2)
    sink.close()
    assert json.loads(pipe.texts[1])["age_ms"] == 500.0
