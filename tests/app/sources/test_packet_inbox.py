"""Packets of a stream that is read too slowly: which are left out, and that nothing hangs."""

import threading
from collections.abc import Iterator
from typing import Any

import av
import pytest
from av.packet import Packet

from app.sources.packet_inbox import LATE_S, TOO_LATE_S, PacketInbox


class Wire:
    """Gives packets one by one, each with the time at which it comes."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._sent: list[Packet] = []
        self._change = threading.Condition()
        self._waits = False
        self._end: Exception | bool = False
        self.closed_count = 0

    def clock(self) -> float:
        return self.now_s

    def packets(self) -> Iterator[Any]:
        while True:
            with self._change:
                self._waits = True
                self._change.notify_all()
                self._change.wait_for(lambda: self._sent or self._end)
                self._waits = False
                if not self._sent:
                    if isinstance(self._end, Exception):
                        raise self._end
                    return
                packet = self._sent.pop(0)
            yield packet

    def send(self, name: str, *, at_s: float, is_key: bool = False) -> None:
        """Sends a packet and returns when the inbox is back for more."""
        packet = Packet(name.encode())
        packet.is_keyframe = is_key
        with self._change:
            self._change.wait_for(lambda: self._waits)
            self.now_s = at_s
            self._sent.append(packet)
            self._waits = False
            self._change.notify_all()
            assert self._change.wait_for(lambda: self._waits, 5)

    def end(self, error: Exception | None = None) -> None:
        with self._change:
            self._end = error or True
            self._change.notify_all()

    def close(self) -> None:
        self.closed_count += 1


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.end()


def opened(wire: Wire) -> PacketInbox:
    return PacketInbox(wire.packets(), wire.close, clock=wire.clock)


def drain(inbox: PacketInbox) -> list[tuple[str, bool]]:
    """The names of the packets that wait, and whether they follow a gap."""
    taken = [inbox.take() for _ in range(len(inbox))]
    return [(bytes(one.packet).decode(), one.follows_gap) for one in taken if one is not None]


def test_packets_come_in_order_with_the_times_of_their_arrival(wire: Wire) -> None:
    inbox = opened(wire)
    wire.send("I0", at_s=0.0, is_key=True)
    wire.send("P1", at_s=0.04)
    first, second = inbox.take(), inbox.take()
    assert first is not None
    assert second is not None
    assert (bytes(first.packet), first.arrived_s) == (b"I0", 0.0)
    assert (bytes(second.packet), second.arrived_s) == (b"P1", 0.04)
    inbox.close()


def test_late_packets_are_left_out_once_a_picture_stands_alone(wire: Wire) -> None:
    inbox = opened(wire)
    wire.send("P0", at_s=0.0)
    wire.send("I1", at_s=LATE_S, is_key=True)  # still in time
    wire.send("P2", at_s=LATE_S + 0.04)
    assert len(inbox) == 3
    wire.send("I3", at_s=LATE_S + 0.08, is_key=True)
    wire.send("P4", at_s=LATE_S + 0.12)
    assert drain(inbox) == [("I3", True), ("P4", False)]
    inbox.close()


def test_without_such_a_picture_packets_are_left_out_until_one_comes(wire: Wire) -> None:
    inbox = opened(wire)
    wire.send("P0", at_s=0.0)
    wire.send("P1", at_s=TOO_LATE_S + 0.01)
    wire.send("P2", at_s=TOO_LATE_S + 0.05)
    assert len(inbox) == 0
    wire.send("I3", at_s=TOO_LATE_S + 0.09, is_key=True)
    wire.send("P4", at_s=TOO_LATE_S + 0.13)
    assert drain(inbox) == [("I3", True), ("P4", False)]
    inbox.close()


@pytest.mark.parametrize("speed", [0.3, 0.6, 0.9])
def test_a_slow_reader_never_falls_behind_by_much(wire: Wire, speed: float) -> None:
    """60 s of 30 frames/s with a key frame every two seconds; a reader that takes too long."""
    inbox = opened(wire)
    read_at_s, ages_s = 0.0, []
    for number in range(1800):
        now_s = number / 30
        wire.send(f"{number}", at_s=now_s, is_key=number % 60 == 0)
        while len(inbox) and read_at_s <= now_s:
            taken = inbox.take()
            assert taken is not None
            read_at_s = max(read_at_s, taken.arrived_s)
            ages_s.append(read_at_s - taken.arrived_s)
            read_at_s += 1 / 30 / speed
    assert max(ages_s) <= TOO_LATE_S + 1 / 30
    assert len(ages_s) >= 1800 * speed * 0.6  # the view stands still for the rest
    inbox.close()


def test_what_reading_raised_comes_after_the_packets(wire: Wire) -> None:
    inbox = opened(wire)
    wire.send("I0", at_s=0.0, is_key=True)
    wire.end(av.error.ExitError(0, "gone"))
    assert inbox.take() is not None
    with pytest.raises(av.error.ExitError):
        inbox.take()
    inbox.close()
    assert wire.closed_count == 1


def test_closing_while_a_read_hangs_leaves_the_closing_to_the_thread(wire: Wire) -> None:
    inbox = opened(wire)
    wire.send("I0", at_s=0.0, is_key=True)
    inbox.close()
    assert (wire.closed_count, inbox.take()) == (0, None)
    wire.end()
    inbox._thread.join(5)
    assert wire.closed_count == 1
    inbox.close()
    assert wire.closed_count == 1
