"""Frames a second over whole files, beside what decoding and encoding alone take:

python -m tools.measure_throughput clip.mp4 --jobs 1 2

Decodes and encodes copies of the clip one after the other with the encoder settings of an annotated
video, and then runs `run_demo.py` on the same files with an annotated video and records, with each
number of workers, start of the processes and loading of the models included. Processor seconds are
those of all cores together; they tell less of what else the machine does at the time.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import av
from av.video.stream import VideoStream

from app.errors import SourceError
from app.frames.av_versions import to_fraction
from app.outputs.encoders import SOFTWARE, build_context_settings
from app.process.console import run_command
from app.process.machine import count_cores

ROOT = Path(__file__).resolve().parent.parent


def decode_encode(clip: Path, output: Path) -> int:
    """Pictures to pictures, nothing read in them. Returns their number."""
    frames = 0
    with av.open(str(clip)) as source, av.open(str(output), "w") as container:
        video: VideoStream = source.streams.video[0]
        video.thread_type = "AUTO"
        rate, size_wh = to_fraction(video.average_rate) or Fraction(25), (video.width, video.height)
        settings = build_context_settings(SOFTWARE[0], size_wh=size_wh, rate=rate)
        stream: Any = container.add_stream(SOFTWARE[0].name, rate=rate, options=settings.options)
        stream.width, stream.height = video.width, video.height
        stream.pix_fmt = "yuv420p"
        assert video.time_base is not None
        stream.codec_context.time_base = video.time_base
        for frame in source.decode(video):
            container.mux(stream.encode(frame))
            frames += 1
        container.mux(stream.encode(None))
    return frames


def annotate(folder: Path, jobs: int) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, str(ROOT / "run_demo.py"), "--video", str(folder / "in")]
        command += ["--no-window", "-o", out, "--records", ".jsonl", "--jobs", str(jobs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SourceError(f"The run with {jobs} workers failed: {done.stderr.strip()[-300:]}")


def processor_s() -> float:
    """Of this process and of those that it has waited for."""
    times = os.times()
    return sum(times[:4])


def measured(runs: int, work: Callable[[], object]) -> tuple[float, float]:
    """Medians of the seconds and of the processor seconds that `work` takes."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter(), processor_s()
        work()
        taken.append((time.perf_counter() - began[0], processor_s() - began[1]))
    wall, processor = zip(*taken, strict=True)
    return median(wall), median(processor)


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.measure_throughput",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("clip", type=Path, help="a video file")
    top.add_argument(
        "--jobs", type=int, nargs="+", default=[1, 2], metavar="N", help="workers (default: 1 2)"
    )
    top.add_argument("--copies", type=int, default=4, metavar="N", help="files (default: 4)")
    top.add_argument(
        "--runs", type=int, default=1, metavar="N", help="times each, medians are said (default: 1)"
    )
    options = top.parse_args(argv)
    if min(options.copies, options.runs, *options.jobs) < 1:
        top.error("--copies, --runs and --jobs are at least 1")
    if not options.clip.is_file():
        raise SourceError(f"{options.clip} does not exist. Name a video file.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        clips = [folder / "in" / f"{n}{options.clip.suffix}" for n in range(options.copies)]
        for clip in clips:
            shutil.copyfile(options.clip, clip)
        frames = options.copies * decode_encode(options.clip, folder / "plain.mp4")
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
        print(
            f"{options.copies} x {options.clip.name}, {frames} frames; {count_cores()} cores, "
            f"load {load:.1f}; median of {options.runs}"
        )
        plain = partial(_decode_encode_all, clips, folder / "plain.mp4")
        work: list[tuple[str, Callable[[], object]]] = [("decode and encode alone", plain)]
        for jobs in options.jobs:
            title = f"{jobs} worker{'s' if jobs > 1 else ''}"
            work.append((title, partial(annotate, folder, jobs)))
        for title, one in work:
            wall_s, cpu_s = measured(options.runs, one)
            print(
                f"{title:<24} {wall_s:7.1f} s  {frames / wall_s:7.1f} frames/s  "
                f"{cpu_s:7.1f} processor s",
                flush=True,
            )
    return 0


def _decode_encode_all(clips: Sequence[Path], output: Path) -> None:
    for clip in clips:
        decode_encode(clip, output)


if __name__ == "__main__":
    raise SystemExit(run_command(main))
