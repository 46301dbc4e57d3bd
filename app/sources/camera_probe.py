"""Looks at one camera or stream, named on stdin: `echo 0 | python -m app.sources.camera_probe`
prints what it can do as JSON.

A program of its own, because a driver may hang, and then only a process can be given up.
"""

import json
import sys
import time
from typing import Any

from app.sources.camera_address import CameraAddress, parse_address

MODES_WH = ((640, 480), (1280, 720), (1920, 1080))


def probe_address(address: CameraAddress) -> dict[str, Any]:
    """`opened`, and where it did: `backend`, `modes` (width, height, frames/s that it says) and
    `first_ms`, the time to its first picture, None when none came. Where it did not, `why`."""
    from app.errors import SourceError

    try:
        return probe_stream(address) if address.is_stream else probe_camera(address)
    except SourceError as error:
        return {"opened": False, "why": str(error)}


def probe_camera(address: CameraAddress) -> dict[str, Any]:
    import cv2

    from app.sources.camera import open_device

    cv2.utils.logging.setLogLevel(0)
    began = time.perf_counter()
    capture = open_device(address.target)
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


def probe_stream(address: CameraAddress) -> dict[str, Any]:
    from app.sources.network_stream import StreamFeed

    began = time.perf_counter()
    feed = StreamFeed(address)
    try:
        image = feed.read()
    finally:
        feed.close()
    first_ms = round(1000 * (time.perf_counter() - began))
    height, width = image.shape[:2]
    return {
        "opened": True,
        "backend": feed.format_name,
        "modes": [[width, height, feed.rate]],
        "first_ms": first_ms,
    }


if __name__ == "__main__":
    print(json.dumps(probe_address(parse_address(sys.stdin.read().strip()))))
