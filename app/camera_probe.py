"""Looks at one camera: `python -m app.camera_probe N` prints what it can do as JSON.

A program of its own, because a driver may hang, and then only a process can be given up.
"""

import json
import sys
import time
from typing import Any

MODES_WH = ((640, 480), (1280, 720), (1920, 1080))


def probe(index: int) -> dict[str, Any]:
    """`opened`, and where it did: `backend`, `modes` (width, height, frames/s that it says) and
    `first_ms`, the time to its first picture, None when none came."""
    import cv2

    cv2.utils.logging.setLogLevel(0)
    began = time.perf_counter()
    capture = cv2.VideoCapture(index)
    if not capture.isOpened():
        return {"opened": False}
    arrived, _ = capture.read()
    first_ms = round(1000 * (time.perf_counter() - began))
    modes = []
    for width, height in MODES_WH:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        wanted = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        mode = [round(capture.get(what)) for what in wanted]
        if mode not in modes:
            modes.append(mode)
    backend = capture.getBackendName()
    capture.release()
    return {
        "opened": True,
        "backend": backend,
        "modes": modes,
        "first_ms": first_ms if arrived else None,
    }


if __name__ == "__main__":
    print(json.dumps(probe(int(sys.argv[1]))))
