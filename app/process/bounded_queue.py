"""Passes items from one thread to another one, in order and with bounded memory.

Waiting is left to the C code of `queue.SimpleQueue`, which no signal can leave half done, as it can
a lock that is held in Python. Every wait is short, so that Ctrl-C is heard on every system.
"""

from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

MAX_WAITING = 2  # items with bytes, as pictures are: enough for one to be ready at any time
MAX_WAITING_BYTES = 64 << 20  # of these items together: two pictures of 3840 x 2160 px
MAX_WAITING_LIGHT = 256  # items without bytes
POLL_S = 0.1  # the longest wait before signals and the end are looked for

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """A queue from one thread, which puts, to another one, which takes.

    Args:
        max_waiting: The number of items with bytes that may wait.
        max_bytes: The bytes that may wait. An item that is larger waits alone.
    """

    def __init__(
        self, *, max_waiting: int = MAX_WAITING, max_bytes: int = MAX_WAITING_BYTES
    ) -> None:
        self._max_waiting, self._max_bytes = max_waiting, max_bytes
        self._items: SimpleQueue[tuple[T, int]] = SimpleQueue()
        self._taken: SimpleQueue[int | None] = SimpleQueue()  # bytes of items, None: closed
        # What waits, as the putting thread knows it.
        self._heavy = self._light = self._bytes = 0
        self.is_closed = False

    def put(self, item: T, size_bytes: int = 0) -> bool:
        """Puts an item as soon as there is room. Returns False if the queue was closed before."""
        while not self.is_closed:
            while not self._taken.empty():
                self._note_taken(self._taken.get())
            if self._has_room(size_bytes):
                self._light += size_bytes == 0
                self._heavy += size_bytes > 0
                self._bytes += size_bytes
                self._items.put((item, size_bytes))
                return True
            try:
                self._note_taken(self._taken.get(timeout=POLL_S))
            except Empty:
                continue
        return False

    def take(self, timeout_s: float = POLL_S) -> T:
        """Takes the next item. Raises `queue.Empty` if none came within `timeout_s`."""
        item, size_bytes = self._items.get(timeout=timeout_s)
        self._taken.put(size_bytes)
        return item

    def close(self) -> None:
        """Ends the wait of the putting thread. Nothing can be put any more. Any thread may call
        this."""
        self.is_closed = True
        self._taken.put(None)

    def _has_room(self, size_bytes: int) -> bool:
        if size_bytes == 0:
            return self._light < MAX_WAITING_LIGHT
        return self._heavy == 0 or (
            self._heavy < self._max_waiting and self._bytes + size_bytes <= self._max_bytes
        )

    def _note_taken(self, size_bytes: int | None) -> None:
        if size_bytes is not None:
            self._light -= size_bytes == 0
            self._heavy -= size_bytes > 0
            self._bytes -= size_bytes


def join_whole(thread: Thread) -> None:
    """Waits for the end of a thread, whatever the user does meanwhile, because others may then
    close what the thread works on. A `KeyboardInterrupt` comes out after the end."""
    interrupt: KeyboardInterrupt | None = None
    while thread.is_alive():
        try:
            thread.join(POLL_S)
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt
