"""Carries out tasks in a thread of its own, behind the thread that gives them."""

from collections.abc import Callable
from queue import Empty
from threading import Thread

from app.process.bounded_queue import (
    MAX_WAITING,
    MAX_WAITING_BYTES,
    POLL_S,
    BoundedQueue,
    join_whole,
)


class WorkBehind:
    """Carries out tasks one after the other, in the order in which they are given.

    The first task that fails is the last one: its error is `failure`, and comes out of the next
    call of `do`, or of `finish`. One of `finish` and `abandon` must be called in the end.

    Args:
        name: The name of the thread.
        max_waiting: As in `BoundedQueue`.
        max_bytes: As in `BoundedQueue`.
    """

    def __init__(
        self,
        name: str = "work behind",
        *,
        max_waiting: int = MAX_WAITING,
        max_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._queue: BoundedQueue[Callable[[], object] | None] = BoundedQueue(
            max_waiting=max_waiting, max_bytes=max_bytes
        )
        self.failure: BaseException | None = None
        self._thread = Thread(target=self._work, name=name)
        self._thread.start()

    def _work(self) -> None:
        try:
            while not self._queue.is_closed:
                try:
                    task = self._queue.take()
                except Empty:
                    continue
                if task is None:
                    return
                task()
                del task  # and the pictures in it, before the wait for the next one
        except BaseException as error:
            self.failure = error
        finally:
            self._queue.close()

    def do(self, task: Callable[[], object], size_bytes: int = 0) -> None:
        """Gives a task, and waits while there is no room for it.

        `size_bytes` is the memory that the task keeps until it is done. Raises the error of an
        earlier task.
        """
        if not self._queue.put(task, size_bytes):
            raise self.failure or RuntimeError("no work is taken after the end")

    def finish(self) -> None:
        """Waits until all tasks are done, and ends the thread. Raises the error of a task."""
        self._queue.put(None)
        while self._thread.is_alive():
            self._thread.join(POLL_S)
        if self.failure is not None:
            raise self.failure

    def abandon(self) -> None:
        """Drops the tasks that wait, and ends the thread after the task in hand. A second call, or
        one after `finish`, does nothing."""
        self._queue.close()
        join_whole(self._thread)
