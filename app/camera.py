"""Frames of a camera: always the newest one, so that what is shown never lags behind."""

import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import cv2

from app.quiet import quiet_stderr
from app.types import Frame, Image, SourceError

FAILED_READS = 10  # so many running mean that the camera is gone, not that it hiccups
RETRY_S = 0.02
JOIN_S = 2.0


class CameraSource:
    """Delivers the newest frame of camera `index`, none of them twice.

    A thread reads as fast as the camera delivers and keeps only the newest frame. When the camera
    fails, the consumer gets the error after the last frame. `open_capture` makes the capture
    (None: `cv2.VideoCapture`); `clock` stamps the frames;
    `first_frame_timeout_s` is how long a camera may take to wake up, `stall_timeout_s` how long it
    may pause later on.
    """

    live = True
    independent = False
    frame_count: int | None = None
    warning: str | None = None

    def __init__(
        self,
        index: int = 0,
        *,
        open_capture: Callable[[int], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        first_frame_timeout_s: float = 10.0,
        stall_timeout_s: float = 5.0,
    ) -> None:
        self.name = f"camera:{index}"
        self._index = index
        self._clock = clock
        self._first_frame_timeout_s = first_frame_timeout_s
        self._stall_timeout_s = stall_timeout_s
        cv2.utils.logging.setLogLevel(0)  # the reader thread's warnings would tear the terminal
        with quiet_stderr():
            try:
                self._capture: Any = (open_capture or cv2.VideoCapture)(index)
                opened = self._capture.isOpened()
            except cv2.error:
                opened = False
        if not opened:
            raise SourceError(
                f"Camera {index} did not open. Try --camera {0 if index else 1}, or close the "
                "program that uses it."
            )
        self._newest: tuple[Image, float] | None = None
        self._failure: Exception | None = None
        self._closed = False
        self._change = threading.Condition()
        self._reader = threading.Thread(target=self._read, name=self.name, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """The thread. It alone touches the capture: releasing one that is being read crashes."""
        failed = 0
        try:
            while not self._closed:
                arrived, image = self._capture.read()
                captured_s = self._clock()
                if arrived and image is not None and image.size:
                    failed = 0
                    with self._change:
                        self._newest = (image, captured_s)
                        self._change.notify_all()
                    continue
                failed += 1
                if failed >= FAILED_READS:
                    raise SourceError(
                        f"Camera {self._index} stopped delivering pictures. Check its cable, or "
                        "close the program that took it."
                    )
                with self._change:
                    self._change.wait_for(lambda: self._closed, RETRY_S)
        except Exception as error:  # a thread's failure belongs to the consumer, whatever it is
            with self._change:
                self._failure = error
                self._change.notify_all()
        finally:
            self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        began_s: float | None = None
        index = 0
        while True:
            timeout_s = self._first_frame_timeout_s if began_s is None else self._stall_timeout_s
            newest = self._take(timeout_s)
            if newest is None:
                return
            image, captured_s = newest
            if began_s is None:
                began_s = captured_s
            yield Frame(image, index, captured_s - began_s, self.name, captured_s)
            index += 1

    def _take(self, timeout_s: float) -> tuple[Image, float] | None:
        """Waits for a frame that was not taken yet; None once the camera was closed."""
        with self._change:
            happened = self._change.wait_for(
                lambda: self._newest is not None or self._failure is not None or self._closed,
                timeout_s,
            )
            if self._closed:
                return None
            newest, self._newest = self._newest, None
            if newest is not None:
                return newest
        if not happened:
            raise SourceError(
                f"Camera {self._index} delivered no picture for {timeout_s:g} s. Unplug and "
                "replug it, or close the program that uses it."
            )
        if isinstance(self._failure, SourceError):
            raise self._failure
        raise SourceError(
            f"Camera {self._index} stopped delivering pictures: {self._failure}."
        ) from self._failure

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._newest = None
            self._change.notify_all()
        self._reader.join(JOIN_S)  # a driver that hangs in read() must not hang the program

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
