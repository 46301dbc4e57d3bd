"""Holds what one visitor is still to be sent, so that a slow visitor delays nobody."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from app.events.event import encode_event

MAX_TEXTS = 256  # that wait for a visitor who takes none, and is gone soon; others are dropped
MAX_ORDERED = 8  # events of a file that wait; the file is read no further meanwhile
ROOM_POLL_S = 0.1  # between two looks at whether the file was given up


@dataclass(frozen=True, slots=True)
class FrameMessage:
    """The event of a frame as a text, and the JPEG that follows it; None for no picture.

    `number` counts the frames of the stream, so that those left out can be counted; None for a
    stream of which none is left out.
    """

    text: str
    jpeg: bytes | None = None
    number: int | None = None


class Outbox:
    """Holds short texts and the events of a file in order, and of a live stream only the newest
    event. Every method may be called from any thread, except `take` and `wait`, which belong
    to the event loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_ready = asyncio.Event()
        self._room = threading.Condition()
        self._ordered: deque[tuple[FrameMessage, bool]] = deque()  # True: of a file
        self._of_files = 0  # among them
        self._newest: FrameMessage | None = None
        self._last_number: int | None = None
        self._missed = 0
        self._is_closed = False

    def post(self, text: str) -> None:
        """Adds a short text."""
        with self._room:
            if len(self._ordered) < MAX_TEXTS and not self._is_closed:
                self._ordered.append((FrameMessage(text), False))
        self._wake()

    def offer(self, message: FrameMessage) -> None:
        """Puts the event of a live stream in the place of the one that waits, which counts as
        missed, and so do those between their numbers."""
        with self._room:
            if self._newest is not None:
                self._missed += 1
            if message.number is not None:
                if self._last_number is not None:
                    self._missed += max(0, message.number - self._last_number - 1)
                self._last_number = message.number
            self._newest = message
        self._wake()

    def note_missed(self, frames: int) -> None:
        """Counts frames that were never offered."""
        with self._room:
            self._missed += frames

    def put(self, message: FrameMessage, is_stopped: Callable[[], bool]) -> None:
        """Adds the event of a file, and waits while too many others do. Does nothing when
        `is_stopped` returns True or the outbox is closed."""
        with self._room:
            while self._of_files >= MAX_ORDERED and not self._is_closed:
                if is_stopped():
                    return
                self._room.wait(ROOM_POLL_S)
            if self._is_closed:
                return
            self._ordered.append((message, True))
            self._of_files += 1
        self._wake()

    def begin_stream(self, last_number: int | None = None) -> None:
        """Forgets the event that waits, before those of another stream. Its frames count from the
        one after `last_number`; None for a stream without numbers."""
        with self._room:
            self._newest, self._last_number, self._missed = None, last_number, 0

    def close(self) -> None:
        """Drops everything, and lets nobody wait any more."""
        with self._room:
            self._is_closed = True
            self._ordered.clear()
            self._newest = None
            self._room.notify_all()

    async def wait(self) -> None:
        """Waits until there is something to take."""
        await self._is_ready.wait()
        self._is_ready.clear()

    def take(self) -> list[str | bytes]:
        """Takes the next messages that belong together; an empty list for none."""
        with self._room:
            parts: list[str | bytes] = []
            if self._ordered:
                message, is_of_file = self._ordered.popleft()
                self._of_files -= is_of_file
                self._room.notify_all()
            elif self._newest is not None:
                message, self._newest = self._newest, None
                if self._missed:
                    parts.append(encode_event({"type": "missed", "frames": self._missed}))
                    self._missed = 0
            else:
                return []
        parts.append(message.text)
        if message.jpeg is not None:
            parts.append(message.jpeg)
        return parts

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the visitor
            self._loop.call_soon_threadsafe(self._is_ready.set)
