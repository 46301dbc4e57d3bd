"""Reads a picture or a short video that a visitor dropped on the page."""

import asyncio
import re
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from app.errors import RecogniserError, SinkError
from app.events.event import EventClock
from app.live.remote import LiveState
from app.outputs.sink import RunSink
from app.server.limits import MAX_VIDEO_S
from app.server.outbox import Outbox
from app.server.page_events import DROPPED_FILE, make_page_message
from app.server.page_messages import FileOffer
from app.server.visit_notes import open_visit_notes
from app.server.visit_recording import open_analyses
from app.server.visit_session import SharedNetworks, run_visit
from app.sources.base import Source
from app.sources.frame_selection import Selection
from app.sources.images import ImageSource
from app.sources.video import VideoSource
from app.types import FrameResult, Image
from app.wording import format_count, join_warnings

SPARE_BYTES = 200 << 20  # that stay free on the disk
PROGRESS_S = 0.25  # between two messages on how far a file is read
MAX_NAME_CHARACTERS = 80
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\ud800-\udfff]+')

# Takes the number of frames so far, and of all; None for an unknown number.
Progress = Callable[[int, int | None], object]


def choose_safe_name(name: str) -> str:
    """Chooses a name for a visitor's file that no system minds, with its suffix.

    >>> choose_safe_name("../../a b.MP4"), choose_safe_name(".."), choose_safe_name("C:\\\\x.png")
    ('a b.MP4', 'file', 'x.png')
    """
    plain = _UNSAFE.sub("_", re.split(r"[/\\]", name)[-1]).strip(". ")
    path = Path(plain or "file")
    return f"{path.stem[:MAX_NAME_CHARACTERS]}{path.suffix[:16]}"


class Upload:
    """The bytes of a file as they come.

    Raises `SinkError` where they cannot be stored.
    """

    def __init__(self, folder: Path, offer: FileOffer) -> None:
        if shutil.disk_usage(folder).free < offer.size_bytes + SPARE_BYTES:
            raise SinkError("The server's disk has no room for this file.")
        self.path = folder / choose_safe_name(offer.name)
        self.offer = offer
        self._left = offer.size_bytes
        self._file: BinaryIO = self.path.open("wb")

    def add(self, content: bytes) -> bool:
        """Stores a part. Returns True when the file is whole. Raises `SinkError`."""
        if len(content) > self._left:
            raise SinkError("More bytes came than were announced.")
        try:
            self._file.write(content)
            self._left -= len(content)
            if self._left == 0:
                self._file.close()
        except OSError as error:
            raise SinkError(f"The server cannot store this file: {error.strerror}.") from error
        return self._left == 0

    def close(self) -> None:
        """Closes the file, also where it is not whole."""
        self._file.close()


class _FileEvents:
    """Sends the events of a file to its visitor, none left out."""

    path = None
    dropped = 0
    warning = None

    def __init__(
        self,
        outbox: Outbox,
        source: Source,
        is_stopped: Callable[[], bool],
        progress: Progress,
    ) -> None:
        self._outbox = outbox
        self._total = source.frame_count
        self._is_stopped = is_stopped
        self._progress = progress
        self._done = 0
        self._told_s = time.monotonic()
        self._clock = EventClock()

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Sends the event of a frame, and now and then how far the file is read."""
        message = make_page_message(
            result, self._clock, DROPPED_FILE, with_picture=result.blurred is not None
        )
        self._outbox.put(message, self._is_stopped)
        self._done += 1
        if time.monotonic() - self._told_s >= PROGRESS_S:
            self._told_s = time.monotonic()
            self._progress(self._done, self._total)

    def close(self) -> None:
        """Does nothing, because the connection outlasts the file."""

    def abort(self) -> None:
        """Does nothing, because the connection outlasts the file."""


def read_dropped_file(
    upload: Upload,
    networks: SharedNetworks,
    state: LiveState,
    outbox: Outbox,
    *,
    is_stopped: Callable[[], bool],
    progress: Progress,
) -> tuple[list[Path], str]:
    """Reads a file that is whole, and sends the events of its frames.

    Args:
        upload: The file.
        networks: The networks.
        state: The switches: faces are blurred, and maps made, for the whole file or not at all.
        outbox: Takes the events.
        is_stopped: Tells whether the visitor gave the file up.
        progress: Is called now and then.

    Returns:
        The files of records and episodes, and one line on what was read.

    Raises:
        RecogniserError: The file cannot be read.
    """
    is_video = upload.offer.kind == "video"
    source: Source = (
        VideoSource(upload.path, selection=Selection(end_s=MAX_VIDEO_S))
        if is_video
        else ImageSource((upload.path,))
    )
    with source:
        stem = f"{upload.path.stem}_expressions"
        files = open_analyses(
            upload.path.parent,
            stem,
            networks.classifier.labels,
            timed=is_video,
            with_actions=networks.actions is not None,
        )
        notes = open_visit_notes(
            upload.path.with_name(f"{stem}.jsonl"),
            networks,
            source,
            state,
            more_settings={"end": MAX_VIDEO_S} if is_video else None,
            more_warnings=lambda: [_explain_end(source)],
        )
        events = _FileEvents(outbox, source, is_stopped, progress)
        # The notes are closed before the files that they describe, as those of other runs are.
        sinks: Sequence[RunSink] = (*files, notes, events)
        outcome = run_visit(networks, source, sinks, state, stop=is_stopped)
        paths = [sink.path for sink in (*files, notes) if sink.path is not None]
        line = f"{format_count(outcome.frames, 'frame' if is_video else 'picture')} read."
        line = join_warnings(line, outcome.cut_short, outcome.mended, _explain_end(source)) or line
        return paths, line.replace(f"{upload.path.parent}/", "")


def _explain_end(source: Source) -> str | None:
    """Says where the reading of a long video ends; None for other sources."""
    duration_s = source.duration_s if isinstance(source, VideoSource) else None
    if duration_s is None or duration_s <= MAX_VIDEO_S:
        return None
    return f"Only the first {MAX_VIDEO_S:.0f} s of a video are read here."


def describe_failure(error: Exception, folder: Path) -> str:
    """Words a failure for the visitor, without the server's folders."""
    if isinstance(error, RecogniserError):
        return str(error).replace(f"{folder}/", "")
    if isinstance(error, OSError):
        return f"The server could not store a file: {error.strerror or type(error).__name__}."
    return f"This file could not be read ({type(error).__name__})."


# Files of all visitors take turns, so that they leave something of the processor to the cameras.
FileTurns = asyncio.Semaphore
