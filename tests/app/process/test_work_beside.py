"""One task at a time is done in a thread beside, and its result or its error is taken later."""

import threading
from threading import Event

import pytest

from app.errors import ModelError
from app.process.work_beside import WorkBeside

WAIT_S = 10.0


def is_running() -> bool:
    return any(thread.name == "worker" for thread in threading.enumerate())


def test_a_task_runs_while_its_giver_goes_on() -> None:
    go_on, names = Event(), list[str]()

    def work() -> int:
        assert go_on.wait(WAIT_S)
        names.append(threading.current_thread().name)
        return 7

    beside = WorkBeside[int]("worker")
    beside.begin(work)
    assert beside.is_busy
    with pytest.raises(ValueError, match="after the result of the one before"):
        beside.begin(work)
    go_on.set()
    assert beside.take() == 7
    assert (names, beside.is_busy) == (["worker"], False)
    with pytest.raises(ValueError, match="no task was begun"):
        beside.take()
    beside.close()
    beside.close()
    assert not is_running()
    with pytest.raises(ValueError, match="not after `close`"):
        beside.begin(work)


@pytest.mark.parametrize("error", [ModelError("no numbers."), MemoryError(), SystemExit(3)])
def test_an_error_comes_out_of_its_own_task_and_the_next_one_is_done(error: BaseException) -> None:
    def fail() -> int:
        raise error

    beside = WorkBeside[int]("worker")
    beside.begin(fail)
    with pytest.raises(type(error)) as raised:
        beside.take()
    assert raised.value is error
    beside.begin(lambda: 3)
    assert beside.take() == 3
    beside.close()


def test_close_waits_for_the_task_in_hand_and_drops_its_result() -> None:
    done: list[int] = []
    beside = WorkBeside[None]("worker")
    beside.begin(lambda: done.append(1))
    beside.close()
    assert done == [1]
    assert not is_running()
