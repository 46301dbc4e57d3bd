"""Reads facial expressions in pictures, videos and camera streams.

These names are the library and stay stable (docs/library.md). Each is loaded at its first use, so
that importing one room of the package brings in no other.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses it, a checkout does not
    print("error: Python 3.11 or newer is needed; this is", sys.version.split()[0], file=sys.stderr)
    raise SystemExit(2)

from app.requirements.import_guard import guard_imports

if TYPE_CHECKING:
    from app.episodes.sink import EpisodesSink
    from app.errors import (
        DataError,
        DeviceError,
        ModelError,
        ProfileError,
        RecogniserError,
        SinkError,
        SourceError,
    )
    from app.events.event import encode_event, make_event
    from app.events.file_sink import EventsSink
    from app.events.lsl import LslSink
    from app.events.osc import OscSink
    from app.outputs.sink import Sink, writing
    from app.outputs.video import VideoSink
    from app.outputs.virtual_camera import VirtualCameraSink
    from app.overlay.stream_overlay import Overlay
    from app.recogniser import Recogniser
    from app.records.reader import RecordsReader
    from app.records.writers import RecordsSink
    from app.sources.camera import CameraSource
    from app.sources.camera_address import CameraAddress
    from app.sources.frame_selection import Selection
    from app.sources.network_stream import StreamSource
    from app.sources.realtime_video import RealtimeVideo
    from app.sources.video import VideoSource
    from app.types import UNSURE, Face, Frame, FrameResult, Image, Silence, TrackedFace

__all__ = [
    "UNSURE",
    "CameraAddress",
    "CameraSource",
    "DataError",
    "DeviceError",
    "EpisodesSink",
    "EventsSink",
    "Face",
    "Frame",
    "FrameResult",
    "Image",
    "LslSink",
    "ModelError",
    "OscSink",
    "Overlay",
    "ProfileError",
    "RealtimeVideo",
    "Recogniser",
    "RecogniserError",
    "RecordsReader",
    "RecordsSink",
    "Selection",
    "Silence",
    "Sink",
    "SinkError",
    "SourceError",
    "StreamSource",
    "TrackedFace",
    "VideoSink",
    "VideoSource",
    "VirtualCameraSink",
    "encode_event",
    "make_event",
    "writing",
]

__version__: str

if not TYPE_CHECKING:  # a type checker would take `__getattr__` for any name

    def __getattr__(name):
        if name == "__version__":
            from app.process.one_line_parser import read_version

            return read_version()
        if name not in __all__:
            raise AttributeError(f"module 'app' has no attribute {name!r}")
        return getattr(import_module(_ROOMS[name]), name)

    def __dir__():
        return sorted({*globals(), *__all__, "__version__"})


guard_imports()  # a missing system library then gives one line, whoever imports OpenCV first

_ROOMS = {
    **dict.fromkeys(
        (
            "DataError",
            "DeviceError",
            "ModelError",
            "ProfileError",
            "RecogniserError",
            "SinkError",
            "SourceError",
        ),
        "app.errors",
    ),
    **dict.fromkeys(
        ("UNSURE", "Face", "Frame", "FrameResult", "Image", "Silence", "TrackedFace"), "app.types"
    ),
    "CameraAddress": "app.sources.camera_address",
    "CameraSource": "app.sources.camera",
    "EpisodesSink": "app.episodes.sink",
    "EventsSink": "app.events.file_sink",
    "LslSink": "app.events.lsl",
    "OscSink": "app.events.osc",
    "Overlay": "app.overlay.stream_overlay",
    "RealtimeVideo": "app.sources.realtime_video",
    "Recogniser": "app.recogniser",
    "RecordsReader": "app.records.reader",
    "RecordsSink": "app.records.writers",
    "Selection": "app.sources.frame_selection",
    "Sink": "app.outputs.sink",
    "StreamSource": "app.sources.network_stream",
    "VideoSink": "app.outputs.video",
    "VideoSource": "app.sources.video",
    "VirtualCameraSink": "app.outputs.virtual_camera",
    "encode_event": "app.events.event",
    "make_event": "app.events.event",
    "writing": "app.outputs.sink",
}
