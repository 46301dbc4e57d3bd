"""Imports libraries in a way that keeps them from reporting to their makers.

Nothing leaves this machine except the request for a stream that the user named. ONNX Runtime from
1.29 on reports the models that it loads, and keeps a device number and a queue of reports in the
user's cache. MediaPipe from 0.10.35 on reports its use, and has no switch against that (its issue
6291).
"""

import logging
import os
from typing import Any, TypeAlias

OnnxModule: TypeAlias = Any  # onnxruntime has no types
MediapipeModule: TypeAlias = Any  # mediapipe has none either

NO_REPORTS = "ORT_DISABLE_TELEMETRY"
# MediaPipe reports through libcurl, which reads its proxy from this variable. FFmpeg, which fetches
# streams, reads another one.
PROXY = "https_proxy"
NOBODY = "http://127.0.0.1:9"  # an address at which no program listens


def import_onnx_runtime() -> OnnxModule:
    """Imports and returns `onnxruntime`. The switch must be set first, because the library reports
    while it is loaded. Raises `ImportError`."""
    os.environ[NO_REPORTS] = "1"
    import onnxruntime

    return onnxruntime


def lead_mediapipe_reports(proxy: str = NOBODY) -> None:
    """Makes `proxy` the only address that MediaPipe's reports reach. It must be called before the
    library is loaded.

    The variable is set for native code alone. `os.environ`, which Python's own libraries read,
    stays unchanged.
    """
    os.putenv(PROXY, proxy)


def import_mediapipe() -> MediapipeModule:
    """Imports and returns the whole of `mediapipe`, without reports to its maker.
    `app.process.mediapipe_tasks` imports only what a task needs. Raises `ImportError`."""
    lead_mediapipe_reports()
    matplotlib = logging.getLogger("matplotlib")  # MediaPipe imports it, and never draws with it
    before = matplotlib.level
    matplotlib.setLevel(logging.ERROR)  # it warns where the user's folder is read-only
    try:
        import mediapipe as module
    finally:
        matplotlib.setLevel(before)
    return module
