"""Reads the newest frames of network streams."""

import time
from collections.abc import Callable, Iterator, Sequence

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from app.errors import SourceError
from app.frames.av_versions import open_input
from app.frames.stored_shape import MAX_FRAME_PIXELS, Shape, ShapeChanges
from app.frames.upright import UprightConverter
from app.sources.camera_address import CameraAddress
from app.sources.latest_frame import DELAYS_S, LiveSource
from app.sources.packet_decoder import MAX_PICTURELESS_S
from app.sources.stream_container import (
    AV_ERRORS,
    LIVE_OPTIONS,
    READ_TIMEOUT_S,
    OpenContainer,
    explain_refusal,
    name_cause,
    open_stream,
)
from app.sources.video_container import find_average_rate, read_packets
from app.types import Image, Json


class StreamFeed:
    """Opens a stream and reads its pictures.

    Args:
        address: The address of the stream.
        open_container: Stands in for `open_input` in tests.
        see_shape: Called with the shape of each picture.

    Attributes:
        format_name: libav's name of the stream's format.
        rate: The frames/s that the stream states, which are often a guess.

    Raises:
        SourceError: If nothing opens. `read` raises it when no more pictures will come.
    """

    def __init__(
        self,
        address: CameraAddress,
        open_container: OpenContainer = open_input,
        see_shape: Callable[[Shape], object] = lambda shape: None,
    ) -> None:
        self._title = address.title
        self._see_shape = see_shape
        container = open_stream(address, LIVE_OPTIONS, open_container)
        self._container: InputContainer | None = container
        try:
            self.format_name = str(container.format.name)
            self._frames = self._decode(container)
        except AV_ERRORS as error:
            raise explain_refusal(self._title, error) from None

    def _decode(self, container: InputContainer) -> Iterator[VideoFrame]:
        pictures = container.streams.video
        if not pictures or pictures[0].codec_context is None:
            self.close()
            raise SourceError(f"{self._title} has no picture that can be decoded.")
        stream = pictures[0]
        self.rate = round(float(find_average_rate(stream)), 2)
        for other in container.streams:
            if other is not stream:
                other.discard = av.stream.Discard.all
        self._upright = UprightConverter(stream)
        stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}

        def frames() -> Iterator[VideoFrame]:
            last_picture_s = time.monotonic()
            for packet in read_packets(container, stream):
                try:
                    decoded = stream.decode(packet)
                except av.FFmpegError:
                    decoded = []  # a damaged picture; the next key frame mends it
                if decoded:
                    yield from decoded
                    last_picture_s = time.monotonic()
                elif time.monotonic() - last_picture_s > MAX_PICTURELESS_S:
                    raise SourceError(
                        f"{self._title} sent data for {MAX_PICTURELESS_S:g} s, but no picture that "
                        "can be decoded."
                    )

        return frames()

    def read(self) -> Image:
        """Waits for the next picture, and returns uint8 (H, W, 3) BGR, upright."""
        try:
            frame = next(self._frames, None)
            if frame is None:
                raise SourceError(f"{self._title} ended.")
            shape = self._upright.find_shape(frame)
            self._see_shape(shape)
            return self._upright.make_picture(frame, shape)
        except av.error.ExitError:
            raise SourceError(f"{self._title} sent nothing for {READ_TIMEOUT_S:g} s.") from None
        except AV_ERRORS as error:
            raise SourceError(f"{self._title} broke off ({name_cause(error)}).") from None

    def close(self) -> None:
        """Closes the stream. A second call does nothing."""
        if self._container is not None:
            container, self._container = self._container, None
            self._frames = iter(())
            container.close()


class StreamSource(LiveSource):
    """Reads the newest frames of the stream at `address`. A context manager.

    The stream opens in the reader's thread, so nothing waits here. The other arguments are those of
    `LiveSource`; `open_container` stands in for `open_input` in tests.
    """

    def __init__(
        self,
        address: CameraAddress,
        *,
        open_container: OpenContainer = open_input,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = 15.0,
        stall_s: float = READ_TIMEOUT_S + 1,
        delays_s: Sequence[float] = DELAYS_S,
        rest: Callable[[float], object] | None = None,
    ) -> None:
        self._shapes: ShapeChanges | None = None
        self._began_s = 0.0
        self._now: Callable[[], float] = clock
        super().__init__(
            lambda: StreamFeed(address, open_container, self._note_shape),
            name=address.name,
            title=address.title,
            remedy="See whether it plays elsewhere.",
            patience_s=patience_s,
            stall_s=stall_s,
            delays_s=delays_s,
            clock=clock,
            rest=rest,
        )

    def _note_shape(self, shape: Shape) -> None:
        """Runs in the reader's thread."""
        if self._shapes is None:
            self._shapes, self._began_s = ShapeChanges(shape), self._now()
        self._shapes.note(shape, self._now() - self._began_s)

    @property
    def picture_facts(self) -> Json:
        """The way in which the pictures are sent, and what was made of them."""
        return {} if self._shapes is None else self._shapes.describe()

    def describe_stream(self) -> Json:
        """Tells how the pictures are stored and what was made of them."""
        return self.picture_facts | super().describe_stream()

    @property
    def remarks(self) -> list[str]:
        """Lines on the shapes of the pictures."""
        return [] if self._shapes is None else self._shapes.remarks(self.name)
