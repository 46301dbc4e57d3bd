"""Runs the benchmark of `--benchmark` and prints its figures, or writes them to a file."""

import argparse
from pathlib import Path

from app.cli.make_plan import find_single_video, make_recognition
from app.defaults import PORTRAIT_CLIP
from app.diagnostics.benchmark import run_benchmark
from app.diagnostics.benchmark_text import format_figures
from app.files.atomic import reserve, write_text
from app.process.console import DONE, INTERRUPTED, say
from app.process.signals import catch_ctrl_c

STDOUT = Path("-")
CAMERA_SHARE = 3  # one frame of a camera is measured for so many of the clip


def measure_speed(options: argparse.Namespace) -> int:
    """Measures how fast this machine is and tells the figures. Returns the exit code.

    Raises `RecogniserError` for a video, a model or a file that cannot be used.
    """
    path = None if options.json in (None, STDOUT) else options.json
    if path is not None:
        inputs = [find_single_video(options)] if options.video else []
        reserve(path, overwrite=options.overwrite, inputs=inputs)
    clip = find_single_video(options) if options.video else PORTRAIT_CLIP
    recognition = make_recognition(options)
    with catch_ctrl_c() as stop:
        figures = run_benchmark(
            clip,
            model=recognition.model,
            device=recognition.device,
            far_faces=recognition.far_faces,
            max_faces=recognition.max_faces,
            actions=recognition.actions,
            frames=options.benchmark,
            camera_frames=max(1, options.benchmark // CAMERA_SHARE),
            stop=stop,
            say=say,
        )
    if figures is None:
        say("Interrupted; nothing was written.")
        return INTERRUPTED
    if path is not None:
        write_text(path, figures.to_json() + "\n", overwrite=options.overwrite)
    print(figures.to_json() if options.json == STDOUT else format_figures(figures), flush=True)
    return DONE
