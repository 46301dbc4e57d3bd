"""Shows a clip to the benchmark, in 1280 x 720 pictures, without end or as a camera would."""

import math
import queue
import threading
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from app.errors import SourceError
from app.frames.to_bgr import letterbox
from app.sources.video import VideoSource
from app.types import Frame, Image

WIDTH_PX = 1280
HEIGHT_PX = 720
CAMERA_FPS = 30
READY_PICTURES = 3  # decoded ahead
READ_TIMEOUT_S = 10.0


def fit_picture(image: Image) -> Image:
    """Scales a picture to fit into 1280 x 720, on black.

    Args:
        image: `(H, W, 3)` uint8 BGR.

    Returns:
        `(720, 1280, 3)` uint8 BGR.

    >>> import numpy as np
    >>> fit_picture(np.zeros((9, 9, 3), np.uint8)).shape
    (720, 1280, 3)
    """
    return letterbox(image, (WIDTH_PX, HEIGHT_PX))


def loop_clip(clip: Path) -> Generator[Frame, None, None]:
    """Yields the clip's pictures in 1280 x 720, again and again, at times that go on. Raises
    `SourceError` for a clip without pictures."""
    index, offset_s = 0, 0.0
    while True:
        with VideoSource(clip) as source:
            end_s = offset_s
            for frame in source:
                time_s = offset_s + frame.time_s
                end_s = time_s + source.frame_duration_s
                yield Frame(fit_picture(frame.image), index, time_s, frame.source)
                index += 1
            if end_s <= offset_s:
                raise SourceError(f"{clip} has no picture that can be shown.")
            offset_s = end_s


class ClipCapture:
    """A camera for `CameraSource` that gives each picture of a clip when it is due. A thread of its
    own decodes them ahead, as a camera's driver does. `delivered` counts them."""

    def __init__(self, clip: Path, *, fps: float = CAMERA_FPS) -> None:
        self.delivered = 0
        self._step_s = 1 / fps
        self._due_s = -math.inf
        self._ready: queue.Queue[Image | None] = queue.Queue(maxsize=READY_PICTURES)
        self._closed = threading.Event()
        self._decoder = threading.Thread(target=self._decode, args=(clip,), daemon=True)
        self._decoder.start()

    def _decode(self, clip: Path) -> None:
        with closing(loop_clip(clip)) as pictures:
            for frame in pictures:
                while not self._closed.is_set():
                    try:
                        self._ready.put(frame.image, timeout=0.1)
                        break
                    except queue.Full:
                        continue
                if self._closed.is_set():
                    return

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Returns True."""
        return True

    def read(self) -> tuple[bool, Image | None]:
        """Waits for the next picture, as OpenCV's `VideoCapture.read` does. Returns (False, None)
        where none comes within `READ_TIMEOUT_S`."""
        try:
            picture = self._ready.get(timeout=READ_TIMEOUT_S)
        except queue.Empty:
            return False, None
        now_s = time.monotonic()
        self._due_s = now_s if self._due_s == -math.inf else self._due_s + self._step_s
        if self._due_s > now_s:
            self._closed.wait(self._due_s - now_s)
        else:
            self._due_s = now_s  # a machine that was held up does not get a burst of pictures
        self.delivered += 1
        return True, picture

    def release(self) -> None:
        """Ends the decoding thread."""
        self._closed.set()
        self._decoder.join(2.0)
