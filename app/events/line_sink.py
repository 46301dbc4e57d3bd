"""Writes lines for every frame to a program that reads along."""

import errno
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from app.errors import SinkError
from app.events.event import EventClock, encode_event, make_event
from app.outputs.sink import ReadingsSink
from app.process.receiver_watch import ReceiverWatch
from app.recognition.quality import add_quality
from app.records.rows import make_json_row, make_records
from app.types import FrameResult, Image
from app.wording import format_count, join_warnings

MAX_WAITING = 8  # results of a live source; the oldest ones are left out
RETRY_S = 0.5  # between two looks at whether a named pipe has a reader
GIVE_UP_S = 2.0  # for which `close` waits for a reader that takes nothing


class Pipe(Protocol):
    """A way to a program that reads: `app.process.line_pipe` has two."""

    @property
    def name(self) -> str:
        """The name that a user knows it by."""

    @property
    def can_return(self) -> bool:
        """True if a reader that left may come back."""

    def write(self, text: str, is_stopped: Callable[[], bool]) -> bool:
        """Writes a text; returns False if `is_stopped` ended the wait for the reader. Raises
        `OSError`."""

    def close(self) -> None:
        """Closes the pipe."""


def make_event_lines(clock: EventClock | None = None) -> Callable[[FrameResult], str]:
    """Returns a function that makes the line of a frame's event, with its line end."""
    used = clock or EventClock()
    return lambda result: encode_event(make_event(result, used)) + "\n"


def make_record_lines(result: FrameResult) -> str:
    """Makes the lines of a frame's records, as in a `.jsonl` file of records but for spaces."""
    records = make_records(add_quality(result))
    return "".join(encode_event(make_json_row(record)) + "\n" for record in records)


def make_missed_line(frames: int) -> str:
    """Makes the line that says how many frames were left out before the next one.

    >>> make_missed_line(3)
    '{"type":"missed","frames":3}\\n'
    """
    return encode_event({"type": "missed", "frames": frames}) + "\n"


class LineSink(ReadingsSink):
    """Writes lines for every frame to a pipe.

    The frames of a live source are written by a thread. Where the reader is slower than the source,
    the oldest ones that wait are left out, and the reader is told how many. Frames of a file wait
    for the reader.

    Args:
        pipe: The way to the reader, which this sink closes.
        make_lines: Makes the lines of a frame, when they are sent.
        is_live: True for frames of a live source.
        is_alone: True if nobody else gets anything of the run. A reader that leaves for good then
            ends the run with `BrokenPipeError`.
        says_missed: False leaves out the line that tells the reader of frames left out.
        is_interrupted: Ends the wait for a slow reader.
        say: Shows a line to the user.
        clock: Gives the time in seconds.
    """

    path = None
    dropped = 0

    def __init__(
        self,
        pipe: Pipe,
        make_lines: Callable[[FrameResult], str],
        *,
        is_live: bool,
        is_alone: bool,
        say: Callable[[str], None],
        says_missed: bool = True,
        is_interrupted: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipe = pipe
        self._make_lines = make_lines
        self._is_alone = is_alone
        self._says_missed = says_missed
        self._is_interrupted = is_interrupted
        self._clock = clock
        self._say = say
        self._watch = ReceiverWatch(pipe.name, say, retry_s=RETRY_S, clock=clock)
        self._untold = 0  # frames left out since the last one that was sent
        self._slow = 0  # frames left out because the reader was slow
        self._has_left = False  # for good
        self._deadline_s: float | None = None  # from `close` on
        self._failure: Exception | None = None
        self._queue: deque[FrameResult] = deque()
        self._is_closed = False
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        if is_live:
            self._thread = threading.Thread(
                target=self._work, name=f"write to {pipe.name}", daemon=True
            )
            self._thread.start()

    @property
    def warning(self) -> str | None:
        """One line on what the reader lacks; None if it lacks nothing."""
        slow = left = None
        if self._slow:
            frames = format_count(self._slow, "frame")
            slow = f"The reader of {self._pipe.name} was too slow for {frames}."
        if self._has_left:
            left = f"The reader of {self._pipe.name} left before the end."
        return join_warnings(slow, left)

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Sends the lines of a frame, now or soon. The sink does not use `canvas`.

        Raises:
            BrokenPipeError: The reader has left, and nobody else is told anything.
            SinkError: The lines cannot be written.
        """
        if self._thread is None:
            self._send(result)
            return
        with self._change:
            self._raise_failure()
            if len(self._queue) >= MAX_WAITING:
                self._queue.popleft()
                self._untold += 1
                self._slow += 1
            self._queue.append(result)
            self._change.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _work(self) -> None:
        try:
            while True:
                with self._change:
                    self._change.wait_for(lambda: self._queue or self._is_closed)
                    if not self._queue:
                        return
                    result = self._queue.popleft()
                self._send(result)
                del result  # and its picture, before the wait for the next one
        except Exception as error:  # a thread's failure belongs to the run
            with self._change:
                self._failure = error
                self._queue.clear()

    def _send(self, result: FrameResult) -> None:
        if self._has_left or not self._watch.is_to_try():
            return
        with self._change:
            untold, self._untold = self._untold, 0
        text = self._make_lines(result)
        if untold and self._says_missed:
            text = make_missed_line(untold) + text
        try:
            is_whole = self._pipe.write(text, self._is_to_give_up)
        except OSError as error:
            self._handle(error)
            return
        if not is_whole:
            self._slow += 1
            self._has_left = True  # half a line is out, so nothing may follow it
            return
        self._watch.note_success()

    def _handle(self, error: OSError) -> None:
        is_gone = isinstance(error, BrokenPipeError) or self._pipe.can_return
        if not is_gone:
            raise SinkError(f"{self._pipe.name} could not be written: {error.strerror}.") from error
        if self._pipe.can_return:
            nobody = error.errno in (errno.EPIPE, errno.ENXIO)
            self._watch.note_failure("nobody reads it" if nobody else str(error.strerror))
            return
        self._has_left = True
        if self._is_alone:
            raise BrokenPipeError from error
        self._say(f"The reader of {self._pipe.name} left; the run goes on without it.")

    def _is_to_give_up(self) -> bool:
        if self._is_interrupted():
            return True
        return self._deadline_s is not None and self._clock() > self._deadline_s

    def close(self) -> None:
        """Sends what waits, for as long as the reader takes it, and closes the pipe."""
        self._end(drops=False)
        self._pipe.close()
        self._raise_failure()

    def abort(self) -> None:
        """Closes the pipe. What was sent cannot be taken back."""
        self._end(drops=True)
        self._pipe.close()

    def _end(self, *, drops: bool) -> None:
        with self._change:
            self._is_closed = True
            self._deadline_s = self._deadline_s or self._clock() + (0 if drops else GIVE_UP_S)
            if drops:
                self._queue.clear()
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(GIVE_UP_S + 1)  # a write that hangs on Windows is left alone
