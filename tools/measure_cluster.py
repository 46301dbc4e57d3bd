"""Frames a second of `python -m app.cluster` beside `run_demo.py --jobs`, records only:

python -m tools.measure_cluster CLIP --copies 200 --workers 2 --runs 3

CLIP is a video, such as one of a minute that `tools.make_speed_clip repeated` makes. Both commands
read the same copies, in turn; every other run begins with the second command. A rate is all frames
over the whole time of the command. "Begin" is the time until the first worker has loaded the
networks, "end" the time after the last video. Processor time is that of all processes of the
command together, and is nearly the same on a busy machine; the time of the last half second of each
is missing. Memory is that of all of them, too (proportional set size, so that shared pages count
once); the largest value of the first and of the last third of the run are shown: they are alike
where memory does not grow. The ratios are medians of those of each run. Records of both must be
byte-equal.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from app.errors import DataError
from app.process.console import DONE, new_parser, run_command, say
from app.process.machine import count_cores
from tools.process_tree import TreeWatch

ROOT = Path(__file__).resolve().parent.parent
FRAMES = re.compile(r": (\d+) frames with ")
READY = re.compile(r"\.onnx on ")


@dataclass(frozen=True, slots=True)
class ClusterRun:
    """One run of a command: `begin_s`, `whole_s` and `end_s` in seconds, the seconds of processor
    time, and the largest memory in MB of its first and its last third."""

    frames: int
    begin_s: float
    whole_s: float
    end_s: float
    processor_s: float
    first_mb: float
    last_mb: float

    @property
    def rate(self) -> float:
        """Frames a second, begin and end included."""
        return self.frames / self.whole_s

    @property
    def steady_rate(self) -> float:
        """Frames a second between begin and end."""
        return self.frames / (self.whole_s - self.begin_s - self.end_s)

    @property
    def frame_ms(self) -> float:
        """Milliseconds of processor time a frame, begin and end included."""
        return 1000 * self.processor_s / self.frames


def split_thirds(samples: Sequence[float]) -> tuple[float, float]:
    """Gives the largest value of the first and of the last third.

    >>> split_thirds([1.0, 5.0, 9.0, 2.0, 3.0, 4.0])
    (5.0, 4.0)
    """
    third = max(1, len(samples) // 3)
    return max(samples[:third], default=0.0), max(samples[-third:], default=0.0)


def run_once(command: Sequence[str]) -> ClusterRun:
    """Runs a command to its end. Raises `DataError` where it fails."""
    began_s = time.monotonic()
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    frames, ready_s, last_s, said = 0, began_s, began_s, ""
    assert process.stderr is not None
    with TreeWatch(process.pid) as watch:
        for said in process.stderr:
            if READY.search(said) and ready_s == began_s:
                ready_s = time.monotonic()
            if found := FRAMES.search(said):
                frames += int(found[1])
                last_s = time.monotonic()
        code = process.wait()
        ended_s = time.monotonic()
    if code != DONE or not frames:
        raise DataError(f"{' '.join(command[1:4])} … ended with {code}: {said.strip()}")
    return ClusterRun(
        frames,
        ready_s - began_s,
        ended_s - began_s,
        ended_s - last_s,
        watch.processor_s,
        *split_thirds(watch.memory_mb),
    )


def format_runs(name: str, runs: Sequence[ClusterRun]) -> str:
    """Formats the medians of the runs of a command, as a row of a table in Markdown."""
    rates = [one.rate for one in runs]
    spread = f"{min(rates):.1f} to {max(rates):.1f}"
    cells = [
        f"{median(rates):.1f} ({spread})",
        f"{median(one.steady_rate for one in runs):.1f}",
        f"{median(one.frame_ms for one in runs):.2f} ms",
        f"{median(one.begin_s for one in runs):.1f} s",
        f"{median(one.end_s for one in runs):.1f} s",
        f"{median(one.first_mb for one in runs):.0f} MB",
        f"{median(one.last_mb for one in runs):.0f} MB",
    ]
    return f"| {name} | {' | '.join(cells)} |"


def format_table(measured: dict[str, list[ClusterRun]]) -> str:
    """Formats the runs of two commands as a table in Markdown, with the ratios of the second one to
    the first below it."""
    first, second = measured.values()
    pairs = list(zip(first, second, strict=True))
    rate = median(b.rate / a.rate for a, b in pairs)
    steady = median(b.steady_rate / a.steady_rate for a, b in pairs)
    processor = median(b.frame_ms / a.frame_ms for a, b in pairs)
    return "\n".join(
        [
            "| command | frames/s (range) | between begin and end | processor time a frame | begin"
            " | end | memory, first third | last third |",
            "|---|---|---|---|---|---|---|---|",
            *(format_runs(name, found) for name, found in measured.items()),
            "",
            f"ratios: frames/s {rate:.3f}, between begin and end {steady:.3f}, processor time a "
            f"frame {processor:.3f}",
        ]
    )


def compare_commands(clip: Path, copies: int, workers: int, runs: int) -> int:
    """Measures both commands in turn and prints a table. Raises `DataError`."""
    if not clip.is_file():
        raise DataError(f"{clip} does not exist. Name a video.")
    with tempfile.TemporaryDirectory(prefix="cluster-") as name:
        folder = Path(name)
        films = folder / "films"
        films.mkdir()
        source = films / f"0000{clip.suffix}"
        source.write_bytes(clip.read_bytes())
        for number in range(1, copies):
            os.link(source, films / f"{number:04}{clip.suffix}")
        common = ["--device", "cpu", "--overwrite", "--records"]
        jobs = [sys.executable, "run_demo.py", "--no-window", "--jobs", f"{workers}"]
        ray = [sys.executable, "-m", "app.cluster", "--workers", f"{workers}"]
        commands = {
            f"`--jobs {workers}`": [*jobs, "--video", str(films), *common, str(folder / "jobs")],
            f"`app.cluster`, {workers} workers": [
                *ray,
                str(films),
                *common,
                str(folder / "cluster"),
            ],
        }
        measured: dict[str, list[ClusterRun]] = {name: [] for name in commands}
        for number in range(runs):
            order = list(commands.items())
            for name, command in order if number % 2 == 0 else reversed(order):
                measured[name].append(run_once(command))
                say(f"run {number + 1} of {runs}, {name}: {measured[name][-1].rate:.1f} frames/s")
        _check_equal(folder / "jobs", folder / "cluster", copies)
    frames = next(iter(measured.values()))[0].frames
    print(
        f"{copies} copies of {clip.name} of {frames // copies} frames, {runs} runs, "
        f"{count_cores()} cores; records byte-equal\n\n{format_table(measured)}"
    )
    return DONE


def _check_equal(one: Path, other: Path, copies: int) -> None:
    files = sorted(one.glob("*.jsonl"))
    both = [(path.read_bytes(), (other / path.name).read_bytes()) for path in files]
    if len(files) != copies or any(a != b for a, b in both):
        raise DataError("The records of the two commands differ.")


def parser() -> argparse.ArgumentParser:
    top = new_parser("python -m tools.measure_cluster", __doc__ or "", "")
    top.add_argument("clip", type=Path, metavar="CLIP")
    top.add_argument("--copies", type=int, default=200, metavar="N")
    top.add_argument("--workers", type=int, default=2, metavar="N")
    top.add_argument("--runs", type=int, default=3, metavar="N")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    found = parser().parse_args(argv)
    return run_command(
        lambda: compare_commands(found.clip, found.copies, found.workers, found.runs)
    )


if __name__ == "__main__":
    raise SystemExit(main())
