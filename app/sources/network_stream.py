"""Reads the newest frames of network streams."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from app.errors import SourceError
from app.frames.av_versions import open_input
from app.frames.stored_shape import MAX_FRAME_PIXELS, Shape, ShapeChanges
from app.frames.upright import UprightConverter
from app.sources.camera_address import CameraAddress
from app.sources.jpeg_reader import JpegReader
from app.sources.latest_frame import DELAYS_S, LiveSource, UnmadePicture
from app.sources.packet_decoder import MAX_PICTURELESS_S
from app.sources.packet_inbox import PacketInbox
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

    A Motion JPEG is decoded only where its picture is wanted. The packets of other streams must
    all be decoded, because pictures are made of earlier ones; only wanted pictures are converted.

    Args:
        address: The address of the stream.
        open_container: Stands in for `open_input` in tests.
        see_shape: Called with the shape of each picture that is made.
        clock: Stamps the pictures, in seconds.

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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = address.title
        self._see_shape = see_shape
        self._clock = clock
        self._inbox: PacketInbox | None = None
        self._jpegs: JpegReader | None = None
        self._fruitless_since_s: float | None = None
        container = open_stream(address, LIVE_OPTIONS, open_container)
        self._container: InputContainer | None = container
        try:
            self.format_name = str(container.format.name)
            self._pictures = self._begin(container)
        except AV_ERRORS as error:
            raise explain_refusal(self._title, error) from None

    def _begin(self, container: InputContainer) -> Iterator[UnmadePicture]:
        stream = self._prepare_stream(container)
        packets = read_packets(container, stream)
        if stream.codec_context.name == "mjpeg":
            self._jpegs = JpegReader(stream, self._see_shape)
            return self._read_jpegs(self._jpegs, packets)
        self._inbox = PacketInbox(packets, container.close, clock=self._clock)
        return self._decode(self._inbox, stream)

    def _prepare_stream(self, container: InputContainer) -> VideoStream:
        pictures = container.streams.video
        if not pictures or pictures[0].codec_context is None:
            self.close()
            raise SourceError(f"{self._title} has no picture that can be decoded.")
        stream = pictures[0]
        self.rate = round(float(find_average_rate(stream)), 2)
        for other in container.streams:
            if other is not stream:
                other.discard = av.stream.Discard.all
        stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
        return stream

    def _read_jpegs(
        self, jpegs: JpegReader, packets: "Iterator[Packet[VideoStream]]"
    ) -> Iterator[UnmadePicture]:
        def make(packet: "Packet[VideoStream]") -> Image | None:
            image = jpegs.make(packet)
            self._note_yield(image is not None)
            return image

        for packet in packets:
            self._check_yield()
            if packet.size:
                yield UnmadePicture(partial(make, packet), self._clock())

    def _decode(self, inbox: PacketInbox, stream: VideoStream) -> Iterator[UnmadePicture]:
        upright = UprightConverter(stream)
        while (received := inbox.take()) is not None:
            if received.follows_gap:
                stream.codec_context.flush_buffers()
            try:
                frames = stream.decode(received.packet)
            except av.FFmpegError:
                frames = []  # a damaged picture; the next key frame mends it
            self._note_yield(bool(frames))
            self._check_yield()
            for frame in frames:
                shape = upright.find_shape(frame)
                self._see_shape(shape)
                yield UnmadePicture(
                    partial(upright.make_picture, frame, shape),
                    received.arrived_s,
                    is_followed=len(inbox) > 0,
                )

    def _note_yield(self, has_picture: bool) -> None:
        """Notes whether a packet gave a picture."""
        if has_picture:
            self._fruitless_since_s = None
        elif self._fruitless_since_s is None:
            self._fruitless_since_s = time.monotonic()

    def _check_yield(self) -> None:
        since_s = self._fruitless_since_s
        if since_s is not None and time.monotonic() - since_s > MAX_PICTURELESS_S:
            raise SourceError(
                f"{self._title} sent data for {MAX_PICTURELESS_S:g} s, but no picture that can be "
                "decoded."
            )

    def read(self) -> UnmadePicture:
        """Waits for the next picture, which is made upright."""
        try:
            picture = next(self._pictures, None)
        except av.error.ExitError:
            raise SourceError(f"{self._title} sent nothing for {READ_TIMEOUT_S:g} s.") from None
        except AV_ERRORS as error:
            raise SourceError(f"{self._title} broke off ({name_cause(error)}).") from None
        if picture is None:
            raise SourceError(f"{self._title} ended.")
        return picture

    def close(self) -> None:
        """Closes the stream. A second call does nothing."""
        container, self._container = self._container, None
        if container is None:
            return
        self._pictures = iter(())
        if self._jpegs is not None:
            self._jpegs.close()
        if self._inbox is not None:
            self._inbox.close()
        else:
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
            lambda: StreamFeed(address, open_container, self._note_shape, clock),
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
        """Runs in a thread of the source."""
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
