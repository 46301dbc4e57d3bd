"""Frames a second over whole files, beside what decoding and encoding alone take:

python -m tools.measure_throughput clip.mp4 --jobs 1 2

Runs `run_demo.py` on copies of the clip with an annotated video and records, with each number of
workers, start of the processes and loading of the models included, and then decodes and encodes the
same files one after the other with the same encoder settings.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from app.commands import run
from app.encoders import SOFTWARE, context_settings
from app.types import SourceError
from app.workers import cores

ROOT = Path(__file__).resolve().parent.parent


def decode_encode(clip: Path, output: Path) -> int:
    """Pictures to pictures, nothing read in them. Returns their number."""
    frames = 0
    with av.open(str(clip)) as source, av.open(str(output), "w") as container:
        video = source.streams.video[0]
        video.thread_type = "AUTO"
        rate, size_wh = video.average_rate or Fraction(25), (video.width, video.height)
        settings = context_settings(SOFTWARE[0], size_wh=size_wh, rate=rate)
        stream = container.add_stream(SOFTWARE[0].name, rate=rate, **settings)
        stream.width, stream.height = video.width, video.height
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = video.time_base
        for frame in source.decode(video):
            container.mux(stream.encode(frame))
            frames += 1
        container.mux(stream.encode(None))
    return frames


def annotate(folder: Path, jobs: int) -> float:
    """Seconds."""
    out = folder / f"out{jobs}"
    command = [sys.executable, str(ROOT / "run_demo.py"), "--video", str(folder / "in")]
    command += ["--no-window", "-o", str(out), "--records", ".jsonl", "--jobs", str(jobs)]
    began_s = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    took_s = time.perf_counter() - began_s
    if done.returncode != 0:
        raise SourceError(f"The run with {jobs} workers failed: {done.stderr.strip()[-300:]}")
    return took_s


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
    options = top.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        clips = [folder / "in" / f"{n}{options.clip.suffix}" for n in range(options.copies)]
        for clip in clips:
            shutil.copyfile(options.clip, clip)
        began_s = time.perf_counter()
        frames = sum(decode_encode(clip, folder / "plain.mp4") for clip in clips)
        plain_s = time.perf_counter() - began_s
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
        print(
            f"{options.copies} x {options.clip.name}, {frames} frames; {cores()} cores, "
            f"load {load:.1f}"
        )
        print(f"decode and encode alone  {plain_s:7.1f} s  {frames / plain_s:7.1f} frames/s")
        for jobs in options.jobs:
            took_s = annotate(folder, jobs)
            print(
                f"{jobs} worker{'s' if jobs > 1 else ' '}                {took_s:7.1f} s  "
                f"{frames / took_s:7.1f} frames/s",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
