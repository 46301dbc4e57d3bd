"""Facial expressions of pictures, videos and cameras. These names are the library and stay as they
are (docs/library.md); they are loaded when they are first asked for, so that importing one room of
the package brings in no other."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses it, a checkout does not
    print("error: Python 3.11 or newer is needed; this is", sys.version.split()[0], file=sys.stderr)
    raise SystemExit(2)

from app.system_needs import guard

if TYPE_CHECKING:
    from app.address import CameraAddress
    from app.camera import CameraSource
    from app.episodes_sink import EpisodesSink
    from app.errors import DeviceError, ModelError, RecogniserError, SinkError, SourceError
    from app.overlay import Overlay
    from app.recogniser import Recogniser
    from app.records import RecordsSink
    from app.sampling import Selection
    from app.sink import Sink, writing
    from app.stream import StreamSource
    from app.types import UNSURE, Face, Frame, FrameResult, Image, Silence, TrackedFace
    from app.video_sink import VideoSink
    from app.video_source import VideoSource

__all__ = [
    "UNSURE",
    "CameraAddress",
    "CameraSource",
    "DeviceError",
    "EpisodesSink",
    "Face",
    "Frame",
    "FrameResult",
    "Image",
    "ModelError",
    "Overlay",
    "Recogniser",
    "RecogniserError",
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
    "writing",
]

if not TYPE_CHECKING:  # so that a type checker still knows which names there are

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module 'app' has no attribute {name!r}")
        return getattr(import_module(_ROOMS[name]), name)

    def __dir__():
        return sorted({*globals(), *__all__})


guard()  # what the machine lacks is said in one line, whoever imports OpenCV or MediaPipe first

_ROOMS = {
    **dict.fromkeys(
        ("DeviceError", "ModelError", "RecogniserError", "SinkError", "SourceError"), "app.errors"
    ),
    **dict.fromkeys(
        ("UNSURE", "Face", "Frame", "FrameResult", "Image", "Silence", "TrackedFace"), "app.types"
    ),
    "CameraAddress": "app.address",
    "CameraSource": "app.camera",
    "EpisodesSink": "app.episodes_sink",
    "Overlay": "app.overlay",
    "Recogniser": "app.recogniser",
    "RecordsSink": "app.records",
    "Selection": "app.sampling",
    "Sink": "app.sink",
    "StreamSource": "app.stream",
    "VideoSink": "app.video_sink",
    "VideoSource": "app.video_source",
    "writing": "app.sink",
}
