"""Tells the user once when a receiver is gone, and once when it is back."""

import time
from collections.abc import Callable

from app.wording import format_count


class ReceiverWatch:
    """Follows whether a receiver is there.

    Args:
        name: The name of the receiver, as it begins a sentence.
        say: Shows a line to the user.
        retry_s: The seconds between two attempts while the receiver is gone.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        name: str,
        say: Callable[[str], None],
        *,
        retry_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._say = say
        self._retry_s = retry_s
        self._clock = clock
        self._failed_s: float | None = None  # when the last attempt failed; None: it is there
        self._missed = 0

    @property
    def is_gone(self) -> bool:
        """True from a failure until the next success."""
        return self._failed_s is not None

    def is_to_try(self) -> bool:
        """Tells whether to send now. Counts a frame that is not sent because of that."""
        if self._failed_s is None or self._clock() - self._failed_s >= self._retry_s:
            return True
        self._missed += 1
        return False

    def note_failure(self, why: str) -> None:
        """Notes that a frame could not be sent. The first time, the user is told."""
        if self._failed_s is None:
            self._say(f"{self._name}: {why}. Frames are sent again as soon as it is there.")
        self._failed_s = self._clock()
        self._missed += 1

    def note_success(self) -> None:
        """Notes that a frame was sent. After a failure, the user is told."""
        if self._failed_s is not None:
            missed = format_count(self._missed, "frame")
            self._say(f"{self._name} is back; {missed} did not reach it.")
        self._failed_s, self._missed = None, 0
