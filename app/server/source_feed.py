"""Passes the frames of this machine's source on to all visitors who watch it.

The run hands each result to `SourceSink`, which only keeps the newest one. A thread makes the
event and the JPEG of it, once for all visitors, and only while there are any.
"""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from app.events.event import EventClock, encode_event, make_event
from app.live.keys import Action
from app.live.remote import LiveState
from app.server.outbox import FrameMessage, Outbox
from app.server.page_events import SERVER_CAMERA, make_page_message
from app.sources.base import Source
from app.types import FrameResult, Image

STAYS_BLURRED = "Faces stay blurred: this server was started with --blur."


class FrameTaker(Protocol):
    """Takes every frame of a source, as a recording does."""

    def write(self, result: FrameResult) -> None:
        """Adds a frame. Never waits and never raises."""


class SourceFeed:
    """The source of this machine, as visitors see it. Also the `Remote` of its session.

    Args:
        source: The source.
        keeps_blurred: True if pages cannot switch blurring off.
        clock: The clocks of events.

    Attributes:
        source: As above.
        frames: The number of frames so far.
        size_wh: Width and height of the last frame in px; None before the first one.
        state: The switches of the session; None before it has begun.
        ended: A line that says why no more frames come; None while they do.
    """

    def __init__(
        self, source: Source, *, keeps_blurred: bool = False, clock: EventClock | None = None
    ) -> None:
        self.source = source
        self.frames = 0
        self.size_wh: tuple[int, int] | None = None
        self.state: LiveState | None = None
        self.ended: str | None = None
        self._keeps_blurred = keeps_blurred
        self._clock = clock or EventClock()
        self._change = threading.Condition()
        self._pages: tuple[Outbox, ...] = ()
        self._programs: tuple[Outbox, ...] = ()
        self._takers: tuple[FrameTaker, ...] = ()
        self._actions: deque[Action] = deque()
        self._newest: tuple[FrameResult, int] | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._publish, name="publish frames", daemon=True)
        self._thread.start()

    # From the run

    def take(self, result: FrameResult) -> None:
        """Takes the result of a frame."""
        self.frames += 1
        self.size_wh = result.frame.size_wh
        for taker in self._takers:
            taker.write(result)
        if self._pages or self._programs:
            with self._change:
                self._newest = result, self.frames
                self._change.notify_all()

    def take_actions(self) -> Sequence[Action]:
        """Returns the actions that pages asked for since the last call."""
        with self._change:
            actions = list(self._actions)
            self._actions.clear()
        return actions

    def show_state(self, state: LiveState) -> None:
        """Takes the present state of the session."""
        self.state = state

    def show_message(self, line: str) -> None:
        """Tells all pages a line."""
        self._tell({"type": "say", "message": line})

    def end(self, line: str) -> None:
        """Tells all pages that no more frames come, and why."""
        self.ended = line
        self._tell({"type": "ended", "message": line})

    def begin_again(self) -> None:
        """Notes that frames come again."""
        self.ended = None

    def _tell(self, message: dict[str, str]) -> None:
        text = encode_event({**message})
        for outbox in self._pages:
            outbox.post(text)

    # From visitors

    def press(self, action: Action) -> str | None:
        """Asks for an action. Returns a line if it is refused."""
        if action == "blur" and self._keeps_blurred and (self.state is None or self.state.blur):
            return STAYS_BLURRED
        with self._change:
            self._actions.append(action)
        return None

    def add_page(self, outbox: Outbox) -> None:
        """Sends the frames from now on to a page, with their pictures."""
        outbox.begin_stream(self.frames)
        with self._change:
            self._pages = (*self._pages, outbox)

    def add_program(self, outbox: Outbox) -> None:
        """Sends the events from now on to a program."""
        outbox.begin_stream(self.frames)
        with self._change:
            self._programs = (*self._programs, outbox)

    def remove(self, outbox: Outbox) -> None:
        """Sends an outbox nothing more."""
        with self._change:
            self._pages = tuple(one for one in self._pages if one is not outbox)
            self._programs = tuple(one for one in self._programs if one is not outbox)

    def add_taker(self, taker: FrameTaker) -> None:
        """Gives a recording every frame from now on."""
        with self._change:
            self._takers = (*self._takers, taker)

    def remove_taker(self, taker: FrameTaker) -> None:
        """Gives a recording nothing more."""
        with self._change:
            self._takers = tuple(one for one in self._takers if one is not taker)

    # The thread that publishes

    def _publish(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._newest is not None or self._is_closed)
                if self._newest is None or self._is_closed:
                    return
                (result, number), self._newest = self._newest, None
            self._send(result, number)
            del result  # and its picture, before the wait for the next one

    def _send(self, result: FrameResult, number: int) -> None:
        if self._programs:
            plain = FrameMessage(encode_event(make_event(result, self._clock)), number=number)
            for outbox in self._programs:
                outbox.offer(plain)
        if self._pages:
            message = make_page_message(
                result, self._clock, SERVER_CAMERA, with_picture=True, number=number
            )
            for outbox in self._pages:
                outbox.offer(message)

    def close(self) -> None:
        """Ends the thread."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        self._thread.join()


class SourceSink:
    """Hands the results of a run to a feed: an output without a file."""

    path = None
    dropped = 0
    warning = None

    def __init__(self, feed: SourceFeed) -> None:
        self._feed = feed

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Hands a result on. The sink does not use `canvas`."""
        self._feed.take(result)

    def close(self) -> None:
        """Does nothing, because the feed outlasts the run."""

    def abort(self) -> None:
        """Does nothing, because the feed outlasts the run."""
