"""Decodes the packets of a video to frames, steps over damaged places and notes where they are."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from app.frames.stored_shape import Shape
from app.frames.upright import UprightConverter
from app.sources.video_container import read_packets

MAX_READ_RETRIES = 8  # errors in a row, after which the rest of a file is given up
MAX_PICTURELESS_S = 10.0  # of data from the network without a picture that can be decoded


class DecodedFrame(NamedTuple):
    """A decoded frame, how it is stored, and whether a part of it may be wrong."""

    frame: VideoFrame
    shape: Shape
    is_damaged: bool


class PacketDecoder:
    """Decodes the packets of `stream` once, in the order of the file.

    Args:
        container: The open file or network stream.
        stream: The video track of `container` to decode.
        upright: Tells the shape of each frame.
        from_network: True if packets come from a server. Reading then ends at the first error, and
            after `MAX_PICTURELESS_S` without a picture; a file is read on behind errors.
        stop: Called after every packet; True ends the reading.

    Attributes:
        packet_count: The number of packets so far that hold or stood for a picture.
        reached_ticks: The end of the last packet, in ticks of the stream.
        trouble_count: The number of places so far that could not be decoded.
        first_trouble_ticks: The time of the first such place; None if there is none.
        is_stopped: True if `stop` ended the reading.
        is_broken_off: True if the server broke off or sent no picture for too long.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        upright: UprightConverter,
        *,
        from_network: bool,
        stop: Callable[[], bool],
    ) -> None:
        self._container = container
        self._stream = stream
        self._upright = upright
        self._from_network = from_network
        self._stop = stop
        self._format_name = container.format.name
        self._damaged_from: int | None = None  # ticks; up to the next key frame
        self._avi_slots: deque[int] = deque()  # times of packets whose frames are still to come
        self.packet_count = 0
        self.reached_ticks = 0
        self.trouble_count = 0
        self.first_trouble_ticks: int | None = None
        self.is_stopped = False
        self.is_broken_off = False

    def decode_frames(self) -> Iterator[tuple[int | None, DecodedFrame]]:
        """Yields (time in ticks, frame) in the order of presentation. The times are the file's own;
        None where a frame has none.

        An AVI has no times but the places of its packets. The frame that is shown n-th has the n-th
        place; libav makes disordered times of these places where frames refer to later frames.
        """
        for frame in self._decode_pictures():
            ticks = self._avi_slots.popleft() if self._avi_slots else frame.pts
            yield (
                ticks,
                DecodedFrame(frame, self._upright.find_shape(frame), self._is_damaged(frame)),
            )

    def _is_damaged(self, frame: VideoFrame) -> bool:
        """Pictures are made of earlier ones, so damage lasts until a picture stands for itself."""
        began = self._damaged_from
        stands_alone = frame.key_frame and frame.pts is not None
        if began is not None and stands_alone and (frame.pts or 0) > began:
            self._damaged_from = began = None
        is_late = began is not None and (frame.pts is None or frame.pts >= began)
        return frame.is_corrupt or is_late

    def _decode_pictures(self) -> Iterator[VideoFrame]:
        last_picture_s = time.monotonic()
        for packet in self._read_on():
            for frame in self._decode(packet):
                if frame.is_corrupt:
                    self._note_trouble(frame)
                yield frame
                last_picture_s = time.monotonic()
            self.is_stopped = self._stop()
            if self._from_network and time.monotonic() - last_picture_s > MAX_PICTURELESS_S:
                self.is_broken_off = True
            if self.is_stopped or self.is_broken_off:
                return

    def _decode(self, packet: "Packet[VideoStream]") -> list[VideoFrame]:
        """Gives the frames that a packet, or the end of the packets, brings out of the decoder."""
        is_end = packet.size == 0 and packet.pts is None and packet.dts is None
        if not is_end:
            self.packet_count += 1
            if packet.size == 0:
                return []  # would end the decoder
            if packet.is_corrupt and self._format_name != "mpegts":
                self._note_trouble(packet)  # half a packet: the file ends in it
                return []
        has_slot = not is_end and packet.dts is not None and self._format_name == "avi"
        if has_slot and packet.dts is not None:
            self._avi_slots.append(packet.dts)
        try:
            return self._stream.decode(packet)
        except av.FFmpegError:
            if has_slot:
                self._avi_slots.pop()
            self._note_trouble(packet)
            return []

    def _read_on(self) -> Iterator["Packet[VideoStream]"]:
        """Yields the packets, also those behind errors, and last an empty one that flushes the
        decoder."""
        failed = 0
        while failed < MAX_READ_RETRIES:
            try:
                for packet in read_packets(self._container, self._stream):
                    failed = 0
                    start = packet.pts if packet.pts is not None else packet.dts
                    if start is not None:
                        self.reached_ticks = max(self.reached_ticks, start + (packet.duration or 0))
                    yield packet
                return
            except av.FFmpegError:
                if self._from_network:
                    self.is_broken_off = True
                    break
                failed += 1
                self._note_trouble(None)
        flush = cast("Packet[VideoStream]", Packet())
        flush.stream = self._stream
        yield flush

    def _note_trouble(self, at: "Packet[VideoStream] | VideoFrame | None") -> None:
        self.trouble_count += 1
        times = [] if at is None else [t for t in (at.pts, at.dts) if t is not None]
        self._damaged_from = min(times, default=self.reached_ticks)
        if self.first_trouble_ticks is None:
            own_ticks = None if at is None else at.pts
            self.first_trouble_ticks = self.reached_ticks if own_ticks is None else own_ticks
