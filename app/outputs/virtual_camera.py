"""Shows the annotated picture as a camera, for programs of video calls.

On Linux, PyAV writes to a device of v4l2loopback. Elsewhere, pyvirtualcam does, which is published
under the GPL, version 2: it is an extra of its own and imported only here, on demand.
"""

import contextlib
import os
import stat
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from app.errors import SinkError
from app.process.receiver_watch import ReceiverWatch
from app.types import FrameResult, Image

RATE = 30  # frames/s that the camera announces; frames come at the pace of the source
RETRY_S = 1.0  # between two attempts to open a device that is gone
GIVE_UP_S = 2.0  # for which `close` waits for a device that hangs
VIRTUAL_DEVICES = Path("/sys/devices/virtual/video4linux")  # of Linux: a folder for each device
VIDEO_MAJOR = 81  # the first number of Linux's video devices
MAKE_DEVICE = (
    "Two commands make one (Debian, Ubuntu): sudo apt install v4l2loopback-dkms; sudo modprobe "
    "v4l2loopback exclusive_caps=1 card_label=Expressions"
)
INSTALL_PYVIRTUALCAM = "python -m pip install pyvirtualcam"


class PictureDevice(Protocol):
    """An open camera device that is written to."""

    def show(self, picture: Image) -> None:
        """Shows a picture, uint8 (H, W, 3) BGR, of the size that the device was opened with. Raises
        `OSError` where the device is gone."""

    def close(self) -> None:
        """Closes the device."""


OpenDevice = Callable[[str, tuple[int, int]], PictureDevice]


class VirtualCameraSink:
    """Shows each canvas as the picture of a camera. A thread shows the newest one, so the run never
    waits for the device.

    The camera keeps the size of the first canvas, in even numbers of pixels; canvases of another
    shape are fitted in, between black bars.

    Args:
        device: The device, "" for the first one (`find_virtual_camera`).
        say: Shows a line to the user.
        open_device: Opens a device with its width and height in px.

    Raises:
        SinkError: There is no such device.
    """

    path = None
    dropped = 0
    warning = None

    def __init__(
        self,
        device: str = "",
        *,
        say: Callable[[str], None] = lambda line: None,
        open_device: OpenDevice | None = None,
    ) -> None:
        self._open = open_device or choose_backend()
        self._name = device if open_device is not None else find_virtual_camera(device)
        self._watch = ReceiverWatch(
            f"The virtual camera {self._name}".rstrip(), say, retry_s=RETRY_S
        )
        self._size_wh: tuple[int, int] | None = None
        self._device: PictureDevice | None = None
        self._newest: Image | None = None
        self._is_closed = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="virtual camera", daemon=True)
        self._thread.start()

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Shows a canvas soon, unless a newer one comes before that."""
        with self._change:
            if self._is_closed:
                raise SinkError("The virtual camera is closed already.")
            self._newest = canvas
            self._change.notify_all()

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._newest is not None or self._is_closed)
                canvas, self._newest = self._newest, None
                if canvas is None:
                    break
            self._show(canvas)
        self._close_device()

    def _show(self, canvas: Image) -> None:
        if not self._watch.is_to_try():
            return
        if self._size_wh is None:
            height, width = canvas.shape[:2]
            self._size_wh = max(2, width // 2 * 2), max(2, height // 2 * 2)
        try:
            if self._device is None:
                self._device = self._open(self._name, self._size_wh)
            self._device.show(letterbox_picture(canvas, self._size_wh))
        except (OSError, RuntimeError, ValueError) as error:  # of PyAV and pyvirtualcam
            self._close_device()
            reason = error.strerror if isinstance(error, OSError) else None
            self._watch.note_failure(f"it takes no picture ({reason or error})")
        else:
            self._watch.note_success()

    def _close_device(self) -> None:
        if self._device is not None:
            device, self._device = self._device, None
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                device.close()

    def close(self) -> None:
        """Shows the last canvas and closes the device. A second call does nothing."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        self._thread.join(GIVE_UP_S)

    def abort(self) -> None:
        """Closes the device."""
        with self._change:
            self._newest = None
        self.close()


class V4l2Device:
    """A device of v4l2loopback on Linux, which PyAV writes to.

    Args:
        path: The device, such as /dev/video2.
        size_wh: Width and height in px, both even.
        container_format: FFmpeg's name of the output; another one writes a file, for tests.

    Raises:
        OSError: The device cannot be opened.
    """

    def __init__(
        self, path: str, size_wh: tuple[int, int], *, container_format: str = "v4l2"
    ) -> None:
        self._container: OutputContainer = av.open(path, "w", format=container_format)
        try:
            stream: VideoStream = self._container.add_stream("rawvideo", rate=RATE)
            stream.width, stream.height = size_wh
            stream.pix_fmt = "yuv420p"  # which all programs of video calls take
            stream.codec_context.time_base = Fraction(1, RATE)
        except BaseException:
            self._container.close()
            raise
        self._stream = stream
        self._shown = 0
        width, height = size_wh
        self._planes = np.empty((height * 3 // 2, width), np.uint8)  # Y, then U and V

    def show(self, picture: Image) -> None:
        """Writes a picture to the device. Raises `OSError`."""
        # The planes are the packet, as raw video has them. This takes 0.3 to 0.4 ms of processor
        # time for 1280 x 720 px; PyAV's frame and encoder take 3.8 ms with their own conversion,
        # and 0.5 to 0.8 ms with this one.
        cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420, dst=self._planes)
        packet = Packet(self._planes)  # type: ignore[arg-type]  # it takes any buffer
        packet.stream = self._stream
        packet.pts = packet.dts = self._shown
        packet.time_base = Fraction(1, RATE)
        packet.is_keyframe = True
        self._shown += 1
        self._container.mux(packet)

    def close(self) -> None:
        """Closes the device."""
        self._container.close()


class PyvirtualcamDevice:
    """The virtual camera of OBS on Windows and macOS, through pyvirtualcam.

    Args:
        device: The name of the camera, "" for the first one.
        size_wh: Width and height in px.

    Raises:
        RuntimeError: There is no virtual camera, or another program is using it.
    """

    def __init__(self, device: str, size_wh: tuple[int, int]) -> None:
        import pyvirtualcam

        width, height = size_wh
        self._camera = pyvirtualcam.Camera(
            width, height, RATE, fmt=pyvirtualcam.PixelFormat.BGR, device=device or None
        )

    def show(self, picture: Image) -> None:
        """Sends a picture to the camera."""
        self._camera.send(picture)

    def close(self) -> None:
        """Closes the camera."""
        self._camera.close()


def choose_backend() -> OpenDevice:
    """Chooses what devices are opened with on this system. Raises `SinkError` where pyvirtualcam is
    needed and missing."""
    if sys.platform.startswith("linux"):
        return V4l2Device
    try:
        import pyvirtualcam  # noqa: F401 - whether it is there
    except ImportError as error:
        raise SinkError(
            "--virtual-camera needs the package pyvirtualcam here, which is published under the "
            f"GPL, version 2: {INSTALL_PYVIRTUALCAM}"
        ) from error
    return PyvirtualcamDevice


def find_virtual_camera(device: str = "", *, devices: Path = VIRTUAL_DEVICES) -> str:
    """Finds the device of a virtual camera.

    Args:
        device: The device that the user named, "" for the first one.
        devices: The folder in which Linux lists virtual devices.

    Returns:
        The path of the device on Linux; elsewhere `device` itself.

    Raises:
        SinkError: There is no such device, or it is none of v4l2loopback.
    """
    if not sys.platform.startswith("linux"):
        return device
    if not device:
        names = sorted(path.name for path in devices.glob("video*")) if devices.is_dir() else []
        if not names:
            raise SinkError(f"There is no virtual camera here. {MAKE_DEVICE}")
        return f"/dev/{names[0]}"
    try:
        found = os.stat(device)
    except (OSError, ValueError) as error:
        raise SinkError(f"There is no virtual camera {device}. {MAKE_DEVICE}") from error
    if not stat.S_ISCHR(found.st_mode):
        raise SinkError(f"{device} is no device. {MAKE_DEVICE}")
    if not _is_virtual(found.st_rdev, devices):
        raise SinkError(
            f"{device} is no virtual camera of v4l2loopback, so it cannot show a picture. Leave "
            f"DEVICE out for the first one. {MAKE_DEVICE}"
        )
    if not os.access(device, os.W_OK):
        raise SinkError(
            f"This user may not write to {device}. Add the user to the group video, and log in "
            "again."
        )
    return device


def _is_virtual(number: int, devices: Path) -> bool:
    """Tells whether a device is a virtual camera, by its number: a container may give it another
    name. Where Linux lists no virtual devices, any video device may be one."""
    if not devices.is_dir():
        return os.major(number) == VIDEO_MAJOR
    numbers = {path.read_text(encoding="ascii").strip() for path in devices.glob("video*/dev")}
    return f"{os.major(number)}:{os.minor(number)}" in numbers


def letterbox_picture(picture: Image, size_wh: tuple[int, int]) -> Image:
    """Fits a picture into a size, in its own shape, between black bars.

    Args:
        picture: uint8 (H, W, 3) BGR.
        size_wh: Width and height in px.

    Returns:
        The picture in that size, in C order.

    >>> letterbox_picture(np.full((2, 2, 3), 9, np.uint8), (4, 2))[0, :, 0].tolist()
    [0, 9, 9, 0]
    """
    height, width = picture.shape[:2]
    if (width, height) == size_wh:
        return np.ascontiguousarray(picture)
    scale = min(size_wh[0] / width, size_wh[1] / height)
    inner_wh = (
        max(1, min(size_wh[0], round(width * scale))),
        max(1, min(size_wh[1], round(height * scale))),
    )
    fitted = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    x, y = (size_wh[0] - inner_wh[0]) // 2, (size_wh[1] - inner_wh[1]) // 2
    fitted[y : y + inner_wh[1], x : x + inner_wh[0]] = cv2.resize(
        picture, inner_wh, interpolation=cv2.INTER_AREA
    )
    return fitted
