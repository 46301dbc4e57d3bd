"""Items are read in a thread before they are asked for, and come as from the iterator itself."""

import threading
from collections.abc import Iterator
from threading import Event

import pytest

from app.process.read_ahead import ReadAhead

WAIT_S = 10.0  # for what comes at once; a busy machine may need longer


class Counted:
    """Gives 0, 1, 2 ... and tells by `reached` how far it was asked; fails at `fails_at`."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.asked = [Event() for _ in range(count + 1)]
        self.threads: set[str] = set()
        self._count, self._fails_at = count, fails_at

    def __iter__(self) -> Iterator[int]:
        for number in range(self._count):
            self.asked[number].set()
            self.threads.add(threading.current_thread().name)
            if number == self._fails_at:
                raise MemoryError("no room")
            yield number
        self.asked[self._count].set()


def read(source: Counted, size_bytes: int = 1) -> ReadAhead[int]:
    return ReadAhead(iter(source), measure_bytes=lambda number: size_bytes, name="reader")


def is_running() -> bool:
    return any(thread.name == "reader" for thread in threading.enumerate())


def test_next_items_are_read_while_the_first_is_worked_on() -> None:
    source = Counted(9)
    ahead = read(source)
    items = iter(ahead)
    assert next(items) == 0
    # Two more wait, and the one behind them is made already.
    assert source.asked[3].wait(WAIT_S)
    assert not source.asked[4].wait(0.15)
    assert next(items) == 1
    assert source.asked[4].wait(WAIT_S)
    assert list(items) == list(range(2, 9))
    ahead.close()
    assert source.threads == {"reader"}
    assert not is_running()


def test_failure_comes_behind_the_items_before_it() -> None:
    ahead = read(Counted(9, fails_at=2))
    items = iter(ahead)
    assert (next(items), next(items)) == (0, 1)
    with pytest.raises(MemoryError, match="no room"):
        next(items)
    ahead.close()
    assert not is_running()


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_thread_ends_when_nobody_takes_any_more(taken: int) -> None:
    source = Counted(1000)
    ahead = read(source)
    items = iter(ahead)
    assert [next(items) for _ in range(taken)] == list(range(taken))
    ahead.close()
    ahead.close()
    assert list(items) == []
    assert not is_running()
    assert not source.asked[taken + 4].is_set()


def test_ends_without_items() -> None:
    ahead = read(Counted(0))
    assert list(ahead) == []
    ahead.close()


def test_is_asked_while_it_waits() -> None:
    go_on = Event()

    def slow() -> Iterator[int]:
        assert go_on.wait(WAIT_S)
        yield 7

    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            go_on.set()

    ahead = ReadAhead(slow(), measure_bytes=lambda number: 0, on_wait=ask)
    assert list(ahead) == [7]
    assert asked >= 2
    ahead.close()


def test_failure_while_it_waits_comes_out() -> None:
    end = Event()

    def silent() -> Iterator[int]:
        assert end.wait(WAIT_S)
        yield 0

    def press_ctrl_c() -> None:
        raise KeyboardInterrupt

    ahead = ReadAhead(silent(), measure_bytes=lambda number: 0, on_wait=press_ctrl_c, name="reader")
    with pytest.raises(KeyboardInterrupt):
        list(ahead)
    end.set()
    ahead.close()
    assert not is_running()
