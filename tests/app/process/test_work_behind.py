"""Tasks are done in order in a thread, and the first error is the one that is heard of."""

import threading
from functools import partial
from threading import Event

import pytest

from app.errors import SinkError
from app.process.work_behind import WorkBehind

WAIT_S = 10.0


def is_running() -> bool:
    return any(thread.name == "worker" for thread in threading.enumerate())


def test_tasks_are_done_in_order_while_more_are_given() -> None:
    go_on, done = Event(), list[int]()
    work = WorkBehind("worker")
    work.do(lambda: go_on.wait(WAIT_S), 1)
    for number in range(2):  # of which each has room, while the first is not done
        work.do(partial(done.append, number), 1)
    assert done == []
    go_on.set()
    for number in range(2, 50):
        work.do(partial(done.append, number), 1)
    work.finish()
    assert done == list(range(50))
    assert not is_running()
    work.abandon()
    with pytest.raises(RuntimeError, match="after the end"):
        work.do(print)


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [SinkError("disk full"), MemoryError(), SystemExit(3)])
def test_error_of_a_task_is_the_end_and_comes_out(error: BaseException) -> None:
    done: list[int] = []
    work = WorkBehind("worker")
    work.do(partial(fail, error))

    def give_more() -> None:
        for number in range(1000):
            work.do(partial(done.append, number))

    with pytest.raises(type(error)) as raised:
        give_more()
    assert raised.value is work.failure is error
    with pytest.raises(type(error)):
        work.finish()
    work.abandon()
    assert done == []
    assert not is_running()


def test_error_of_the_last_task_comes_out_of_the_end() -> None:
    work = WorkBehind("worker")
    work.do(partial(fail, SinkError("disk full")))
    with pytest.raises(SinkError, match="disk full"):
        work.finish()
    assert not is_running()


def test_abandoned_work_ends_after_the_task_in_hand() -> None:
    begun, go_on, done = Event(), Event(), list[str]()

    def first() -> None:
        begun.set()
        go_on.wait(WAIT_S)
        done.append("first")

    work = WorkBehind("worker")
    work.do(first, 1)
    work.do(partial(done.append, "second"), 1)
    assert begun.wait(WAIT_S)
    threading.Timer(0.05, go_on.set).start()
    work.abandon()
    assert done == ["first"]
    assert not is_running()
