"""Serves one page: its messages in, its events out, and all that is its own."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from app.errors import RecogniserError
from app.events.event import EventClock, encode_event
from app.live.keys import Action
from app.live.remote import LiveState
from app.live.view import SMOOTHINGS_S
from app.overlay.palette import choose_colour
from app.overlay.text import SOFT_WHITE, Colour
from app.server.browser_session import BrowserSession
from app.server.downloads import Downloads
from app.server.dropped_file import FileTurns, Upload, describe_failure, read_dropped_file
from app.server.limits import (
    MAX_FILES_AT_ONCE,
    MAX_RECORDINGS,
    describe_limits,
)
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
from app.server.source_feed import SourceFeed
from app.server.visit_recording import VisitRecording
from app.server.visit_session import SharedNetworks, Worker
from app.types import UNSURE, Json

SCHEMA = 1  # of the page's messages
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
        self._recording: VisitRecording | None = None
        self._folder: Path | None = None
        self._upload: Upload | None = None
        self._file_task: asyncio.Task[None] | None = None
        self._file_worker: Worker | None = None
        self._keys: list[str] = []  # of downloads
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_away = False

    async def stay(self) -> None:
        """Serves the page until it leaves or is sent away."""
        self._post(self._make_hello())
        tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._tell_states())]
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

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.outbox.wait()
                while parts := self.outbox.take():
                    for part in parts:
                        await self._connection.send(part)

    def _make_hello(self) -> Json:
        labels = self.visits.networks.classifier.labels
        feed = self.visits.feed
        camera: Json | None = None
        if feed is not None:
            camera = {
                "name": feed.name,
                "size": None if feed.size_wh is None else list(feed.size_wh),
                "fps": None if feed.state is None else _round(feed.state.fps),
            }
        colours = {label: format_colour(choose_colour(label, labels)) for label in labels}
        return {
            "type": "hello",
            "schema": SCHEMA,
            "version": self.visits.version,
            "labels": list(labels),
            "colours": colours | {UNSURE: format_colour(SOFT_WHITE)},
            "server_camera": camera,
            "limits": describe_limits(),
            "state": self._describe_state(),
        }

    @property
    def _state(self) -> LiveState:
        """The switches of the source that is watched."""
        feed = self.visits.feed
        if self._source == "server" and feed is not None:
            return feed.state or self._own_state
        return self._own_state if self._browser is None else self._browser.state

    def _describe_state(self) -> Json:
        state, recording = self._state, self._recording
        return {
            "type": "state",
            "blur": state.blur,
            "map": state.with_maps,
            "smoothing_s": state.smoothing_s,
            "neutral": {"left_s": _round(state.neutral_left_s), "known": state.neutral_known},
            "recording": None if recording is None else {"seconds": round(recording.seconds, 2)},
            "source": None if self._source == "none" else self._source,
            "fps": _round(state.fps),
            "latency_ms": _round(state.latency_ms),
        }

    async def _tell_states(self) -> None:
        told: Mapping[str, object] = {}
        told_s = 0.0
        while True:
            await asyncio.sleep(STATE_POLL_S)
            if self._recording is not None and self._recording.failure is not None:
                self.say(self._recording.failure)
                await self._stop_recording()
            state = self._describe_state()
            switches = {
                name: value
                for name, value in state.items()
                if name not in ("fps", "latency_ms", "recording", "neutral")
            }
            switches["recording"] = self._recording is not None
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
                await self._begin_file(message)
            case FileChunk(content=content):
                await self._store(content)
            case Cancel():
                await self._end_file("Cancelled.")

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
        self._post(self._describe_state())

    async def _leave_source(self) -> None:
        if self._recording is not None:
            await self._stop_recording()
        if self.visits.feed is not None:
            self.visits.feed.remove(self.outbox)
        self._source = "none"
        if self._browser is not None:
            browser, self._browser = self._browser, None
            await asyncio.to_thread(browser.stop)
            self._own_state = replace(
                browser.state, neutral_left_s=None, neutral_known=0, fps=None, latency_ms=None
            )

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
        self._post(self._describe_state())

    # Recordings

    def _make_folder(self) -> Path:
        if self._folder is None:
            self._folder = self.visits.folder / f"visit_{time.monotonic_ns()}"
            self._folder.mkdir()
        return self._folder

    async def _switch_recording(self) -> None:
        feed = self.visits.feed
        if self._recording is not None:
            await self._stop_recording()
        elif self._source == "none":
            self.say(START_FIRST)
        elif len(self._keys) >= MAX_RECORDINGS:
            self.say(f"{MAX_RECORDINGS} recordings are kept for a page. Load the page anew.")
        else:
            labels = self.visits.networks.classifier.labels
            try:
                folder = await asyncio.to_thread(self._make_folder)
                recording = await asyncio.to_thread(
                    VisitRecording,
                    folder,
                    labels,
                    with_actions=self.visits.networks.actions is not None,
                )
            except (RecogniserError, OSError) as error:
                self.say(f"Nothing is recorded: {error}")
                return
            self._recording = recording
            if self._browser is not None:
                self._browser.recording = recording
            elif feed is not None:
                feed.add_taker(recording)
            self._post(self._describe_state())

    async def _stop_recording(self) -> None:
        recording, self._recording = self._recording, None
        if recording is None:
            return
        self._detach(recording)
        try:
            paths, lacks = await asyncio.to_thread(recording.finish)
        except Exception as error:  # the page must learn of it, whatever it is
            await asyncio.to_thread(recording.abort)
            self.say(f"The recording is lost: {describe_failure(error, self._make_folder())}")
            return
        if lacks is not None:
            self.say(lacks)
        if paths:
            self._post({"type": "recording", "files": self._offer(paths)})
        self._post(self._describe_state())

    def _detach(self, recording: VisitRecording) -> None:
        if self._browser is not None:
            self._browser.recording = None
        if self.visits.feed is not None:
            self.visits.feed.remove_taker(recording)

    def _offer(self, paths: Sequence[Path]) -> list[Json]:
        key, files = self.visits.downloads.add(paths)
        self._keys.append(key)
        return files

    # Files

    def _tell_file(
        self,
        state: str,
        done: int = 0,
        total: int | None = None,
        *,
        message: str | None = None,
        files: Sequence[Json] = (),
    ) -> None:
        self._post(
            {
                "type": "file",
                "state": state,
                "done": done,
                "total": total,
                "message": message,
                "files": list(files),
            }
        )

    async def _begin_file(self, offer: FileOffer) -> None:
        if self._upload is not None:
            self._post({"type": "error", "message": "One file at a time. Cancel the first one."})
            return
        if len(self._keys) >= MAX_RECORDINGS:
            self._tell_file("failed", message="Load the page anew to read further files.")
            return
        try:
            folder = self._make_folder() / f"file_{time.monotonic_ns()}"
            folder.mkdir()
            self._upload = Upload(folder, offer)
        except (RecogniserError, OSError) as error:
            self._tell_file("failed", message=describe_failure(error, self.visits.folder))
            return
        self._tell_file("reading")

    async def _store(self, content: bytes) -> None:
        """Stores a part of the file. Parts that were under way when it ended are dropped."""
        if self._upload is None or self._file_task is not None:
            return
        try:
            is_whole = await asyncio.to_thread(self._upload.add, content)
        except RecogniserError as error:
            await self._end_file(describe_failure(error, self._upload.path.parent))
            return
        if is_whole:
            self._file_task = asyncio.create_task(self._read_file(self._upload))

    async def _read_file(self, upload: Upload) -> None:
        async with self.visits.file_turns:
            finished: asyncio.Future[tuple[list[Path], str] | Exception]
            finished = self._loop.create_future()
            state = self._state

            def work(is_stopped: Callable[[], bool]) -> None:
                outcome: tuple[list[Path], str] | Exception
                try:
                    outcome = read_dropped_file(
                        upload,
                        self.visits.networks,
                        state,
                        self.outbox,
                        is_stopped=is_stopped,
                        progress=lambda done, total: self._tell_file("reading", done, total),
                    )
                except Exception as error:  # a visitor's file must end nothing but itself
                    outcome = error
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(_settle, finished, outcome)

            self._file_worker = Worker("dropped file", work)
            outcome = await finished
        folder = upload.path.parent
        if isinstance(outcome, Exception):
            self._tell_file("failed", message=describe_failure(outcome, folder))
        else:
            paths, line = outcome
            self._tell_file("done", message=line, files=self._offer(paths))
        self._upload = self._file_task = self._file_worker = None
        upload.path.unlink(missing_ok=True)

    async def _end_file(self, line: str | None) -> None:
        """Gives the file up; `line` tells the page why."""
        upload, self._upload = self._upload, None
        if upload is None:
            return
        task, self._file_task = self._file_task, None
        worker, self._file_worker = self._file_worker, None
        if task is not None:
            task.cancel()
        if worker is not None:
            worker.ask_to_stop()
            await asyncio.to_thread(worker.join)
        upload.close()
        if line is not None:
            self._tell_file("failed", message=line)
        await asyncio.to_thread(shutil.rmtree, upload.path.parent, ignore_errors=True)

    # The end

    async def _leave(self) -> None:
        """Ends all that is the visitor's own, and removes the visitor's files."""
        self.outbox.close()
        if self.visits.feed is not None:
            self.visits.feed.remove(self.outbox)
        recording, self._recording = self._recording, None
        if recording is not None:
            self._detach(recording)
            await asyncio.to_thread(recording.abort)
        await self._leave_source()
        await self._end_file(None)
        for key in self._keys:
            self.visits.downloads.remove(key)
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


def _settle(
    finished: "asyncio.Future[tuple[list[Path], str] | Exception]",
    outcome: tuple[list[Path], str] | Exception,
) -> None:
    if not finished.done():
        finished.set_result(outcome)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def format_colour(colour: Colour) -> str:
    """Formats a colour, BGR, as a style sheet has it.

    >>> format_colour((0, 159, 230))
    '#e69f00'
    """
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"
