"""Reads an iterator in a thread of its own, ahead of the thread that takes the items."""

from collections.abc import Callable, Iterator
from queue import Empty
from threading import Thread
from typing import Generic, TypeVar

from app.process.bounded_queue import (
    MAX_WAITING,
    MAX_WAITING_BYTES,
    BoundedQueue,
    join_whole,
)

T = TypeVar("T")


class _End:
    """Stands behind the last item. `error` is what ended the iterator, None for its own end."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ReadAhead(Generic[T]):
    """Gives the items of an iterator in order, while a thread already reads the next ones.

    After the last item, it raises what the iterator raised. `close` ends the thread, which works on
    the item in hand until then; it must be called.

    Args:
        items: Is read in the thread, and nowhere else.
        measure_bytes: Gives the bytes of an item that count for the room; 0 for a small item.
        on_wait: Is called several times a second while no item comes.
        name: The name of the thread.
        max_waiting: As in `BoundedQueue`.
        max_bytes: As in `BoundedQueue`.
    """

    def __init__(
        self,
        items: Iterator[T],
        *,
        measure_bytes: Callable[[T], int],
        on_wait: Callable[[], object] = lambda: None,
        name: str = "read ahead",
        max_waiting: int = MAX_WAITING,
        max_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._queue: BoundedQueue[T | _End] = BoundedQueue(
            max_waiting=max_waiting, max_bytes=max_bytes
        )
        self._on_wait = on_wait
        self._thread = Thread(target=self._read, args=(items, measure_bytes), name=name)
        self._thread.start()

    def _read(self, items: Iterator[T], measure_bytes: Callable[[T], int]) -> None:
        # An end that nobody foresaw must not look like the end of the items.
        end = _End(RuntimeError("the thread that reads ahead has ended without a reason"))
        try:
            for item in items:
                if not self._queue.put(item, measure_bytes(item)):
                    return
                del item  # and the picture in it, before the next one is made
            end = _End(None)
        except BaseException as error:
            end = _End(error)
        finally:
            self._queue.put(end)

    def __iter__(self) -> Iterator[T]:
        while not self._queue.is_closed:
            item = self._take()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def _take(self) -> T | _End:
        while True:
            was_alive = self._thread.is_alive()
            try:
                return self._queue.take()
            except Empty:
                self._on_wait()
                if not was_alive:
                    raise RuntimeError("the items end without an end") from None

    def close(self) -> None:
        """Ends the thread and drops the items that wait. A second call does nothing."""
        self._queue.close()
        join_whole(self._thread)
