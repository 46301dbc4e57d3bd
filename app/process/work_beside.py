"""Carries out one task at a time in a thread beside the thread that gives it."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from app.process.bounded_queue import POLL_S, join_whole

T = TypeVar("T")


class WorkBeside(Generic[T]):
    """A thread for one task at a time, whose result is taken later.

    `close` must be called in the end. Only one thread may call the methods.

    Args:
        name: The name of the thread.

    >>> beside = WorkBeside("add")
    >>> beside.begin(lambda: 3 + 4)
    >>> beside.take(), beside.is_busy
    (7, False)
    >>> beside.close()
    """

    def __init__(self, name: str = "work beside") -> None:
        self._tasks: SimpleQueue[Callable[[], T] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[T] | BaseException] = SimpleQueue()
        self.is_busy = False  # from `begin` to `take`
        self._is_closed = False
        self._thread = Thread(target=self._work, name=name)
        self._thread.start()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                self._results.put((task(),))
            except BaseException as error:
                self._results.put(error)
            del task  # and the pictures in it, before the wait for the next one

    def begin(self, task: Callable[[], T]) -> None:
        """Begins a task. Raises `ValueError` while the result of another one is not taken, and
        after `close`."""
        if self.is_busy or self._is_closed:
            raise ValueError(
                "a task is begun after the result of the one before, not after `close`"
            )
        self.is_busy = True
        self._tasks.put(task)

    def take(self) -> T:
        """Waits for the task, and returns its result or raises its error. Raises `ValueError` if
        none was begun."""
        if not self.is_busy:
            raise ValueError("no task was begun")
        while True:
            try:
                result = self._results.get(timeout=POLL_S)
                break
            except Empty:
                if not self._thread.is_alive():
                    raise RuntimeError("the thread has ended without a reason") from None
        self.is_busy = False
        if isinstance(result, BaseException):
            raise result
        return result[0]

    def close(self) -> None:
        """Ends the thread after the task in hand. A second call does nothing."""
        self._is_closed = True
        self._tasks.put(None)
        join_whole(self._thread)
