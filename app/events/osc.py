"""Sends the values of every frame as Open Sound Control over UDP.

docs/live_outputs.md lists the addresses. Most hold one value, which is a float or an integer,
because some receivers take nothing else.
"""

import argparse
import math
import re
import socket
from collections.abc import Callable, Iterator, Sequence

from app.actions.names import ACTION_NAMES
from app.actions.values import list_action_values
from app.errors import SinkError
from app.events.event import EventClock
from app.events.osc_address import (
    OscTarget,
    fill_osc_prefix,
    parse_osc_prefix,
    parse_osc_target,
)
from app.events.osc_packet import Values, encode_bundles, encode_time_tag
from app.events.person_slots import PersonSlots
from app.outputs.sink import ReadingsSink
from app.process.receiver_watch import ReceiverWatch
from app.types import UNSURE, FrameResult, Image, TrackedFace

PEOPLE = 16  # that are sent; more are left out
FACE_NAMES = frozenset({"found", "id", "label", "score", "box", "actions"})  # of a face's addresses
NO_LABEL = -1  # the number of the label "unsure"
FACEOSC_FACE_UNITS = 40.0  # the width of FaceOSC's model face, which its /pose/scale multiplies


class OscSink(ReadingsSink):
    """Sends a bundle for every frame, tagged with the time of its capture. It never waits.

    Some receivers make bad use of the tag: osc-js reads it to whole seconds, and so holds half of
    all bundles back until their second is over; others drop what is late, as every frame is.

    Args:
        target: The host and the port of the receiver, also as "HOST:PORT".
        prefix: The beginning of all addresses, or a template (`app.events.osc_address`).
        immediately: True to tag every bundle with "immediately". `age_ms` then still tells when
            the frame was captured.
        say: Shows a line to the user.
        clock: The clocks of the time tags.

    Raises:
        SinkError: The host is not known, or nothing can be sent from here.
        ValueError: `target` has no port, or `prefix` cannot begin an address.
    """

    path = None
    dropped = 0
    warning = None

    def __init__(
        self,
        target: OscTarget | str,
        *,
        prefix: str = "/",
        immediately: bool = False,
        say: Callable[[str], None] = lambda line: None,
        clock: EventClock | None = None,
    ) -> None:
        try:
            target = parse_osc_target(target) if isinstance(target, str) else target
            self._prefix = parse_osc_prefix(prefix)
        except argparse.ArgumentTypeError as error:
            raise ValueError(str(error)) from error
        self._target = target
        self._immediately = immediately
        self._clock = clock or EventClock()
        self._slots = PersonSlots(PEOPLE)
        self._used = 0  # slots that have ever held a person
        self._addresses: dict[str, str] = {}
        self._watch = ReceiverWatch(f"The receiver of OSC at {target}", say, retry_s=0)
        self._socket: socket.socket | None = open_osc_socket(target)

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Sends a frame. The sink does not use `canvas`."""
        if self._socket is None:
            raise SinkError(f"OSC to {self._target} is closed already.")
        captured_s, age_s, utc_s = result.frame.captured_s, None, None
        if captured_s is not None:
            age_s = self._clock.monotonic() - captured_s
            utc_s = self._clock.find_utc_s(captured_s)
        messages = (
            (self._complete(address), values) for address, values in self._list(result, age_s)
        )
        time_tag = encode_time_tag(None if self._immediately else utc_s)
        for bundle in encode_bundles(time_tag, messages):
            self._send(self._socket, bundle)

    def _send(self, sender: socket.socket, bundle: bytes) -> None:
        """Sends a bundle. Where a bundle before it found no receiver, the system says so now, and
        has sent nothing; it is then asked again."""
        try:
            sender.send(bundle)
        except ConnectionRefusedError:
            self._watch.note_failure("nobody listens")
            try:
                sender.send(bundle)
            except OSError:
                return
        except BlockingIOError:  # the network card is behind; a live receiver wants the next frame
            return
        except OSError as error:  # no route, or the network is down
            self._watch.note_failure(str(error.strerror))
        else:
            self._watch.note_success()

    def _complete(self, address: str) -> str:
        full = self._addresses.get(address)
        if full is None:
            full = self._addresses[address] = fill_osc_prefix(self._prefix, address)
        return full

    def _list(self, result: FrameResult, age_s: float | None) -> Iterator[tuple[str, Values]]:
        """Lists the addresses, without their first slash, and the values of a frame."""
        frame = result.frame
        placed = self._slots.place(result.faces, frame.time_s)
        held = [number for number, face in enumerate(placed, 1) if face is not None]
        self._used = max(self._used, *held) if held else self._used
        yield "found", (len(result.faces),)
        yield "frame", (frame.index & 0x7FFFFFFF,)
        yield "time", (float(frame.time_s),)
        if age_s is not None:
            yield "age_ms", (1000.0 * age_s,)
        first = next((face for face in placed if face is not None), None)
        if first is not None:
            yield from _list_pose(first)
        for number, face in enumerate(placed[: self._used], 1):
            start = f"face/{number}/"
            if face is None:
                yield start + "found", (0,)
            else:
                for name, values in list_face_values(face, result.labels):
                    yield start + name, values

    def close(self) -> None:
        """Closes the socket. A second call does nothing."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def abort(self) -> None:
        """Closes the socket. What was sent cannot be taken back."""
        self.close()


def list_face_values(face: TrackedFace, labels: Sequence[str]) -> Iterator[tuple[str, Values]]:
    """Lists the values of a face by the ends of their addresses.

    Args:
        face: The face.
        labels: The K labels of its probabilities.
    """
    x0, y0, x1, y1 = (float(value) for value in face.face.box_xyxy)
    yield "found", (1,)
    yield "id", (int(face.face_id),)
    yield "label", (NO_LABEL if face.label == UNSURE else list(labels).index(face.label),)
    yield "score", (float(face.face.score),)
    yield "box", (x0, y0, x1 - x0, y1 - y0)
    for label, share in zip(labels, face.probabilities.tolist(), strict=True):
        name = clean_name(label)
        yield f"{name}_" if name in FACE_NAMES else name, (share,)
    if face.actions is not None:
        for name, value in zip(ACTION_NAMES, list_action_values(face.actions), strict=True):
            yield f"actions/{name}", (float(value),)


def _list_pose(face: TrackedFace) -> Iterator[tuple[str, Values]]:
    """Lists what FaceOSC sends of one face: the middle of its box in px, its size in px of a unit
    of FaceOSC's model and, where head pose is read, pitch, yaw and roll in radians."""
    x0, y0, x1, y1 = (float(value) for value in face.face.box_xyxy)
    yield "pose/position", ((x0 + x1) / 2, (y0 + y1) / 2)
    yield "pose/scale", (max(x1 - x0, y1 - y0) / FACEOSC_FACE_UNITS,)
    if face.actions is not None:
        head = face.actions
        angles = head.head_pitch_deg, head.head_yaw_deg, head.head_roll_deg
        yield "pose/orientation", tuple(math.radians(angle) for angle in angles)


def clean_name(text: str) -> str:
    """Replaces the signs of a label that an address cannot hold.

    >>> clean_name("not sure?")
    'not_sure_'
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)


def open_osc_socket(target: OscTarget) -> socket.socket:
    """Opens a socket that sends to `target` and never waits. Raises `SinkError`."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise SinkError(
            f"--osc {target}: the host {target.host} is not known. Name an address, such as "
            "127.0.0.1 for this machine."
        ) from error
    failure: OSError | None = None
    for family, kind, protocol, _, address in found:
        made = socket.socket(family, kind, protocol)
        try:
            # Connected, so that the system tells when nobody listens.
            made.connect(address)
            made.setblocking(False)
        except OSError as error:
            made.close()
            failure = error
            continue
        return made
    why = "no address" if failure is None else failure.strerror
    raise SinkError(f"--osc {target}: nothing can be sent there: {why}.") from failure
