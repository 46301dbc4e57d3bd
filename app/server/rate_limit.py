"""Limits how many messages a page may send."""

import time
from collections.abc import Callable

from app.server.limits import MAX_BURST_MESSAGES, MAX_MESSAGES_PER_S


class RateLimit:
    """Counts messages against `MAX_MESSAGES_PER_S`, of which some may come at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = MAX_BURST_MESSAGES
        self._at_s = clock()

    def is_passed(self) -> bool:
        """Counts a message. Returns True if it is one too many."""
        now_s = self._clock()
        refill = (now_s - self._at_s) * MAX_MESSAGES_PER_S
        self._left = min(MAX_BURST_MESSAGES, self._left + refill) - 1
        self._at_s = now_s
        return self._left < 0
