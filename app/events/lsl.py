"""Sends the values of every frame to the Lab Streaming Layer, stamped with the moment of capture.

All streams have an irregular rate, because a nominal rate lets readers move exact stamps: pyxdf's
usual de-jittering moved those of a "30 Hz" stream with a pause of 10 s by up to 5 s.
docs/live_outputs.md lists the streams and their channels.
"""

import math
import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Protocol

from app.actions.names import ACTION_NAMES, ACTION_UNITS, ACTIONS_NOTE
from app.actions.values import list_action_values
from app.errors import SinkError
from app.events.clock_shift import measure_clock_shift
from app.events.osc import NO_LABEL
from app.events.person_slots import PersonSlots
from app.outputs.sink import ReadingsSink
from app.requirements.system_needs import INSTALL_LIVE
from app.types import UNSURE, FrameResult, Image, TrackedFace

PEOPLE = 4  # streams of people where nobody says how many
MAX_PEOPLE = 16
LAST_SAMPLES_S = 0.2  # for samples on their way when the streams end
SILENT = "[log]\nlevel = -3\n"
# The files from which liblsl takes its settings; with one of them, it is left as it is.
SETTINGS_FILES = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")
NO_LIBRARY = (
    "--lsl: the library liblsl does not run here. The package pylsl brings it for Windows, macOS "
    "and Linux on x86-64 with glibc 2.35 or newer. Elsewhere, install liblsl, name its file in "
    "PYLSL_LIB, and run: python -m pip install pylsl"
)
FACE_CHANNELS = (
    ("face_id", ""),
    ("x", "pixels"),
    ("y", "pixels"),
    ("width", "pixels"),
    ("height", "pixels"),
    ("det_score", ""),
    ("label", "index"),
)
FRAME_CHANNELS = (("frame", "index"), ("time_s", "seconds"), ("faces", "count"))


class Outlet(Protocol):
    """A stream that is sent, as pylsl has it."""

    def push_sample(self, x: Sequence[float], timestamp: float) -> None:
        """Sends a value for each channel."""

    def have_consumers(self) -> bool:
        """Tells whether anybody receives the stream."""


class LslSink(ReadingsSink):
    """Sends a sample for each person's place and one for the frame, for every frame. It never
    waits, and receivers may come and go.

    Where a place is empty, all its values are NaN. Frames that were not filmed just now are stamped
    with the moment of sending.

    Args:
        name: The names of the streams begin with it. It has no apostrophe, because liblsl finds no
            stream by such a name.
        labels: The K labels of the probabilities.
        source: The name of the source, which the identities of the streams hold.
        people: The number of places for people.
        with_actions: True for channels of facial actions.
        say: Shows a line to the user.
        clock: The clock of `Frame.captured_s`, in seconds.

    Raises:
        SinkError: pylsl or its library is missing.
        ValueError: The name is empty or has an apostrophe.
    """

    path = None
    dropped = 0
    warning = None

    def __init__(
        self,
        name: str,
        labels: Sequence[str],
        *,
        source: str = "",
        people: int = PEOPLE,
        with_actions: bool = False,
        say: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not name:
            raise ValueError("The streams of LSL need a name that is not empty")
        if "'" in name:
            raise ValueError(f"LSL finds no stream by a name with an apostrophe, got {name!r}")
        self._lsl = lsl = load_pylsl()
        self._clock = clock
        self._say = say
        self._people = max(1, min(people, MAX_PEOPLE))
        self._slots = PersonSlots(self._people)
        self._with_actions = with_actions
        self._has_said_full = False
        channels = list_face_channels(labels, with_actions=with_actions)
        self._nobody = [math.nan] * len(channels)
        identity = f"{socket.gethostname()}/{name}/{source}"
        self._faces: list[Outlet] = [
            _open_outlet(lsl, f"{name}_face{number}", "Expression", channels, labels, identity)
            for number in range(1, self._people + 1)
        ]
        self._frames: Outlet | None = _open_outlet(
            lsl, f"{name}_frames", "Frames", FRAME_CHANNELS, labels, identity
        )

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Sends the samples of a frame. The sink does not use `canvas`."""
        if self._frames is None:
            raise SinkError("The streams of LSL are closed already.")
        frame = result.frame
        if frame.captured_s is None:
            stamp_s = self._lsl.local_clock()
        else:
            shift_s = measure_clock_shift(self._lsl.local_clock, self._clock)
            stamp_s = frame.captured_s + shift_s
        placed = self._slots.place(result.faces, frame.time_s)
        if len(result.faces) > self._people and not self._has_said_full:
            self._has_said_full = True
            self._say(f"LSL has streams for {self._people} people; --max-faces N opens others.")
        self._frames.push_sample([frame.index, frame.time_s, len(result.faces)], stamp_s)
        for outlet, face in zip(self._faces, placed, strict=True):
            values = self._nobody if face is None else self._list(face, result.labels)
            outlet.push_sample(values, stamp_s)

    def _list(self, face: TrackedFace, labels: Sequence[str]) -> list[float]:
        x0, y0, x1, y1 = (float(value) for value in face.face.box_xyxy)
        label = NO_LABEL if face.label == UNSURE else list(labels).index(face.label)
        values = [face.face_id, x0, y0, x1 - x0, y1 - y0, float(face.face.score), label]
        values += [*face.probabilities.tolist(), *face.raw_probabilities.tolist()]
        if self._with_actions:
            missing = [math.nan] * len(ACTION_NAMES)
            values += missing if face.actions is None else list_action_values(face.actions)
        return values

    def close(self) -> None:
        """Ends the streams, after a moment in which the last samples reach their receivers. A
        second call does nothing."""
        if self._frames is not None and any(
            outlet.have_consumers() for outlet in (self._frames, *self._faces)
        ):
            time.sleep(LAST_SAMPLES_S)
        self._frames = None
        self._faces = []

    def abort(self) -> None:
        """Ends the streams. What was sent cannot be taken back."""
        self.close()


def list_face_channels(
    labels: Sequence[str], *, with_actions: bool = False
) -> list[tuple[str, str]]:
    """Lists the name and the unit of each channel of a person's stream.

    >>> [name for name, _ in list_face_channels(["happiness"])[6:]]
    ['label', 'happiness', 'raw_happiness']
    """
    channels = [*FACE_CHANNELS, *((label, "probability") for label in labels)]
    channels += [(f"raw_{label}", "probability") for label in labels]
    if with_actions:
        channels += [(name, ACTION_UNITS[name] or "share") for name in ACTION_NAMES]
    return channels


def load_pylsl() -> ModuleType:
    """Imports pylsl and silences its library, which otherwise tells of every network interface.

    Raises:
        SinkError: pylsl is not installed, or its library does not run here.
    """
    try:
        import pylsl
    except ImportError as error:
        is_plain = sys.platform != "linux" or platform.machine() == "x86_64"
        why = f"--lsl needs the package pylsl: {INSTALL_LIVE}" if is_plain else NO_LIBRARY
        raise SinkError(why) from error
    except (RuntimeError, OSError) as error:  # the library is missing, or wants another system
        raise SinkError(NO_LIBRARY) from error
    has_settings = "LSLAPICFG" in os.environ or any(
        Path(name).expanduser().exists() for name in SETTINGS_FILES
    )
    if not has_settings:
        pylsl.set_config_content(SILENT)
    loaded: ModuleType = pylsl
    return loaded


def _open_outlet(
    lsl: ModuleType,
    name: str,
    kind: str,
    channels: Sequence[tuple[str, str]],
    labels: Sequence[str],
    identity: str,
) -> Outlet:
    """Opens a stream with its description, which receivers get with `inlet.info()`."""
    is_frames = kind == "Frames"  # numbers of frames are too large for float32
    info = lsl.StreamInfo(
        name,
        kind,
        len(channels),
        lsl.IRREGULAR_RATE,
        lsl.cf_double64 if is_frames else lsl.cf_float32,
        f"{identity}/{name}",
    )
    about = info.desc()
    about.append_child_value("made_by", "expression-recogniser")
    about.append_child_value("stamps", "moment of capture, by local_clock()")
    about.append_child_value("labels", ",".join(labels))
    if not {*ACTION_NAMES}.isdisjoint(name for name, _ in channels):
        about.append_child_value("actions", ACTIONS_NOTE)
    listed = about.append_child("channels")
    for label, unit in channels:
        channel = listed.append_child("channel")
        channel.append_child_value("label", label)
        channel.append_child_value("unit", unit)
        channel.append_child_value("type", kind)
    outlet: Outlet = lsl.StreamOutlet(info)
    return outlet
