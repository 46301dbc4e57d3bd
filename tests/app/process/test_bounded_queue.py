"""Items pass in order, and no more wait than there is room for."""

from queue import Empty
from threading import Event, Thread

import pytest

from app.process.bounded_queue import MAX_WAITING_LIGHT, BoundedQueue, join_whole

WAIT_S = 10.0  # for what comes at once; a busy machine may need longer


def count_room(sizes_bytes: list[int], room_for: int) -> int:
    """Puts items for as long as there is room, and for a moment after `room_for` of them. Returns
    how many had room."""
    queue: BoundedQueue[int] = BoundedQueue(max_waiting=2, max_bytes=100)
    put: list[int] = []
    enough = Event()

    def work() -> None:
        for number, size_bytes in enumerate(sizes_bytes):
            if queue.put(number, size_bytes):
                put.append(number)
            if len(put) == room_for:
                enough.set()

    thread = Thread(target=work)
    thread.start()
    assert enough.wait(WAIT_S)
    thread.join(0.1)
    queue.close()
    thread.join()
    assert [queue.take(0) for _ in put] == put
    return len(put)


@pytest.mark.parametrize(
    ("sizes_bytes", "room_for"),
    [
        ([10, 10, 10], 2),  # two items
        ([60, 60], 1),  # so many bytes
        ([50, 50], 2),
        ([500, 1], 1),  # a larger one waits alone
        ([10, 500], 1),
        ([0, 0, 0, 10, 0, 10, 0], 7),  # small ones are not counted
        ([0] * (MAX_WAITING_LIGHT + 9), MAX_WAITING_LIGHT),  # but there is an end to them
    ],
)
def test_room_is_for_items_and_bytes(sizes_bytes: list[int], room_for: int) -> None:
    assert count_room(sizes_bytes, room_for) == room_for


def test_items_pass_in_order_and_make_room() -> None:
    queue: BoundedQueue[int] = BoundedQueue(max_waiting=1)
    thread = Thread(target=lambda: [queue.put(number, 9) for number in range(200)])
    thread.start()
    assert [queue.take(10) for _ in range(200)] == list(range(200))
    thread.join()
    with pytest.raises(Empty):
        queue.take(0)


def test_closed_queue_takes_nothing_and_keeps_nobody_waiting() -> None:
    queue: BoundedQueue[str] = BoundedQueue(max_waiting=1)
    assert queue.put("a", 1)
    had_room: list[bool] = []
    thread = Thread(target=lambda: had_room.append(queue.put("b", 1)))
    thread.start()
    queue.close()
    join_whole(thread)
    assert had_room == [False]
    assert not queue.put("c")


def test_interrupted_wait_for_a_thread_ends_with_the_thread() -> None:
    class Stubborn(Thread):
        """Ends at the third wait for it; the first two are interrupted."""

        waits = 0

        def is_alive(self) -> bool:
            return self.waits < 3

        def join(self, timeout: float | None = None) -> None:
            self.waits += 1
            if self.waits < 3:
                raise KeyboardInterrupt

    thread = Stubborn()
    with pytest.raises(KeyboardInterrupt):
        join_whole(thread)
    assert thread.waits == 3
