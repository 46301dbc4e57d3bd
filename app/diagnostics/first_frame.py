"""Draws the first frame of a video, as the demo does, and prints "drawn": `python -m
app.diagnostics.first_frame CLIP MODEL DEVICE`. The benchmark runs this as a program of its own, to
time its start."""

import sys
from pathlib import Path

from app.process.native_stderr import redirect_native_stderr


def main() -> int:
    """Draws the frame. Returns the exit code: 2 after an error, whose line is on stdout."""
    from app.errors import RecogniserError

    with redirect_native_stderr():
        try:
            _first_frame(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
        except RecogniserError as error:
            print(error, flush=True)
            return 2
    return 0


def _first_frame(clip: Path, model: Path, device: str) -> None:
    from typing import cast

    from app.diagnostics.benchmark_clip import fit_picture
    from app.overlay.drawing import draw_result
    from app.pipeline import build_pipeline
    from app.process.threads import set_threads
    from app.recognition.onnx_session import Device
    from app.runs.networks import load_networks
    from app.runs.plan import RecognitionSettings
    from app.sources.video import VideoSource
    from app.types import Frame, Mode

    set_threads()
    settings = RecognitionSettings(model, cast(Device, device))
    with VideoSource(clip) as source, load_networks(settings) as networks:
        recogniser = build_pipeline(networks.search, networks.classifier, Mode.FILE)
        frame = next(iter(source))
        picture = Frame(fit_picture(frame.image), 0, frame.time_s, frame.source)
        draw_result(recogniser.step(picture))
        print("drawn", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
