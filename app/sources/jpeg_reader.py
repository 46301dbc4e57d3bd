"""Makes pictures of the JPEGs of a stream."""

import threading
from collections.abc import Callable

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from app.frames.jpeg_picture import decode_jpeg, is_whole_jpeg
from app.frames.orientation import UPRIGHT
from app.frames.stored_shape import Shape
from app.frames.upright import UprightConverter
from app.types import Image


class JpegReader:
    """Makes a picture of each packet of a Motion JPEG.

    libav decodes the first JPEG and every one that is damaged or of another size, because it tells
    the orientation and the shape of the pixels. While those are plain, OpenCV decodes the others.

    Args:
        stream: The stream of the packets. `close` must be called before its container is closed.
        see_shape: Called with the shape of each picture.
    """

    def __init__(self, stream: VideoStream, see_shape: Callable[[Shape], object]) -> None:
        self._stream: VideoStream | None = stream
        self._upright = UprightConverter(stream)
        self._see_shape = see_shape
        self._plain: Shape | None = None  # of pictures that OpenCV may decode
        self._lock = threading.Lock()  # `close` comes from another thread

    def make(self, packet: "Packet[VideoStream]") -> Image | None:
        """Makes uint8 (H, W, 3) BGR, upright. Returns None for a packet without a picture, and once
        the reader is closed."""
        plain = self._plain
        if plain is not None:
            data = np.frombuffer(memoryview(packet), np.uint8)
            image = decode_jpeg(data) if is_whole_jpeg(data) else None
            if image is not None and image.shape[1::-1] == plain.stored_wh:
                self._see_shape(plain)
                return image
        with self._lock:
            return None if self._stream is None else self._make_with_libav(self._stream, packet)

    def _make_with_libav(self, stream: VideoStream, packet: "Packet[VideoStream]") -> Image | None:
        self._plain = None
        try:
            frames = stream.decode(packet)
        except av.FFmpegError:
            return None
        if not frames:
            return None
        shape = self._upright.find_shape(frames[-1])
        image = self._upright.make_picture(frames[-1], shape)
        self._see_shape(shape)
        if _is_plain(frames[-1], shape):
            self._plain = shape
        return image

    def close(self) -> None:
        """Waits for a picture that libav decodes, and makes no more. A second call does nothing."""
        with self._lock:
            self._stream = None


def _is_plain(frame: VideoFrame, shape: Shape) -> bool:
    """Tells whether OpenCV makes the same picture of such a JPEG as `UprightConverter` does: in
    full-range YUV as JFIF has it, with square pixels, unturned, of whole frames."""
    return (
        frame.format.name.startswith("yuvj")
        and not frame.interlaced_frame
        and shape.colours is None
        and shape.scaled_wh == shape.stored_wh
        and shape.orientation == UPRIGHT
    )
