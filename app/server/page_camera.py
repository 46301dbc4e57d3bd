"""Reads the pictures that a page sends of the browser's camera, as a live source."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

from app.frames.jpeg_picture import decode_jpeg
from app.pictures.header import count_jpeg_scans
from app.server.limits import MAX_SCANS
from app.server.page_messages import PagePicture
from app.sources.base import SourceDefaults
from app.types import Frame, Mode, Silence

NAME = "browser camera"
SILENCE_INTERVAL_S = 0.1  # between two `Silence`s while the page sends nothing
MIN_STEP_S = 0.001  # between the times of two frames
NO_JPEG = "A picture is a JPEG that can be decoded."


class PageCamera(SourceDefaults):
    """Delivers the newest picture of a page. A context manager.

    Frames have the page's own times, and `captured_s` is the time of arrival. A picture that comes
    before the one before was read takes that one's place.

    Args:
        refuse: Is called with a line for a picture that cannot be decoded.
        note_missed: Is called for each picture that another one replaced.
    """

    mode = Mode.LIVE
    name = NAME
    frame_count: int | None = None
    warning = None

    def __init__(
        self, *, refuse: Callable[[str], object], note_missed: Callable[[], object]
    ) -> None:
        self._refuse = refuse
        self._note_missed = note_missed
        self._change = threading.Condition()
        self._newest: tuple[PagePicture, float] | None = None
        self._is_closed = False
        self._sequences: dict[int, int] = {}  # of frames that were delivered, by their index

    def offer(self, picture: PagePicture) -> None:
        """Takes a picture that arrives now."""
        with self._change:
            if self._newest is not None:
                self._note_missed()
            self._newest = picture, time.monotonic()
            self._change.notify_all()

    def take_sequence(self, index: int) -> int | None:
        """Returns the page's number of a frame that was delivered, once."""
        return self._sequences.pop(index, None)

    def __iter__(self) -> Iterator[Frame | Silence]:
        index, time_s, before_s = 0, 0.0, time.monotonic()
        while not self._is_closed:
            taken = self._take()
            if taken is None:
                yield Silence(None, time.monotonic() - before_s)
                continue
            picture, before_s = taken
            data = np.frombuffer(picture.jpeg, np.uint8)
            image = None if count_jpeg_scans(picture.jpeg) > MAX_SCANS else decode_jpeg(data)
            if image is None:
                self._refuse(NO_JPEG)
                return
            time_s = max(picture.time_s, time_s + MIN_STEP_S) if index else picture.time_s
            self._sequences[index] = picture.sequence
            yield Frame(image, index, time_s, NAME, before_s)
            index += 1

    def _take(self) -> tuple[PagePicture, float] | None:
        with self._change:
            self._change.wait_for(
                lambda: self._newest is not None or self._is_closed, SILENCE_INTERVAL_S
            )
            taken, self._newest = self._newest, None
            return taken

    def close(self) -> None:
        """Delivers nothing more."""
        with self._change:
            self._is_closed = True
            self._newest = None
            self._change.notify_all()
