"""Records what a visitor watches, from one press of the key to the next."""

import asyncio
from collections.abc import Callable

from app.errors import RecogniserError
from app.live.remote import LiveState
from app.server.browser_session import BrowserSession
from app.server.dropped_file import describe_failure
from app.server.limits import MAX_RECORDINGS
from app.server.source_feed import SourceFeed
from app.server.visit_folder import VisitFolder
from app.server.visit_recording import VisitRecording
from app.server.visit_session import SharedNetworks
from app.sources.base import Source
from app.types import Json


class VisitRecorder:
    """The recordings of one visitor, one at a time. All methods belong to the event loop.

    Args:
        folder: Takes the files.
        networks: Read the source.
        post: Sends the visitor a message.
        tell_state: Sends the visitor the present state.
    """

    def __init__(
        self,
        folder: VisitFolder,
        networks: SharedNetworks,
        *,
        post: Callable[[Json], object],
        tell_state: Callable[[], object],
    ) -> None:
        self._folder = folder
        self._networks = networks
        self._post = post
        self._tell_state = tell_state
        self._recording: VisitRecording | None = None
        self._browser: BrowserSession | None = None  # what is recorded, if it is no feed
        self._feed: SourceFeed | None = None

    @property
    def is_running(self) -> bool:
        """True while something is recorded."""
        return self._recording is not None

    def describe(self) -> Json | None:
        """Describes the recording for the page; None for none."""
        recording = self._recording
        return None if recording is None else {"seconds": round(recording.seconds, 2)}

    async def begin(
        self, browser: BrowserSession | None, feed: SourceFeed | None, state: LiveState
    ) -> None:
        """Begins to record a session of the browser's camera, or else a feed. Tells why not.
        `state` has the switches of what is recorded."""
        if browser is not None:
            source: Source = browser.camera
        elif feed is not None:
            source = feed.source
        else:
            return
        if self._folder.is_full:
            self._say(f"{MAX_RECORDINGS} recordings are kept for a page. Load the page anew.")
            return
        try:
            folder = await asyncio.to_thread(self._folder.make)
            recording = await asyncio.to_thread(
                VisitRecording,
                folder,
                self._networks,
                source,
                state,
            )
        except (RecogniserError, OSError) as error:
            self._complain(f"Nothing is recorded: {describe_failure(error, self._folder.path)}")
            return
        self._recording, self._browser, self._feed = recording, browser, feed
        if browser is not None:
            browser.recording = recording
        elif feed is not None:
            feed.add_taker(recording)
        self._tell_state()

    async def stop(self) -> None:
        """Completes the recording, if there is one, and offers its files."""
        recording = self._detach()
        if recording is None:
            return
        try:
            paths, lacks = await asyncio.to_thread(recording.finish)
            files = self._folder.offer(paths) if paths else []
        except Exception as error:  # the page must learn of it, whatever it is
            await asyncio.to_thread(recording.abort)
            self._complain(f"The recording is lost: {describe_failure(error, self._folder.path)}")
            self._tell_state()
            return
        if lacks is not None:
            self._say(lacks)
        if files:
            self._post({"type": "recording", "files": files})
        self._tell_state()

    async def stop_if_failed(self) -> None:
        """Completes a recording that has ended by itself."""
        if self._recording is not None and self._recording.failure is not None:
            await self.stop()

    async def abort(self) -> None:
        """Gives the recording up, if there is one."""
        recording = self._detach()
        if recording is not None:
            await asyncio.to_thread(recording.abort)

    def _detach(self) -> VisitRecording | None:
        recording, self._recording = self._recording, None
        if recording is None:
            return None
        if self._browser is not None:
            self._browser.recording = None
        if self._feed is not None:
            self._feed.remove_taker(recording)
        return recording

    def _complain(self, line: str) -> None:
        self._post({"type": "error", "message": line})

    def _say(self, line: str) -> None:
        self._post({"type": "say", "message": line})
