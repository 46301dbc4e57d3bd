"""Waits for work that cannot be interrupted, such as name servers and libraries that read
networks."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

POLL_S = 0.1  # between two looks at the work
GIVE_UP_S = 0.3  # for work that was given up, to notice and end


class _Work(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # raised again in the waiting thread
            self.error = error


def run_with_deadline(
    work: Callable[[], T],
    *,
    stop: Callable[[], bool],
    limit_s: float | None,
    give_up: Callable[[], object] = lambda: None,
) -> T | None:
    """Does work in a thread of its own, so that the calling thread hears signals meanwhile.

    Args:
        work: The work. Its result is returned and its error raised here.
        stop: True ends the waiting.
        limit_s: The longest wait in seconds. None: no limit.
        give_up: Called when the waiting ends early; it should end the work. A thread that does not
            end is left to itself.

    Returns:
        The result of `work`, or None if `stop` ended the waiting.

    Raises:
        TimeoutError: The work took longer than `limit_s`.
    """
    doing = _Work(work)
    thread = threading.Thread(target=doing.run, daemon=True)
    thread.start()
    until_s = None if limit_s is None else time.monotonic() + limit_s
    while thread.is_alive():
        stopped = stop()
        if stopped or (until_s is not None and time.monotonic() >= until_s):
            give_up()
            thread.join(GIVE_UP_S)
            if stopped:
                return None
            raise TimeoutError
        thread.join(POLL_S)
    if doing.error is not None:
        raise doing.error
    return doing.result
