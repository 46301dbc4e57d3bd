"""Annotates a video as the loop of a tutorial does, for comparison with `run_demo.py`:

python -m tools.plain_loop CLIP OUTPUT

The loop is built from the same parts, one after the other, in one thread: PyAV decodes a frame,
MediaPipe's face detector looks at the whole frame once, each face is aligned and read once by the
same classifier, a box and a label are drawn with OpenCV, and x264 encodes with the settings of an
annotated video. Nothing is tracked, smoothed, searched nearer or recorded. Decoder and encoder have
as many threads of their own as the libraries choose.

The last line of the output is a JSON object: frames, faces, seconds and processor_s of the loop
(without the imports and the loading of the networks).
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from app.crops import align_faces
from app.detection.mediapipe_detector import Detector
from app.errors import DataError
from app.outputs.encoders import SOFTWARE, build_context_settings
from app.process.console import run_command
from app.process.threads import set_threads
from app.recognition.classifier import Classifier
from app.types import Face, Image

GREEN = (0, 255, 0)  # BGR
RATE = Fraction(25)  # frames/s, of a video that does not say


def draw_face(image: Image, face: Face, label: str) -> None:
    """Draws a face's box and label into a picture, `(H, W, 3)` uint8 BGR."""
    x0, y0, x1, y1 = (round(value) for value in face.box_xyxy)
    cv2.rectangle(image, (x0, y0), (x1, y1), GREEN, 2)
    cv2.putText(image, label, (x0, max(12, y0 - 6)), cv2.FONT_HERSHEY_SIMPLEX, 0.6, GREEN, 2)


def annotate_plainly(
    clip: Path, output: Path, detector: Detector, classifier: Classifier, most: int | None = None
) -> tuple[int, int]:
    """Annotates up to `most` frames (None: all). Returns the number of frames and that of faces."""
    contract = classifier.contract
    frames = faces = 0
    with av.open(str(clip)) as source, av.open(str(output), "w") as container:
        track = source.streams.video[0]
        track.thread_type = "AUTO"
        rate, size_wh = track.average_rate or RATE, (track.width, track.height)
        settings = build_context_settings(SOFTWARE[0], size_wh=size_wh, rate=Fraction(rate))
        stream: Any = container.add_stream(  # av's types do not tell a video stream here
            SOFTWARE[0].name, rate=rate, options=settings.options, pix_fmt="yuv420p"
        )
        stream.width, stream.height = size_wh
        stream.codec_context.time_base = track.time_base
        for decoded in source.decode(track):
            if frames == most:
                break
            image = np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)
            found = detector.detect(image)
            crops = align_faces(
                image, found, contract.template, contract.size_px, colour=contract.colour
            )
            for face, shares in zip(found, classifier.predict(crops), strict=True):
                best = int(shares.argmax())
                draw_face(image, face, f"{contract.labels[best]} {shares[best]:.0%}")
            drawn = VideoFrame.from_ndarray(image, format="bgr24")
            drawn.pts, drawn.time_base = decoded.pts, decoded.time_base
            container.mux(stream.encode(drawn))
            frames, faces = frames + 1, faces + len(found)
        container.mux(stream.encode(None))
    return frames, faces


def run_loop(options: argparse.Namespace) -> int:
    """Does what the options ask. Returns the exit code."""
    if not options.clip.is_file():
        raise DataError(f"{options.clip} is no file. Give a video.")
    if options.output.exists():
        raise DataError(f"{options.output} exists already. Choose another name.")
    set_threads()
    classifier = Classifier(device="cpu")
    with Detector() as detector:
        began_s, worked_s = time.perf_counter(), time.process_time()
        try:
            frames, faces = annotate_plainly(
                options.clip, options.output, detector, classifier, options.frames
            )
        except (av.FFmpegError, IndexError) as error:
            raise DataError(f"{options.clip} cannot be annotated: {error}") from error
        seconds, processor_s = time.perf_counter() - began_s, time.process_time() - worked_s
    print(
        f"{frames} frames, {faces} faces: {frames / seconds:.1f} frames/s, "
        f"{1000 * processor_s / max(1, frames):.1f} ms of processor time a frame"
    )
    print(
        json.dumps(
            {"frames": frames, "faces": faces, "seconds": seconds, "processor_s": processor_s}
        )
    )
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Annotates one video. Returns the exit code."""
    top = argparse.ArgumentParser(
        prog="python -m tools.plain_loop",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("clip", type=Path, metavar="CLIP", help="a video")
    top.add_argument("output", type=Path, metavar="OUTPUT", help="the .mp4 to write")
    top.add_argument("--frames", type=int, metavar="N", help="stop after so many")
    options = top.parse_args(argv)
    return run_command(lambda: run_loop(options))


if __name__ == "__main__":
    sys.exit(main())
