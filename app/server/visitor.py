"""Serves one page: its messages in, its events out, and the source that it watches."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from app.events.event import EventClock, encode_event
from app.live.keys import Action
from app.live.remote import LiveState
from app.live.view import SMOOTHINGS_S
from app.server.browser_session import BrowserSession
from app.server.downloads import Downloads
from app.server.dropped_file import FileTurns
from app.server.greeting import make_hello, make_state
from app.server.limits import MAX_FILES_AT_ONCE
from app.server.outbox import Outbox
from app.server.page_messages import (
    MALFORMED,
    Cancel,
    FileChunk,
    FileOffer,
    KeyPress,
    PageMessage,
    PageMessageError,
    PagePicture,
    Watch,
    WatchedSource,
    parse_page_message,
)
from app.server.rate_limit import RateLimit
from app.server.sending import send_all
from app.server.source_feed import SourceFeed
from app.server.visit_files import VisitFiles
from app.server.visit_folder import VisitFolder
from app.server.visit_recorder import VisitRecorder
from app.server.visit_session import SharedNetworks
from app.types import Json

STATE_S = 1.0  # between two states that differ only in their figures
STATE_POLL_S = 0.1
LAST_WORDS_S = 1.0  # for which a visitor who is sent away may take the reason
MAX_REASON_BYTES = 120  # of a close
NO_SERVER_CAMERA = "This server was started without a camera or video. Use the browser's camera."
START_FIRST = "Choose a camera first."


@dataclass(slots=True)
class Visits:
    """All that the visitors of one server share. `folder` takes what they record; `version` is that
    of the program."""

    networks: SharedNetworks
    feed: SourceFeed | None
    folder: Path
    version: str
    clock: EventClock = field(default_factory=EventClock)
    downloads: Downloads = field(default_factory=Downloads)
    file_turns: FileTurns = field(default_factory=lambda: FileTurns(MAX_FILES_AT_ONCE))


class Visitor:
    """One page, from its first message to its last. All methods but `say` and `send_away` belong
    to the event loop."""

    def __init__(self, visits: Visits, connection: ServerConnection) -> None:
        self.visits = visits
        self.outbox = Outbox(asyncio.get_running_loop())
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._rate = RateLimit()
        self._source: WatchedSource = "none"
        self._own_state = visits.networks.first_state  # while no browser session runs
        self._browser: BrowserSession | None = None
        self._folder = VisitFolder(visits.folder, visits.downloads)
        self._recorder = VisitRecorder(
            self._folder, visits.networks, post=self._post, tell_state=self._tell_state
        )
        self._files = VisitFiles(
            self._folder,
            visits.networks,
            visits.file_turns,
            self.outbox,
            post=self._post,
            find_state=lambda: self._state,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_away = False

    async def stay(self) -> None:
        """Serves the page until it leaves or is sent away."""
        visits = self.visits
        labels = visits.networks.classifier.labels
        self._post(make_hello(labels, visits.feed, visits.version, self._describe_state()))
        tasks = [
            asyncio.create_task(send_all(self._connection, self.outbox)),
            asyncio.create_task(self._tell_states()),
        ]
        try:
            async for data in self._connection:
                if self._rate.is_passed():
                    raise PageMessageError("Too many messages in too short a time.")
                await self._obey(parse_page_message(data))
        except PageMessageError as error:
            await self._send_away(str(error), error.code)
        except ConnectionClosed:
            pass
        finally:
            for task in tasks:
                task.cancel()
            await self._leave()

    def say(self, line: str) -> None:
        """Sends a line that the window would show."""
        self._post({"type": "say", "message": line})

    def send_away(self, line: str) -> None:
        """Closes the connection with a reason. Any thread may call it."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._spawn_away, line)

    def _spawn_away(self, line: str) -> None:
        self._spawn(self._send_away(line, MALFORMED))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_away(self, line: str, code: int) -> None:
        if self._is_away:
            return
        self._is_away = True
        reason = line.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            text = encode_event({"type": "error", "message": line})
            await asyncio.wait_for(self._connection.send(text), LAST_WORDS_S)
        await self._connection.close(code, reason)

    # Out

    def _post(self, message: Json) -> None:
        self.outbox.post(encode_event(message))

    @property
    def _state(self) -> LiveState:
        """The switches of the source that is watched."""
        feed = self.visits.feed
        if self._source == "server" and feed is not None:
            return feed.state or self._own_state
        return self._own_state if self._browser is None else self._browser.state

    def _describe_state(self) -> Json:
        return make_state(self._state, self._source, self._recorder.describe())

    def _tell_state(self) -> None:
        self._post(self._describe_state())

    async def _tell_states(self) -> None:
        told: Mapping[str, object] = {}
        told_s = 0.0
        while True:
            await asyncio.sleep(STATE_POLL_S)
            await self._recorder.stop_if_failed()
            state = self._describe_state()
            switches = {
                name: value
                for name, value in state.items()
                if name not in ("fps", "latency_ms", "recording", "neutral")
            }
            switches["recording"] = self._recorder.is_running
            now_s = time.monotonic()
            if switches != told or now_s - told_s >= STATE_S or self._state.neutral_left_s:
                told, told_s = switches, now_s
                self._post(state)

    # In

    async def _obey(self, message: PageMessage) -> None:
        match message:
            case Watch(source=source):
                await self._watch(source)
            case KeyPress(action="record"):
                await self._switch_recording()
            case KeyPress(action=action):
                self._press(action)
            case PagePicture() if self._browser is not None:
                self._browser.camera.offer(message)
            case FileOffer():
                await self._files.begin(message)
            case FileChunk(content=content):
                await self._files.store(content)
            case Cancel():
                await self._files.end("Cancelled.")

    async def _watch(self, source: WatchedSource) -> None:
        feed = self.visits.feed
        if source == "server" and feed is None:
            self._post({"type": "error", "message": NO_SERVER_CAMERA})
            return
        if source == self._source:
            return
        await self._leave_source()
        self._source = source
        self.outbox.begin_stream()
        if source == "server" and feed is not None:
            feed.add_page(self.outbox)
            if feed.ended is not None:
                self._post({"type": "ended", "message": feed.ended})
        elif source == "browser":
            self._browser = BrowserSession(
                self, self.visits.networks, self.visits.clock, self._own_state
            )
        self._tell_state()

    async def _leave_source(self) -> None:
        await self._recorder.stop()
        if self.visits.feed is not None:
            self.visits.feed.remove(self.outbox)
        self._source = "none"
        if self._browser is not None:
            browser, self._browser = self._browser, None
            await asyncio.to_thread(browser.stop)
            self._own_state = replace(
                browser.state, neutral_left_s=None, neutral_known=0, fps=None, latency_ms=None
            )

    async def _switch_recording(self) -> None:
        if self._recorder.is_running:
            await self._recorder.stop()
        elif self._source == "none":
            self.say(START_FIRST)
        else:
            await self._recorder.begin(self._browser, self.visits.feed, self._state)

    def _press(self, action: Action) -> None:
        feed = self.visits.feed
        if self._source == "server" and feed is not None:
            refusal = feed.press(action)
            if refusal is not None:
                self.say(refusal)
        elif self._browser is not None:
            self._browser.press(action)
        else:
            self._turn_own(action)

    def _turn_own(self, action: Action) -> None:
        """Turns a switch of the visitor's own while nothing is watched."""
        state = self._own_state
        smoothing_s = state.smoothing_s or 0.0
        match action:
            case "blur" if not self.visits.networks.view.all_faces:
                self.say("--max-faces leaves faces out, which could not be blurred")
            case "blur":
                state = replace(state, blur=not state.blur)
                self.say("Faces are blurred" if state.blur else "Faces are not blurred any more")
            case "map":
                state = replace(state, with_maps=not state.with_maps)
            case "calm":
                longer = [one for one in SMOOTHINGS_S if one > smoothing_s]
                state = replace(state, smoothing_s=longer[0] if longer else smoothing_s)
            case "quick":
                shorter = [one for one in SMOOTHINGS_S if one < smoothing_s]
                state = replace(state, smoothing_s=shorter[-1] if shorter else smoothing_s)
            case _:
                self.say(START_FIRST)
        self._own_state = state
        self._tell_state()

    # The end

    async def _leave(self) -> None:
        """Ends all that is the visitor's own, and removes the visitor's files."""
        self.outbox.close()
        if self.visits.feed is not None:
            self.visits.feed.remove(self.outbox)
        await self._recorder.abort()
        await self._leave_source()
        await self._files.end(None)
        await self._folder.remove()
