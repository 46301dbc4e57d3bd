"""Reads cameras of this machine, by number or by the path of their device."""

import os
import stat
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import cv2
import numpy as np

from app.errors import SourceError
from app.frames.jpeg_picture import decode_jpeg
from app.process.native_stderr import quiet_stderr
from app.sources.camera_address import CameraAddress
from app.sources.camera_list import suggest_other_camera
from app.sources.latest_frame import DELAYS_S, LiveSource, UnmadePicture

MAX_FAILED_READS = 10  # in a row; more mean that the camera is gone, fewer that it hiccups
# In a row before the first picture: three seconds, because some drivers fail until then.
MAX_WAKING_READS = 150
# Compression by the camera, where the cable is too slow for the plain pixels of a mode.
MJPG = cv2.VideoWriter.fourcc(*"MJPG")
JPEG = cv2.VideoWriter.fourcc(*"JPEG")


class Capture(Protocol):
    """The parts of `cv2.VideoCapture` that are used here."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Tells whether the camera is open."""

    def read(self) -> tuple[bool, object]:
        """Reads the next picture. Returns whether there is one, and the picture."""

    def release(self) -> None:
        """Closes the camera."""


class AdjustableCapture(Capture, Protocol):
    """A capture whose size and rate can be asked for."""

    def get(self, prop: int, /) -> float:
        """Returns the value of one of OpenCV's properties."""

    def set(self, prop: int, value: float, /) -> bool:
        """Asks for a value of a property. Returns whether the driver took it."""


@runtime_checkable
class NamedCapture(AdjustableCapture, Protocol):
    """A capture that tells which of OpenCV's ways to cameras it takes."""

    def getBackendName(self) -> str:  # noqa: N802 - OpenCV's name
        """Returns the name of the way, such as "V4L2"."""


class CameraFeed:
    """Reads pictures from an open capture.

    Args:
        capture: The open capture.
        title: The name of the camera as it begins a sentence.
        sends_jpegs: True if the capture gives the camera's JPEGs as they are.
    """

    def __init__(self, capture: Capture, title: str, *, sends_jpegs: bool = False) -> None:
        self._capture = capture
        self._title = title
        self._sends_jpegs = sends_jpegs
        self._failed = 0
        self._max_failed = MAX_WAKING_READS

    def read(self) -> object:
        """Waits for the next picture: an `UnmadePicture` of a JPEG, else any form that
        `convert_to_bgr` knows. Returns None after a hiccup. Raises `SourceError` when no more will
        come."""
        try:
            arrived, image = self._capture.read()
        except cv2.error as error:
            raise SourceError(
                f"{self._title} stopped delivering pictures: {' '.join(str(error).split())}."
            ) from error
        if arrived and image is not None:
            self._failed, self._max_failed = 0, MAX_FAILED_READS
            if self._sends_jpegs:
                return UnmadePicture(partial(decode_jpeg, np.asarray(image, np.uint8).ravel()))
            return image
        self._failed += 1
        if self._failed >= self._max_failed:
            raise SourceError(
                f"{self._title} stopped delivering pictures. Check its cable, or close the program "
                "that took it."
            )
        return None

    def close(self) -> None:
        """Closes the camera."""
        self._capture.release()


class CameraSource(LiveSource):
    """Reads the newest frames of a camera of this machine. A context manager.

    Args:
        target: The number of the camera, or the path of its device (Linux).
        size_wh: The width and height in pixels to ask the camera for; None for its own choice.
        rate: The frames/s to ask the camera for; None for its own choice.
        open_capture: Makes a capture of `target`; None for OpenCV.
        clock: Stamps the frames, in seconds.
        first_frame_timeout_s: The seconds that a camera may take to wake up.
        stall_timeout_s: The seconds without a picture after which the camera counts as lost.
        delays_s: The waits in seconds between attempts to open the camera again.
        rest: Waits for some seconds between two attempts; None for a wait that `close` ends.

    Attributes:
        mode_note: One line on the mode that the camera gives; None where no mode was asked for.

    Raises:
        SourceError: If the camera does not open.
    """

    def __init__(
        self,
        target: int | str = 0,
        *,
        size_wh: tuple[int, int] | None = None,
        rate: float | None = None,
        open_capture: Callable[[int | str], Capture] | None = None,
        clock: Callable[[], float] = time.monotonic,
        first_frame_timeout_s: float = 10.0,
        stall_timeout_s: float = 5.0,
        delays_s: Sequence[float] = DELAYS_S,
        rest: Callable[[float], object] | None = None,
    ) -> None:
        self._address = CameraAddress(target)
        self._wanted = (size_wh, rate)
        self._open_capture = open_capture or open_device
        self.mode_note: str | None = None
        cv2.utils.logging.setLogLevel(0)  # the reader thread's warnings would tear the terminal
        with quiet_stderr():
            first = self._open()  # here, because macOS asks for permission on the main thread alone
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
            adjustable = cast(AdjustableCapture, capture)  # whoever asks for a mode gives such
            self.mode_note = f"{title} gives {request_mode(adjustable, size_wh, rate)}."
        return CameraFeed(capture, title, sends_jpegs=ask_for_jpegs(capture))


def ask_for_jpegs(capture: Capture) -> bool:
    """Asks for the JPEGs of a camera as they are. Returns whether they come.

    Where OpenCV decodes them, it does so while it reads, and as long as that takes, the driver's
    four buffers fill up: at 3840 x 2160 each picture is then up to five intervals old. Only V4L2
    (Linux) gives JPEGs; other systems keep the newest picture themselves.
    """
    if not isinstance(capture, NamedCapture) or capture.getBackendName() != "V4L2":
        return False
    if int(capture.get(cv2.CAP_PROP_FOURCC)) not in (MJPG, JPEG):
        return False
    return bool(capture.set(cv2.CAP_PROP_CONVERT_RGB, 0))


def open_device(target: int | str) -> cv2.VideoCapture:
    """Makes OpenCV's capture of a camera, which may not be open. Raises `SourceError` for a path
    that is no device, because OpenCV would open files, too."""
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


def request_mode(
    capture: AdjustableCapture, size_wh: tuple[int, int] | None, rate: float | None
) -> str:
    """Sets the size in pixels and the rate in frames/s of a capture; None leaves its own choice.

    Returns the mode that the camera gives, such as "640 x 480 at 30 frames/s, not 1280 x 720 as was
    asked".
    """
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


def _set_mode(
    capture: AdjustableCapture, size_wh: tuple[int, int] | None, rate: float | None
) -> None:
    if size_wh is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])
    if rate is not None:
        capture.set(cv2.CAP_PROP_FPS, rate)


def _mode(capture: AdjustableCapture) -> tuple[int, int, float]:
    properties = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
    width, height, fps = (float(capture.get(each)) for each in properties)
    return round(width), round(height), round(fps, 2)


def _falls_short(
    capture: AdjustableCapture, size_wh: tuple[int, int] | None, rate: float | None
) -> bool:
    width, height, fps = _mode(capture)
    return (size_wh is not None and size_wh != (width, height)) or (
        rate is not None and fps < rate - 0.5
    )
