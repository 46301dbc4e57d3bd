"""Decides which of the pictures that arrive are made, and which one a consumer gets.

A picture often arrives as a JPEG or as a decoder's planes, and making BGR of it costs up to 30 ms
at 3840 x 2160. A consumer that is slower than the camera uses few of the pictures, so those that
would be replaced before the consumer comes are not made at all.

There are no threads and no clock here: callers hold a lock, and say what time it is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.types import Image

NEW_VALUE_WEIGHT = 0.2  # of the latest time in a forecast: a single late frame does not turn it
# A picture that is made within this time is waited for where an older one is ready.
SHORT_WAIT_S = 0.005


@dataclass(frozen=True, slots=True)
class Arrival:
    """A picture that arrived.

    `make` makes it BGR, uint8 (H, W, 3), or returns None where it cannot be used; it is called once
    or not at all. `arrived_s` is the time of its arrival, `connection` the number of the connection
    over which it came.
    """

    make: Callable[[], Image | None]
    arrived_s: float
    connection: int = 0


@dataclass(frozen=True, slots=True)
class MadePicture:
    """A picture that is ready: uint8 (H, W, 3) BGR, with the facts of its `Arrival`."""

    image: Image
    arrived_s: float
    connection: int = 0


class NewestPicture:
    """Keeps the newest arrival and the newest made picture of a live source.

    The consumer gets each picture once, and none that is older, when the consumer comes for it,
    than one interval of the camera and the time that making takes. A picture is made if the
    consumer waits for one, or is expected before the next picture could be made. Expected times
    follow from those of the past; while nothing is known of them, every picture is made.
    """

    def __init__(self) -> None:
        self._waiting: Arrival | None = None
        self._in_work: Arrival | None = None
        self._ready: MadePicture | None = None
        self._is_awaited = True
        self._asked_s: float | None = None
        self._taken_s: float | None = None
        self._arrived_s: float | None = None
        self._begun_s = 0.0
        self._interval_s: float | None = None  # between two arrivals
        self._making_s: float | None = None
        self._absence_s: float | None = None  # of the consumer, with a picture

    @property
    def has_work(self) -> bool:
        """True while an arrival is made or waits to be made."""
        return self._waiting is not None or self._in_work is not None

    # The reader

    def add(self, arrival: Arrival) -> None:
        """Takes an arrival that is still to be made. An older one that nobody makes is dropped."""
        self._note_arrival(arrival.arrived_s)
        self._waiting = arrival

    def add_made(self, picture: MadePicture) -> None:
        """Takes a picture that arrived ready. Older ones are dropped."""
        self._note_arrival(picture.arrived_s)
        self._waiting, self._ready = None, picture

    def _note_arrival(self, now_s: float) -> None:
        if self._arrived_s is not None:
            self._interval_s = _ease(self._interval_s, max(0.0, now_s - self._arrived_s))
        self._arrived_s = now_s

    # The maker

    def begin(self, now_s: float) -> Arrival | None:
        """Returns the arrival to make now, after which `finish` must follow; None where there is
        none, or where it would not be used."""
        if self._waiting is None or self._in_work is not None or not self._is_wanted(now_s):
            return None
        self._in_work, self._waiting, self._begun_s = self._waiting, None, now_s
        return self._in_work

    def finish(self, image: Image | None, now_s: float) -> None:
        """Takes what was made of the arrival that `begin` returned; None if it was of no use."""
        made, self._in_work = self._in_work, None
        if made is None or image is None:
            return
        self._making_s = _ease(self._making_s, max(0.0, now_s - self._begun_s))
        if self._ready is None or self._ready.arrived_s <= made.arrived_s:
            self._ready = MadePicture(image, made.arrived_s, made.connection)

    def _is_wanted(self, now_s: float) -> bool:
        if self._is_awaited or self._taken_s is None:
            return True
        if self._interval_s is None or self._making_s is None or self._absence_s is None:
            return True
        next_ready_s = now_s + self._interval_s + self._making_s
        return next_ready_s >= self._taken_s + self._absence_s

    # The consumer

    def ask(self, now_s: float) -> None:
        """Notes that the consumer has come for the next picture."""
        if self._is_awaited:
            return
        self._is_awaited, self._asked_s = True, now_s
        if self._taken_s is not None:
            self._absence_s = _ease(self._absence_s, max(0.0, now_s - self._taken_s))

    def take(self, now_s: float) -> MadePicture | None:
        """Returns the picture to show now; None where the consumer must wait for one."""
        ready = self._ready
        if ready is None or self._is_to_wait(ready, now_s):
            return None
        self._ready, self._is_awaited, self._taken_s = None, False, now_s
        return ready

    def _is_to_wait(self, ready: MadePicture, now_s: float) -> bool:
        """Tells whether a newer picture than `ready` is to be waited for."""
        if not self.has_work:
            return False
        making_s = self._making_s or 0.0
        if making_s <= SHORT_WAIT_S:
            return True
        asked_s = now_s if self._asked_s is None else self._asked_s
        return asked_s - ready.arrived_s > (self._interval_s or 0.0) + making_s

    def clear(self) -> None:
        """Drops all pictures."""
        self._waiting = self._ready = None


def _ease(old_s: float | None, new_s: float) -> float:
    return new_s if old_s is None else old_s + NEW_VALUE_WEIGHT * (new_s - old_s)
