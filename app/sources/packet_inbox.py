"""Receives the packets of a network stream in a thread of its own, and drops those that came too
early to be of use.

While a picture is decoded, further packets wait in the system's buffers, where nobody sees how old
they are. Here every packet has the time of its arrival. A reader that is slower than the stream
would fall behind without end; where it is late, packets are left out up to a picture that stands
alone, so that no picture is much older than `TOO_LATE_S`.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from av.packet import Packet
from av.video.stream import VideoStream

# From this age on, waiting packets are left out as soon as a picture has come that stands alone.
LATE_S = 0.25
# From this age on, waiting packets are left out, and all until a picture comes that stands alone.
TOO_LATE_S = 1.0
JOIN_TIMEOUT_S = 0.2  # a read that hangs longer closes its stream itself when it returns


@dataclass(frozen=True, slots=True)
class ReceivedPacket:
    """A packet, and the time of its arrival in seconds. `follows_gap` is True where packets before
    it were left out."""

    packet: "Packet[VideoStream]"
    arrived_s: float
    follows_gap: bool = False


class PacketInbox:
    """Keeps the packets that are still needed for the newest picture.

    Args:
        packets: The packets as they come from the network.
        close: Closes the stream; called once, when no thread reads from it any more.
        clock: Stamps the packets, in seconds.
    """

    def __init__(
        self,
        packets: "Iterator[Packet[VideoStream]]",
        close: Callable[[], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._packets = packets
        self._close = close
        self._clock = clock
        self._waiting: deque[ReceivedPacket] = deque()
        self._needs_key = False
        self._has_gap = False
        self._ended = False
        self._failure: Exception | None = None
        self._closed = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._receive, name="packets", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Returns the number of packets that wait."""
        return len(self._waiting)

    def _receive(self) -> None:
        try:
            for packet in self._packets:
                if self._closed:
                    break
                self._put(packet, self._clock())
        except Exception as error:  # a thread's failure belongs to the reader
            self._failure = error
        with self._change:
            self._ended = True
            self._change.notify_all()
            is_mine = self._closed
        if is_mine:  # `close` may have given up waiting, and leaves this to the thread
            self._close_once()

    def _put(self, packet: "Packet[VideoStream]", now_s: float) -> None:
        with self._change:
            waiting = self._waiting
            if waiting:
                late_s = now_s - waiting[0].arrived_s
                if (packet.is_keyframe and late_s > LATE_S) or late_s > TOO_LATE_S:
                    waiting.clear()
                    self._needs_key = self._has_gap = True
            if self._needs_key and not packet.is_keyframe:
                return
            self._needs_key = False
            waiting.append(ReceivedPacket(packet, now_s, self._has_gap))
            self._has_gap = False
            self._change.notify_all()

    def take(self) -> ReceivedPacket | None:
        """Waits for the next packet. Returns None when no more will come. Raises what reading from
        the stream raised."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._ended or self._closed)
            if self._closed:
                return None
            if self._waiting:
                return self._waiting.popleft()
        if self._failure is not None:
            raise self._failure
        return None

    def close(self) -> None:
        """Ends the thread and closes the stream. A second call does nothing."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            self._change.notify_all()
        self._thread.join(JOIN_TIMEOUT_S)
        if not self._thread.is_alive():
            self._close_once()

    def _close_once(self) -> None:
        with self._change:
            close, self._close = self._close, lambda: None
        close()
