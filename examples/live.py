"""What a camera sees, a line whenever somebody's expression changes:

python examples/live.py 0

The number is the camera's; an address (rtsp://…) is a stream, `demo` plays the demo clip as if it
were a camera. Ctrl-C ends it.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from app import (
    CameraAddress,
    CameraSource,
    Frame,
    Recogniser,
    RecogniserError,
    Silence,
    StreamSource,
    VideoSource,
)

DEMO_CLIP = Path(__file__).resolve().parent.parent / "app" / "assets" / "demo.mp4"


def played(clip: VideoSource) -> Iterator[Frame]:
    """The frames of a file at their own times; those that are late are left out, as a camera's."""
    began_s = time.monotonic()
    for frame in clip:
        ahead_s = began_s + frame.time_s - time.monotonic()
        if ahead_s < -0.1 and frame.index:
            continue
        time.sleep(max(0.0, ahead_s))
        yield frame


def changes(recogniser: Recogniser, frames: Iterable[Frame | Silence]) -> Iterator[str]:
    said: dict[int, str] = {}
    for result in recogniser.stream(frames):
        for face in result.faces:
            if said.get(face.face_id) != face.label:
                said[face.face_id] = face.label
                yield f"{result.frame.time_s:6.1f} s  face {face.face_id}: {face.label}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What a camera sees, a line for each change.")
    parser.add_argument("camera", nargs="?", default="0", help="number, device, address, or demo")
    camera: str = parser.parse_args(argv).camera
    try:
        with Recogniser() as recogniser:
            if camera == "demo":
                with VideoSource(DEMO_CLIP) as clip:
                    for line in changes(recogniser, played(clip)):
                        print(line, flush=True)
                return 0
            address = CameraAddress(int(camera) if camera.isdecimal() else camera)
            source = StreamSource(address) if address.is_stream else CameraSource(address.target)
            with source:
                for line in changes(recogniser, source):
                    print(line, flush=True)
    except RecogniserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
