"""Delivers the newest frames of a camera or a stream, and connects again after a loss.

A thread reads as fast as pictures come and keeps only the newest picture, so that the view never
lags behind. No other thread touches the camera, because releasing a camera that is being read
crashes. Pictures that arrive compressed, or as a decoder's planes, are made in a second thread,
and only those for which there is time (`app.sources.newest_picture`).
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.errors import SourceError
from app.frames.to_bgr import convert_to_bgr
from app.sources.base import Gap, SourceDefaults
from app.sources.newest_picture import Arrival, MadePicture, NewestPicture
from app.types import Frame, Image, Mode, Silence
from app.wording import format_count

RETRY_S = 0.02  # the wait after a read that gave nothing
# The waits between attempts to connect again; further attempts keep to the last of them.
DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
MIN_STEP_S = 0.001  # between the times of two frames
SILENCE_INTERVAL_S = 0.1  # between two `Silence`s to a consumer that waits
# While newer pictures wait to be read, older ones are passed on this seldom, so that a reader that
# has fallen behind shows something but catches up.
MAX_CATCHING_UP_S = 0.1
JOIN_TIMEOUT_S = 1.0  # a read that hangs longer is left to itself


class UnreachableError(SourceError):
    """A camera or a server that did not answer, but may do so a little later."""


class FeedEndedError(Exception):
    """A feed has given its last picture, as a file does at its end."""


@dataclass(frozen=True, slots=True)
class UnmadePicture:
    """A picture that arrived in a form that is costly to turn into BGR.

    `make` makes it uint8 (H, W, 3) BGR, or returns None where it cannot be used. It is called in
    another thread than `Feed.read`, for one picture of a feed after the other, or not at all.
    `arrived_s` is the time of its arrival by the clock of the source; None for now. `is_followed`
    is True where a newer picture waits to be read already.
    """

    make: Callable[[], Image | None]
    arrived_s: float | None = None
    is_followed: bool = False


class Feed(Protocol):
    """An open camera or stream."""

    def read(self) -> object:
        """Waits for the next picture: an `UnmadePicture`, or any form that `convert_to_bgr` knows.
        Returns None after a hiccup. Raises `SourceError` when no more will come, and
        `FeedEndedError` when no more were to come."""

    def close(self) -> None:
        """Closes the camera or stream."""


class LiveSource(SourceDefaults):
    """Delivers the newest frames of a feed, each of them once. A context manager.

    While there is no frame, the consumer gets a `Silence` every `SILENCE_INTERVAL_S`. Before the
    first frame after a lost connection there is at least one `Silence` that says the reason. A feed
    that fails is opened again for as long as it takes. Before the very first frame, however, a
    `SourceError` is raised to the consumer at once, and an `UnreachableError` after `patience_s`.
    A feed that has ended ends the frames, too.

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
        self._newest = NewestPicture()
        self._lost: str | None = None  # while the connection is
        self._untold: str | None = None  # why it was, until the first picture after that is taken
        self._connection = 0
        self._delivered = False
        self._attempts = 0  # since the last picture
        self._failure: SourceError | None = None
        self._closed = False
        self._has_ended = False
        self._gaps: list[Gap] = []
        self._gap_begun: tuple[float, float] | None = None  # time_s and stamp of the last frame
        lock = threading.Lock()
        self._change = threading.Condition(lock)  # for the consumer
        self._arrival = threading.Condition(lock)  # for the maker
        self._reader = threading.Thread(
            target=self._read, args=(first,), name=self.name, daemon=True
        )
        self._maker: threading.Thread | None = None  # from the first `UnmadePicture` on
        self._reader.start()

    # The reader's thread

    def _read(self, feed: Feed | None) -> None:
        while not self._closed:
            try:
                if feed is None:
                    feed = self._open_feed()
                try:
                    self._drain(feed)
                finally:
                    feed.close()
            except FeedEndedError:
                with self._change:
                    self._has_ended = True
                    self._change.notify_all()
                return
            except Exception as error:  # a thread's failure belongs to the consumer
                self._lose(error)
            feed = None
            if self._failure is not None or self._closed:
                return
            self._rest(self._delays_s[min(self._attempts, len(self._delays_s) - 1)])
            self._attempts += 1

    def _drain(self, feed: Feed) -> None:
        passed_on_s = -math.inf
        while not self._closed:
            raw = feed.read()
            now_s = self._clock()
            if isinstance(raw, UnmadePicture):
                if not raw.is_followed or now_s - passed_on_s >= MAX_CATCHING_UP_S:
                    passed_on_s = now_s
                    arrived_s = now_s if raw.arrived_s is None else raw.arrived_s
                    self._pass_on(Arrival(raw.make, arrived_s, self._connection))
                continue
            image = None if raw is None else convert_to_bgr(raw)
            if image is None:
                self.skipped_count += raw is not None
                self._until_closed(RETRY_S)
                continue
            self._pass_on(MadePicture(image, now_s, self._connection))

    def _pass_on(self, arrived: Arrival | MadePicture) -> None:
        with self._change:
            if isinstance(arrived, MadePicture):
                self._newest.add_made(arrived)
                self._note_success(arrived.connection)
                return
            self._newest.add(arrived)
            if self._maker is None and not self._closed:
                self._maker = threading.Thread(
                    target=self._make, name=f"{self.name} pictures", daemon=True
                )
                self._maker.start()
            self._arrival.notify_all()

    def _note_success(self, connection: int) -> None:
        """Notes, under the lock, that a picture is ready."""
        self._delivered = True
        if connection == self._connection:
            self._lost = None
            self._attempts = 0
        self._change.notify_all()

    def _lose(self, error: Exception) -> None:
        if not isinstance(error, SourceError):
            told = SourceError(f"{self._title} stopped delivering pictures. {self._remedy}")
            told.__cause__ = error
            error = told
        with self._change:
            if not self._delivered:  # the first picture may still be in work
                self._change.wait_for(lambda: not self._newest.has_work, JOIN_TIMEOUT_S)
            self._lost = self._untold = str(error)
            self._connection += 1
            if not self._delivered and not isinstance(error, UnreachableError):
                self._failure = error
            self._change.notify_all()

    def _until_closed(self, seconds: float) -> None:
        with self._change:
            self._change.wait_for(lambda: self._closed, seconds)

    # The maker's thread

    def _make(self) -> None:
        while (arrival := self._wait_for_work()) is not None:
            try:
                image = arrival.make()
            except Exception:  # a picture that breaks its decoder is one that cannot be used
                image = None
            with self._change:
                self._newest.finish(image, self._clock())
                if image is None:
                    self.skipped_count += 1
                    self._change.notify_all()
                else:
                    self._note_success(arrival.connection)

    def _wait_for_work(self) -> Arrival | None:
        """Waits for an arrival that is to be made; None once the source is closed."""
        with self._arrival:
            while not self._closed:
                arrival = self._newest.begin(self._clock())
                if arrival is not None:
                    return arrival
                self._arrival.wait()
        return None

    # The consumer

    def __iter__(self) -> Iterator[Frame | Silence]:
        began_s: float | None = None
        last_s = asked_s = self._clock()
        index, time_s = 0, 0.0
        while True:
            newest, lost, has_ended = self._take()
            if self._closed or has_ended:
                return
            if newest is None:
                waited_s = self._clock() - asked_s
                why = self._trouble(waited_s, first=began_s is None)
                if why is not None and began_s is not None and self._gap_begun is None:
                    self._gap_begun = (time_s, began_s + time_s)
                yield Silence(why, self._clock() - last_s)
                continue
            captured_s = newest.arrived_s
            if began_s is None:
                began_s = captured_s
            elif lost is not None and self._gap_begun is None:
                self._gap_begun = (time_s, began_s + time_s)
                yield Silence(lost, captured_s - last_s)
            self._end_gap(captured_s)
            last_s = captured_s
            # Some clocks stand still between two pictures, and no two frames have one time.
            time_s = max(captured_s - began_s, time_s + MIN_STEP_S) if index else 0.0
            yield Frame(newest.image, index, time_s, self.name, captured_s)
            index += 1
            asked_s = self._clock()

    def _take(self) -> tuple[MadePicture | None, str | None, bool]:
        """Waits up to `SILENCE_INTERVAL_S` for a picture that was not taken yet. Returns it, why
        the connection was lost since the picture before it, and True if no picture will come."""
        with self._change:
            self._newest.ask(self._clock())
            if self._newest.has_work:
                self._arrival.notify_all()
            newest: MadePicture | None = None

            def is_over() -> bool:
                nonlocal newest
                if newest is None:
                    newest = self._newest.take(self._clock())
                has_ended = self._has_ended and not self._newest.has_work
                return newest is not None or self._failure is not None or self._closed or has_ended

            self._change.wait_for(is_over, SILENCE_INTERVAL_S)
            lost = None
            if newest is not None and newest.connection == self._connection:
                lost, self._untold = self._untold, None
            has_ended = newest is None and self._has_ended and not self._newest.has_work
            return newest, lost, has_ended

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
            self._newest.clear()
            self._change.notify_all()
            self._arrival.notify_all()
        self._reader.join(JOIN_TIMEOUT_S)
        if self._maker is not None:
            self._maker.join(JOIN_TIMEOUT_S)
