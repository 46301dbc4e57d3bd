"""Reads the camera of one page, in a thread of its own."""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from app.events.event import EventClock
from app.live.keys import Action
from app.live.remote import LiveState
from app.server.dropped_file import describe_failure
from app.server.outbox import Outbox
from app.server.page_camera import PageCamera
from app.server.page_events import Origin, make_page_message
from app.server.visit_recording import VisitRecording
from app.server.visit_session import SharedNetworks, Worker, run_visit
from app.types import FrameResult, Image


class OwnPage(Protocol):
    """The page whose camera is read."""

    outbox: Outbox

    def say(self, line: str) -> None:
        """Sends a line that the window would show. Any thread may call this."""

    def send_away(self, line: str) -> None:
        """Closes the connection with a reason. Any thread may call this."""


class BrowserSession:
    """The session of a page's own camera: its source, its switches and its sink in one thread."""

    path = None
    dropped = 0
    warning = None

    def __init__(
        self, page: OwnPage, networks: SharedNetworks, clock: EventClock, state: LiveState
    ) -> None:
        self.state = state
        self.recording: VisitRecording | None = None
        self._page = page
        self._networks = networks
        self._event_clock = clock
        self._actions: deque[Action] = deque()
        outbox = page.outbox
        self.camera = PageCamera(refuse=page.send_away, note_missed=lambda: outbox.note_missed(1))
        self._worker = Worker("browser camera", self._run)

    def _run(self, is_stopped: Callable[[], bool]) -> None:
        try:
            run_visit(self._networks, self.camera, [self], self.state, stop=is_stopped, remote=self)
        except Exception as error:  # a visitor's failure must not be another's
            if not is_stopped():
                self._page.send_away(f"Reading failed: {describe_failure(error, Path())}")

    def press(self, action: Action) -> None:
        """Asks for an action."""
        self._actions.append(action)

    def take_actions(self) -> Sequence[Action]:
        """Returns the actions asked for since the last call."""
        return [self._actions.popleft() for _ in range(len(self._actions))]

    def show_state(self, state: LiveState) -> None:
        """Takes the present state."""
        self.state = state

    def show_message(self, line: str) -> None:
        """Sends a line to the page."""
        self._page.say(line)

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Sends the event of a picture to the page that sent it."""
        if self.recording is not None:
            self.recording.write(result)
        origin = Origin(self.camera.take_sequence(result.frame.index))
        message = make_page_message(
            result, self._event_clock, origin, with_picture=result.blurred is not None
        )
        self._page.outbox.offer(message)

    def close(self) -> None:
        """Does nothing, because the connection outlasts the session."""

    def abort(self) -> None:
        """Does nothing, because the connection outlasts the session."""

    def stop(self) -> None:
        """Ends the session, and waits for the picture in hand."""
        self._worker.ask_to_stop()
        self.camera.close()
        self._worker.join()
