"""What libraries would tell their makers of this machine and its work, and how that is prevented.

Nothing leaves this machine but the request for a stream that the user named. Two libraries see that
otherwise: ONNX Runtime from 1.29 on sends what models it loads, and keeps a device's number and a
queue of reports under the user's cache; MediaPipe from 0.10.35 on sends reports of its use, which
nothing in it switches off (its issue 6291).
"""

import logging
import os
from typing import Any

NO_REPORTS = "ORT_DISABLE_TELEMETRY"
# MediaPipe's reports go through libcurl, which asks the environment for a proxy. Nobody listens
# there. FFmpeg, which fetches streams, heeds another variable.
PROXY, NOBODY = "https_proxy", "http://127.0.0.1:9"


def import_onnx_runtime() -> Any:
    """The module `onnxruntime`; once it is loaded, its first reports are made. Raises
    `ImportError`."""
    os.environ[NO_REPORTS] = "1"
    import onnxruntime

    return onnxruntime


def import_mediapipe(proxy: str = NOBODY) -> Any:
    """Imports and returns `mediapipe`, with `proxy` as the only address that its reports reach.

    The variable is set for native code alone. `os.environ`, which Python's own libraries read,
    stays unchanged.
    """
    os.putenv(PROXY, proxy)
    matplotlib = logging.getLogger("matplotlib")  # which MediaPipe imports, and never draws with
    before = matplotlib.level
    matplotlib.setLevel(logging.ERROR)  # it warns where the user's folder cannot be written to
    try:
        import mediapipe as module
    finally:
        matplotlib.setLevel(before)
    return module
