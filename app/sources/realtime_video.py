"""Shows a video as a camera would: at its own pace, the newest frame first.

A frame for which the recogniser comes too late is left out, as it is with a camera. Each frame says
when it was due (`Frame.captured_s`), and keeps its number and its time in the file.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.sources.base import InputFile, Source, SourceDefaults
from app.sources.latest_frame import FeedEndedError, LiveSource, UnmadePicture
from app.types import Frame, Json, Mode, Silence
from app.wording import format_count, join_warnings

START_S = 0.1  # from the first decoded frame until it is due, in which the next ones are decoded
LATE_S = 0.05  # by which a frame may be late before it counts as one that others wait behind
MAX_LATE_S = 1.0  # where decoding takes longer than the video lasts, the rest plays later


class RealtimeVideo(SourceDefaults):
    """Delivers the frames of a video while it plays. A context manager.

    Iterating begins to play. `remarks` count the frames that were left out.

    Args:
        video: The open video, which this source closes.
        clock: Gives the time in seconds; `Frame.captured_s` is in it.
    """

    mode = Mode.LIVE

    def __init__(self, video: Source, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = video.name
        self.frame_count = video.frame_count
        self._video = video
        self._feed = _VideoFeed(video, clock)
        self._clock = clock
        self._live: LiveSource | None = None
        self._delivered = 0

    @property
    def warning(self) -> str | None:
        """One line on what of the video could not be read; None if nothing is missing."""
        own = None if self._live is None else self._live.warning
        return join_warnings(self._video.warning, own)

    @property
    def mended(self) -> str | None:
        """One line on times of the video that were mended; None if none were."""
        return self._video.mended

    @property
    def remarks(self) -> Sequence[str]:
        """The remarks on the video, and the number of frames that came too late."""
        late = self._feed.read_count - self._delivered
        if not self._delivered or late <= 0:
            return self._video.remarks
        line = (
            f"{format_count(late, 'frame')} of {self._feed.read_count} came while another was "
            "read, and were left out, as with a camera."
        )
        return (*self._video.remarks, line)

    def __iter__(self) -> Iterator[Frame | Silence]:
        self._live = live = LiveSource(
            lambda: self._feed,
            name=self.name,
            title=self.name,
            remedy="",
            patience_s=math.inf,
            stall_s=math.inf,
            clock=self._clock,
        )
        for given in live:
            if isinstance(given, Silence):
                yield given
                continue
            assert given.captured_s is not None  # each frame of a live source has it
            facts = self._feed.find(given.captured_s)
            self._delivered += 1
            yield replace(
                given,
                index=facts.index,
                time_s=facts.time_s,
                source=facts.source,
                damaged=facts.damaged,
            )
        if self._feed.failure is not None:
            raise self._feed.failure

    def list_files(self) -> Sequence[InputFile]:
        """Lists the file of the video."""
        return self._video.list_files()

    def describe_stream(self) -> Json:
        """Tells how the video is stored."""
        return self._video.describe_stream()

    def describe_time_changes(self) -> Json:
        """Tells which times of frames are not those of the file."""
        return self._video.describe_time_changes()

    def explain_no_frames(self) -> str:
        """Says why the video gave no frame."""
        return self._video.explain_no_frames()

    def close(self) -> None:
        """Ends the threads and closes the video."""
        self._feed.stop()
        if self._live is not None:
            self._live.close()
        self._video.close()


@dataclass(frozen=True, slots=True)
class _FrameFacts:
    index: int
    time_s: float
    source: str
    damaged: bool


class _VideoFeed:
    """The frames of a video at the moments at which they are due. `read` belongs to one thread."""

    def __init__(self, video: Source, clock: Callable[[], float]) -> None:
        self.read_count = 0
        self.failure: Exception | None = None
        self._video = video
        self._clock = clock
        self._frames: Iterator[Frame | Silence] | None = None
        self._start_s: float | None = None  # when the time 0 of the file is due
        self._facts: dict[float, _FrameFacts] = {}  # of frames that may still be taken, by when due
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def read(self) -> object:
        """Waits until the next frame is due."""
        frame = self._read_frame()
        now_s = self._clock()
        if self._start_s is None:
            self._start_s = now_s + START_S - frame.time_s
        self._start_s = max(self._start_s, now_s - frame.time_s - MAX_LATE_S)
        due_s = self._start_s + frame.time_s
        if due_s > now_s and self._stopped.wait(due_s - now_s):
            raise FeedEndedError
        with self._lock:
            self._facts[due_s] = _FrameFacts(frame.index, frame.time_s, frame.source, frame.damaged)
            self.read_count += 1
        return UnmadePicture(
            lambda: frame.image, arrived_s=due_s, is_followed=now_s - due_s > LATE_S
        )

    def _read_frame(self) -> Frame:
        try:
            if self._frames is None:
                self._frames = iter(self._video)
            for given in self._frames:
                if isinstance(given, Frame):
                    return given
        except Exception as error:  # belongs to the consumer, after the frames before it
            self.failure = error
        raise FeedEndedError

    def find(self, due_s: float) -> _FrameFacts:
        """Returns the facts of the frame that was due at `due_s`, and forgets those before it."""
        with self._lock:
            for older_s in [key for key in self._facts if key < due_s]:
                del self._facts[older_s]
            return self._facts.pop(due_s)

    def stop(self) -> None:
        """Ends a wait."""
        self._stopped.set()

    def close(self) -> None:
        """Does nothing, because the source closes the video."""
