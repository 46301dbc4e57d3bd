"""Memory over a long video:

python -m tools.measure_long_video --hours 4

Makes a video of that length out of the portrait clip in 160 x 120, annotates it as `run_demo.py`
does (records, episodes and an annotated video), reading `--fps` frames a second of it, and prints
the resident memory on the way. Exit code 1 when the median of the last quarter is more than 5 % and
8 MB above that of the second one (the first is for warming up).
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import median

import av

from app.batch.annotate import annotate
from app.defaults import PORTRAIT_CLIP
from app.process.console import run_command
from app.process.machine import measure_resident_mb
from app.runs.networks import load_networks
from app.runs.plan import OutputPaths, RecognitionSettings, RunPlan, VideoInput
from app.sources.frame_selection import Selection

SIZE_WH = (160, 120)
RATE = 5
MAX_GROWTH, MAX_GROWTH_MB = 0.05, 8.0
SAMPLES = 24


def write_long_video(path: Path, seconds: float) -> int:
    """The clip again and again: its packets are encoded once and repeated. Returns the frames."""
    with av.open(str(PORTRAIT_CLIP)) as clip:
        pictures = [
            frame.reformat(*SIZE_WH, format="yuv420p")
            for number, frame in enumerate(clip.decode(video=0))
            if number % RATE == 0  # 25 frames a second
        ]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, width=SIZE_WH[0], height=SIZE_WH[1])
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "24", "preset": "veryfast", "bf": "0", "g": str(len(pictures))}
        stream.codec_context.time_base = Fraction(1, RATE)
        once: list[tuple[bytes, bool]] = []
        for number, picture in enumerate(pictures):
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            once += [(bytes(packet), packet.is_keyframe) for packet in stream.encode(picture)]
        once += [(bytes(packet), packet.is_keyframe) for packet in stream.encode(None)]
        frames = max(1, round(seconds * RATE))
        for number in range(frames):
            content, key = once[number % len(once)]
            packet = av.Packet(content)
            packet.pts = packet.dts = number
            packet.duration, packet.time_base = 1, Fraction(1, RATE)
            packet.stream, packet.is_keyframe = stream, key
            container.mux(packet)
    return frames


def grown_mb(samples_mb: Sequence[float]) -> float:
    """From the second quarter to the last."""
    quarter = max(1, len(samples_mb) // 4)
    return median(samples_mb[-quarter:]) - median(samples_mb[quarter : 2 * quarter])


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.measure_long_video",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("--hours", type=float, default=4, metavar="H", help="default: 4")
    top.add_argument(
        "--fps", type=float, default=0.5, metavar="X", help="frames read a second (default: 0.5)"
    )
    options = top.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        return measure(Path(name), options.hours, options.fps)


def measure(folder: Path, hours: float, fps: float) -> int:
    clip = folder / "long.mp4"
    frames = write_long_video(clip, 3600 * hours)
    print(f"{hours:g} hours, {frames} frames, {clip.stat().st_size / 1e6:.1f} MB", flush=True)
    outputs = OutputPaths(folder / "out.mp4", folder / "out.csv", (folder / "out.vtt",))
    settings = RecognitionSettings(device="cpu")
    plan = RunPlan(VideoInput(clip), outputs, Selection(fps=fps), settings)
    step = max(1, frames // SAMPLES)
    samples: list[float] = []
    began_s = time.monotonic()

    def look(reached: int) -> None:
        if reached % step == 0:
            samples.append(measure_resident_mb() or 0.0)
            print(
                f"{reached / RATE / 3600:6.2f} h  {time.monotonic() - began_s:6.0f} s  "
                f"{samples[-1]:7.1f} MB",
                flush=True,
            )

    with load_networks(settings) as networks:
        outcome = annotate(plan, networks, stop=lambda: False, on_reach=look)
    more_mb = grown_mb(samples)
    print(
        f"{outcome.frames} frames read with {outcome.faces} faces in {outcome.seconds:.0f} s; "
        f"{more_mb:+.1f} MB from the second quarter to the last"
    )
    start_mb = median(samples[len(samples) // 4 :])
    return int(more_mb > max(MAX_GROWTH_MB, MAX_GROWTH * start_mb))


if __name__ == "__main__":
    raise SystemExit(run_command(main))
