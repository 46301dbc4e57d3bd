"""Outputs that are slower than a camera hold up nobody, and what they lack is counted."""

import threading
from pathlib import Path

import numpy as np
import pytest

from app.errors import SinkError
from app.outputs.background import BackgroundSink
from app.types import FrameResult, Image
from tests.support.synthetic import frame_result

CANVAS = np.zeros((4, 4, 3), np.uint8)


class SlowSink:
    """Writes one frame per `allow()`; fails at frame `fails_at`."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.path = Path("slow.mp4")
        self.written: list[int] = []
        self.state = "open"
        self.allowed = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self._fails_at = fails_at

    def write(self, result: FrameResult, canvas: Image) -> None:
        self.begun.release()
        self.allowed.acquire()
        if result.frame.index == self._fails_at:
            raise SinkError("slow.mp4 could not be written: disk full.")
        self.written.append(result.frame.index)

    def allow(self, count: int) -> None:
        for _ in range(count):
            self.allowed.release()

    def close(self) -> None:
        self.state = "complete"

    def abort(self) -> None:
        self.state = "gone"


def write(sink: BackgroundSink, *indices: int) -> None:
    for index in indices:
        sink.write(frame_result(index=index), CANVAS)


def test_what_finds_no_room_is_left_out_and_counted() -> None:
    slow = SlowSink()
    sink = BackgroundSink(slow, max_waiting=3)
    write(sink, 0)
    slow.begun.acquire()  # frame 0 is in hand
    write(sink, 1, 2, 3, 4, 5)
    assert (sink.waiting, sink.dropped) == (3, 2)
    slow.allow(1)
    slow.begun.acquire()
    write(sink, 6)
    slow.allow(9)
    sink.close()
    assert (slow.written, slow.state) == ([0, 1, 2, 3, 6], "complete")
    assert (sink.waiting, sink.dropped, sink.path) == (0, 2, Path("slow.mp4"))


def test_memory_bounds_the_queue_too_but_one_frame_always_fits() -> None:
    slow = SlowSink()
    sink = BackgroundSink(slow, max_bytes=1)
    write(sink, 0)
    slow.begun.acquire()
    write(sink, 1, 2)
    assert (sink.waiting, sink.dropped) == (1, 1)
    slow.allow(2)
    sink.close()
    assert slow.written == [0, 1]


def test_failure_of_the_thread_reaches_the_next_write() -> None:
    slow = SlowSink(fails_at=0)
    sink = BackgroundSink(slow)
    write(sink, 0)
    slow.allow(1)
    sink._thread.join()
    with pytest.raises(SinkError, match="disk full"):
        write(sink, 1)
    sink.abort()
    assert slow.state == "gone"


def test_failure_of_the_thread_reaches_close() -> None:
    slow = SlowSink(fails_at=1)
    sink = BackgroundSink(slow)
    write(sink, 0, 1, 2)
    slow.allow(3)
    with pytest.raises(SinkError, match="disk full"):
        sink.close()
    assert (slow.written, slow.state) == ([0], "open")
    sink.abort()
    assert slow.state == "gone"


def test_abort_writes_no_more() -> None:
    slow = SlowSink()
    sink = BackgroundSink(slow)
    write(sink, 0, 1, 2)
    slow.begun.acquire()
    slow.allow(1)
    sink.abort()
    assert (len(slow.written) <= 1, slow.state) == (True, "gone")
    assert not sink._thread.is_alive()


def test_hanging_write_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.outputs.background.GIVE_UP_S", 0.05)
    slow = SlowSink()
    sink = BackgroundSink(slow)
    write(sink, 0)
    slow.begun.acquire()
    sink.abort()
    assert slow.state == "open"
    slow.allow(1)
    sink._thread.join()


def test_thread_ends_with_its_sink() -> None:
    slow = SlowSink()
    sink = BackgroundSink(slow)
    sink.close()
    sink.close()
    sink.abort()
    assert not sink._thread.is_alive()
