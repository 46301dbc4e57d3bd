"""Delivers the newest frames of a camera or a stream, and connects again after a loss.

A thread reads as fast as pictures come and keeps only the newest picture, so that the view never
lags behind. No other thread touches the camera, because releasing a camera that is being read
crashes.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.errors import SourceError
from app.frames.to_bgr import convert_to_bgr
from app.sources.base import Gap, SourceDefaults
from app.types import Frame, Image, Mode, Silence
from app.wording import format_count

RETRY_S = 0.02  # the wait after a read that gave nothing
# The waits between attempts to connect again; further attempts keep to the last of them.
DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
MIN_STEP_S = 0.001  # between the times of two frames
SILENCE_INTERVAL_S = 0.1  # between two `Silence`s to a consumer that waits
JOIN_TIMEOUT_S = 1.0  # a read that hangs longer is left to itself


class UnreachableError(SourceError):
    """A camera or a server that did not answer, but may do so a little later."""


class Feed(Protocol):
    """An open camera or stream."""

    def read(self) -> object:
        """Waits for the next picture, in any form that `convert_to_bgr` knows. Returns None after a
        hiccup. Raises `SourceError` when no more will come."""

    def close(self) -> None:
        """Closes the camera or stream."""


@dataclass(slots=True)
class _Newest:
    image: Image
    captured_s: float
    lost: str | None  # why the connection was lost since the frame before it


class LiveSource(SourceDefaults):
    """Delivers the newest frames of a feed, each of them once. A context manager.

    While there is no frame, the consumer gets a `Silence` every `SILENCE_INTERVAL_S`. Before the
    first frame after a lost connection there is at least one `Silence` that says the reason. A feed
    that fails is opened again for as long as it takes. Before the very first frame, however, a
    `SourceError` is raised to the consumer at once, and an `UnreachableError` after `patience_s`.

    Args:
        open_feed: Opens the camera or stream, in the reader's thread.
        name: The name that a user knows the source by.
        title: The name as it begins a sentence.
        remedy: A sentence that says what to do about a camera that gives no picture.
        first: A feed that is open already.
        patience_s: The seconds to wait for the first frame.
        stall_s: The seconds without a frame from which on the consumer is told of trouble.
        delays_s: The waits in seconds between attempts to open the feed again.
        clock: Stamps the frames, in seconds.
        rest: Waits for some seconds between two attempts; None for a wait that `close` ends.

    Attributes:
        skipped_count: The number of pictures so far that could not be used.
    """

    mode = Mode.LIVE
    frame_count: int | None = None

    def __init__(
        self,
        open_feed: Callable[[], Feed],
        *,
        name: str,
        title: str,
        remedy: str,
        first: Feed | None = None,
        patience_s: float,
        stall_s: float,
        delays_s: Sequence[float] = DELAYS_S,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], object] | None = None,
    ) -> None:
        self.name = name
        self.skipped_count = 0
        self._title = title
        self._remedy = remedy
        self._open_feed = open_feed
        self._patience_s = patience_s
        self._stall_s = stall_s
        self._delays_s = delays_s
        self._clock = clock
        self._rest = rest or self._until_closed
        self._newest: _Newest | None = None
        self._lost: str | None = None  # while the connection is
        self._delivered = False
        self._attempts = 0  # since the last picture
        self._failure: SourceError | None = None
        self._closed = False
        self._gaps: list[Gap] = []
        self._gap_begun: tuple[float, float] | None = None  # time_s and stamp of the last frame
        self._change = threading.Condition()
        self._reader = threading.Thread(
            target=self._read, args=(first,), name=self.name, daemon=True
        )
        self._reader.start()

    # The thread

    def _read(self, feed: Feed | None) -> None:
        while not self._closed:
            try:
                if feed is None:
                    feed = self._open_feed()
                try:
                    self._drain(feed)
                finally:
                    feed.close()
            except Exception as error:  # a thread's failure belongs to the consumer
                self._lose(error)
            feed = None
            if self._failure is not None or self._closed:
                return
            self._rest(self._delays_s[min(self._attempts, len(self._delays_s) - 1)])
            self._attempts += 1

    def _drain(self, feed: Feed) -> None:
        while not self._closed:
            raw = feed.read()
            captured_s = self._clock()
            image = None if raw is None else convert_to_bgr(raw)
            if image is None:
                self.skipped_count += raw is not None
                self._until_closed(RETRY_S)
                continue
            self._attempts = 0
            with self._change:
                before = self._newest
                lost = self._lost or (before.lost if before is not None else None)
                self._lost = None
                self._delivered = True
                self._newest = _Newest(image, captured_s, lost)
                self._change.notify_all()

    def _lose(self, error: Exception) -> None:
        if not isinstance(error, SourceError):
            told = SourceError(f"{self._title} stopped delivering pictures. {self._remedy}")
            told.__cause__ = error
            error = told
        with self._change:
            self._lost = str(error)
            if not self._delivered and not isinstance(error, UnreachableError):
                self._failure = error
            self._change.notify_all()

    def _until_closed(self, seconds: float) -> None:
        with self._change:
            self._change.wait_for(lambda: self._closed, seconds)

    # The consumer

    def __iter__(self) -> Iterator[Frame | Silence]:
        began_s: float | None = None
        last_s = asked_s = self._clock()
        index, time_s = 0, 0.0
        while True:
            newest = self._take()
            if self._closed:
                return
            if newest is None:
                waited_s = self._clock() - asked_s
                why = self._trouble(waited_s, first=began_s is None)
                if why is not None and began_s is not None and self._gap_begun is None:
                    self._gap_begun = (time_s, began_s + time_s)
                yield Silence(why, self._clock() - last_s)
                continue
            captured_s = newest.captured_s
            if began_s is None:
                began_s = captured_s
            elif newest.lost is not None and self._gap_begun is None:
                self._gap_begun = (time_s, began_s + time_s)
                yield Silence(newest.lost, captured_s - last_s)
            self._end_gap(captured_s)
            last_s = captured_s
            # Some clocks stand still between two pictures, and no two frames have one time.
            time_s = max(captured_s - began_s, time_s + MIN_STEP_S) if index else 0.0
            yield Frame(newest.image, index, time_s, self.name, captured_s)
            index += 1
            asked_s = self._clock()

    def _take(self) -> _Newest | None:
        """Waits up to `SILENCE_INTERVAL_S` for a frame that was not taken yet."""
        with self._change:
            self._change.wait_for(
                lambda: self._newest is not None or self._failure is not None or self._closed,
                SILENCE_INTERVAL_S,
            )
            newest, self._newest = self._newest, None
            return newest

    def _trouble(self, waited_s: float, *, first: bool) -> str | None:
        """Says why there is no frame; None where the next frame may just be slow."""
        with self._change:
            lost, failure = self._lost, self._failure
        if failure is not None:
            raise failure
        limit_s = self._patience_s if first else self._stall_s
        if lost is None and waited_s > limit_s:
            lost = f"{self._title} delivered no picture for {limit_s:g} s. {self._remedy}"
        if first and waited_s > limit_s:
            raise SourceError(lost)
        return lost

    def _end_gap(self, now_s: float) -> None:
        if self._gap_begun is not None:
            after_s, since_s = self._gap_begun
            self._gaps.append(Gap(after_s, now_s - since_s))
            self._gap_begun = None

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The times without pictures so far, the present one included."""
        if self._gap_begun is None:
            return tuple(self._gaps)
        after_s, since_s = self._gap_begun
        return (*self._gaps, Gap(after_s, self._clock() - since_s))

    @property
    def warning(self) -> str | None:
        """One line on the pictures that could not be used; None if all could."""
        if not self.skipped_count:
            return None
        pictures = format_count(self.skipped_count, "picture")
        return f"{pictures} of {self.name} could not be used: empty, or of an unknown kind."

    def close(self) -> None:
        """Ends the thread of the reader, which closes the feed. A read that hangs is left alone."""
        self._end_gap(self._clock())
        with self._change:
            self._closed = True
            self._newest = None
            self._change.notify_all()
        self._reader.join(JOIN_TIMEOUT_S)
