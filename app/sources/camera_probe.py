"""Opens one camera or stream and prints its abilities as JSON. The camera is named on stdin:

echo 0 | python -m app.sources.camera_probe

This is a program of its own because a driver may hang, and only a process can be given up then.
"""

import json
import sys
import time
from typing import TypedDict

from app.sources.camera_address import CameraAddress, parse_address

PROBED_SIZES_WH = ((640, 480), (1280, 720), (1920, 1080))


class ProbeFacts(TypedDict, total=False):
    """The abilities of a camera, as the program prints them.

    `opened` is always there. Where it is false, `why` may say the reason; where it is true, the
    others are there, too: `backend` (the library's way to the camera), `modes` (width, height and
    frames/s as the driver reports them) and `first_ms` (the milliseconds from opening to the first
    picture; None if none came).
    """

    opened: bool
    why: str
    backend: str
    modes: list[tuple[int, int, float]]
    first_ms: int | None


def probe_address(address: CameraAddress) -> ProbeFacts:
    """Opens a camera or a stream, reads a picture and closes it again."""
    from app.errors import SourceError

    try:
        return probe_stream(address) if address.is_stream else probe_camera(address)
    except SourceError as error:
        return {"opened": False, "why": str(error)}


def probe_camera(address: CameraAddress) -> ProbeFacts:
    """Opens a camera of this machine and asks for each of `PROBED_SIZES_WH`. Raises `SourceError`
    for a path that is no device."""
    import cv2

    from app.sources.camera import open_device

    cv2.utils.logging.setLogLevel(0)
    began_s = time.perf_counter()
    capture = open_device(address.target)
    if not capture.isOpened():
        return {"opened": False}
    arrived, _ = capture.read()
    first_ms = round(1000 * (time.perf_counter() - began_s))
    modes: list[tuple[int, int, float]] = []
    for width, height in PROBED_SIZES_WH:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        mode = (
            round(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            round(capture.get(cv2.CAP_PROP_FPS)),
        )
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


def probe_stream(address: CameraAddress) -> ProbeFacts:
    """Opens a network stream and reads its first picture. Raises `SourceError` where it cannot."""
    from app.sources.network_stream import StreamFeed

    began_s = time.perf_counter()
    feed = StreamFeed(address)
    try:
        while (image := feed.read().make()) is None:
            pass  # until `read` gives up
    finally:
        feed.close()
    first_ms = round(1000 * (time.perf_counter() - began_s))
    height, width = image.shape[:2]
    return {
        "opened": True,
        "backend": feed.format_name,
        "modes": [(width, height, feed.rate)],
        "first_ms": first_ms,
    }


if __name__ == "__main__":
    print(json.dumps(probe_address(parse_address(sys.stdin.read().strip()))))
