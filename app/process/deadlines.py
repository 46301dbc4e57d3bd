"""Waiting for what cannot be interrupted, such as name servers and libraries that read networks."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

POLL_S = 0.1
GIVEN_UP_S = 0.3  # for work that was given up, to notice


class _Work(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # belongs to who waits
            self.error = error


def run_with_deadline(
    work: Callable[[], T],
    *,
    stop: Callable[[], bool],
    limit_s: float | None,
    give_up: Callable[[], object] = lambda: None,
) -> T | None:
    """What `work` returns or raises; it is done in a thread of its own, so that this one hears
    signals meanwhile. None as soon as `stop` says so. Raises `TimeoutError` after `limit_s` (None:
    no limit). In both cases `give_up` is called, which should end the work; a thread that does not
    end is left to itself."""
    doing = _Work(work)
    thread = threading.Thread(target=doing.run, daemon=True)
    thread.start()
    until_s = None if limit_s is None else time.monotonic() + limit_s
    while thread.is_alive():
        stopped = stop()
        if stopped or (until_s is not None and time.monotonic() >= until_s):
            give_up()
            thread.join(GIVEN_UP_S)
            if stopped:
                return None
            raise TimeoutError
        thread.join(POLL_S)
    if doing.error is not None:
        raise doing.error
    return doing.result
