"""Cameras of this machine, by number or by the path of their device."""

import os
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2

from app.errors import SourceError
from app.process.native_stderr import quiet_stderr
from app.sources.camera_address import CameraAddress
from app.sources.camera_list import suggest_other_camera
from app.sources.latest_frame import DELAYS_S, LiveSource

FAILED_READS = 10  # so many running mean that the camera is gone, not that it hiccups
WAKING_READS = 150  # before its first picture: three seconds, for some drivers fail until then
# Compressed by the camera: where the cable is too slow for a mode's plain pixels.
MJPG = cv2.VideoWriter.fourcc(*"MJPG")


class CameraFeed:
    """An open `cv2.VideoCapture`, or what behaves like one."""

    def __init__(self, capture: Any, title: str) -> None:
        self._capture = capture
        self._title = title
        self._failed = 0
        self._most_failed = WAKING_READS

    def read(self) -> Any:
        try:
            arrived, image = self._capture.read()
        except cv2.error as error:
            raise SourceError(
                f"{self._title} stopped delivering pictures: {' '.join(str(error).split())}."
            ) from error
        if arrived and image is not None:
            self._failed, self._most_failed = 0, FAILED_READS
            return image
        self._failed += 1
        if self._failed >= self._most_failed:
            raise SourceError(
                f"{self._title} stopped delivering pictures. Check its cable, or close the program "
                "that took it."
            )
        return None

    def close(self) -> None:
        self._capture.release()


class CameraSource(LiveSource):
    """The camera `target`: a number, or the path of a device (Linux).

    `size_wh` and `rate` (frames/s) are what the camera is asked for; `given` then says in one line
    what it really gives. `open_capture` makes the capture from `target` (None: OpenCV);
    `first_frame_timeout_s` is how long a camera may take to wake up, `stall_timeout_s` how long it
    may pause later on. The rest is `LiveSource`'s. Raises `SourceError` where nothing opens.
    """

    def __init__(
        self,
        target: int | str = 0,
        *,
        size_wh: tuple[int, int] | None = None,
        rate: float | None = None,
        open_capture: Callable[[Any], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        first_frame_timeout_s: float = 10.0,
        stall_timeout_s: float = 5.0,
        delays_s: Sequence[float] = DELAYS_S,
        rest: Callable[[float], object] | None = None,
    ) -> None:
        self._address = CameraAddress(target)
        self._wanted = (size_wh, rate)
        self._open_capture = open_capture or open_device
        self.given: str | None = None
        cv2.utils.logging.setLogLevel(0)  # the reader thread's warnings would tear the terminal
        with quiet_stderr():
            first = self._open()  # here, because macOS asks for leave on the main thread alone
        super().__init__(
            self._open,
            name=self._address.name,
            title=self._address.title,
            remedy="Unplug and replug it, or close the program that uses it.",
            first=first,
            patience_s=first_frame_timeout_s,
            stall_s=stall_timeout_s,
            delays_s=delays_s,
            clock=clock,
            rest=rest,
        )

    def _open(self) -> CameraFeed:
        target, title = self._address.target, self._address.title
        try:
            capture = self._open_capture(target)
            opened = capture.isOpened()
        except cv2.error:
            opened = False
        if not opened:
            raise SourceError(f"{title} did not open. {suggest_other_camera(target)}")
        size_wh, rate = self._wanted
        if size_wh is not None or rate is not None:
            self.given = f"{title} gives {request_mode(capture, size_wh, rate)}."
        return CameraFeed(capture, title)


def open_device(target: int | str) -> Any:
    """Raises `SourceError` for a path that is no device: OpenCV would open files, too."""
    if isinstance(target, int):
        return cv2.VideoCapture(target)
    try:
        kind = os.stat(target).st_mode
    except OSError as error:
        raise SourceError(
            f"Camera {target} cannot be opened: {error.strerror}. --list-cameras shows what is "
            "there."
        ) from error
    if not stat.S_ISCHR(kind):
        raise SourceError(f"{target} is not a camera's device. Use --video for a file.")
    # Resolved anew each time: after it was unplugged it may have another number.
    return cv2.VideoCapture(str(Path(target).resolve()), cv2.CAP_V4L2)


def request_mode(capture: Any, size_wh: tuple[int, int] | None, rate: float | None) -> str:
    """Sets the mode of a capture and says what came of it, such as "640 x 480 at 30 frames/s, not
    1280 x 720 as was asked"."""
    _set_mode(capture, size_wh, rate)
    if _falls_short(capture, size_wh, rate):
        capture.set(cv2.CAP_PROP_FOURCC, MJPG)
        _set_mode(capture, size_wh, rate)
    width, height, fps = _mode(capture)
    asked = []
    if size_wh is not None and size_wh != (width, height):
        asked.append(f"{size_wh[0]} x {size_wh[1]}")
    if rate is not None and abs(fps - rate) > 0.5:
        asked.append(f"{rate:g} frames/s")
    rest = f", not {' and '.join(asked)} as was asked" if asked else ""
    return f"{width} x {height} at {fps:g} frames/s{rest}"


def _set_mode(capture: Any, size_wh: tuple[int, int] | None, rate: float | None) -> None:
    if size_wh is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])
    if rate is not None:
        capture.set(cv2.CAP_PROP_FPS, rate)


def _mode(capture: Any) -> tuple[int, int, float]:
    what = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
    width, height, fps = (float(capture.get(one)) for one in what)
    return round(width), round(height), round(fps, 2)


def _falls_short(capture: Any, size_wh: tuple[int, int] | None, rate: float | None) -> bool:
    width, height, fps = _mode(capture)
    return (size_wh is not None and size_wh != (width, height)) or (
        rate is not None and fps < rate - 0.5
    )
