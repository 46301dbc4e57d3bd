"""Compares what two builds of this project cost, in turn, in one run:

python -m tools.compare_builds BASE_REF [HEAD_REF] [--clips CLIP...] [--pairs 5]

Checks BASE_REF (and HEAD_REF, if given; else the working tree counts) out into a temporary git
worktree and lets the two take turns at each task, in the order base, head, head, base, and so on,
so that a busy moment of the machine meets both. Prints, for each task and clip, medians of the
whole process (with its workers) and the ratio head : base of every pair, as median and range:

- seconds from start to end, and frames/s in them;
- processor seconds, user and system, and milliseconds a frame beyond those of the first frame;
- the largest resident memory of one process.

Run it on a quiet machine; ratios hold across machines, seconds do not.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import av
import cv2

from app.defaults import DEMO_CLIP, ROOT
from app.errors import DataError
from app.process.console import run_command
from tools.checkouts import check_out

PICTURES = 24  # of the clip, spread over it
PAIRS = 5
KIB_PER_MB = 1000.0 / 1.024  # `ru_maxrss` is in KiB


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one process and of all that it waited for."""

    wall_s: float
    processor_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Task:
    """Something that both builds do. `words` makes the command's words from a clip and a new folder
    for outputs; `count_frames` counts what is read of a clip."""

    name: str
    words: Callable[[Path, Path], list[str]]
    count_frames: Callable[[Path], int]


def count_video_frames(clip: Path) -> int:
    """Counts the frames of a video by decoding it."""
    with av.open(str(clip)) as container:
        return sum(1 for _ in container.decode(video=0))


def write_pictures(clip: Path, folder: Path) -> None:
    """Writes `PICTURES` frames of a clip as JPEG, evenly spread over it."""
    total = count_video_frames(clip)
    wanted = {round(k * (total - 1) / (PICTURES - 1)) for k in range(PICTURES)}
    folder.mkdir(parents=True)
    with av.open(str(clip)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in wanted:
                cv2.imwrite(str(folder / f"{index:06d}.jpg"), frame.to_ndarray(format="bgr24"))


def list_tasks(made: Path) -> list[Task]:
    """Lists the tasks. `made` has, for each clip, its name's folder with `pictures` and two
    copies."""

    def read(clip: Path, *words: str) -> list[str]:
        return ["run_demo.py", "--video", str(clip), "--no-window", "--device", "cpu", *words]

    def find_made(clip: Path, what: str) -> Path:
        return made / clip.stem / what

    return [
        Task("import app", lambda clip, out: ["-c", "import app"], lambda clip: 1),
        Task(
            "first frame",
            lambda clip, out: read(
                clip, "--end", "0.001", "-o", str(out / "a.mp4"), "--records", str(out / "a.jsonl")
            ),
            lambda clip: 1,
        ),
        Task(
            "annotate",
            lambda clip, out: read(
                clip, "-o", str(out / "a.mp4"), "--records", str(out / "a.jsonl")
            ),
            count_video_frames,
        ),
        Task(
            "records",
            lambda clip, out: read(clip, "--records", str(out / "a.jsonl")),
            count_video_frames,
        ),
        Task(
            "two, --jobs 2",
            lambda clip, out: read(
                find_made(clip, "twice"), "--jobs", "2", "-o", str(out), "--records", str(out)
            ),
            lambda clip: 2 * count_video_frames(clip),
        ),
        Task(
            "pictures",
            lambda clip, out: [
                *("run_demo.py", "--image", str(find_made(clip, "pictures")), "--no-window"),
                *("--device", "cpu", "-o", str(out / "pictures")),
            ],
            lambda clip: len(list(find_made(clip, "pictures").iterdir())),
        ),
    ]


def measure_process(words: Sequence[str], checkout: Path) -> Cost:
    """Runs Python with `words` in a checkout and waits for its end. Raises `DataError` where it
    fails."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    with tempfile.TemporaryFile() as said:
        began_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-1:]
            raise DataError(f"{' '.join(words)} failed in {checkout}: {' '.join(last)}")
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KIB_PER_MB)


def measure_in_turn(
    task: Task, clip: Path, builds: tuple[Path, Path], pairs: int, place: Path
) -> list[tuple[Cost, Cost]]:
    """Measures `pairs` pairs (base, head); every other pair begins with head."""
    measured = []
    for turn in range(pairs):
        costs: dict[Path, Cost] = {}
        for build in builds if turn % 2 == 0 else builds[::-1]:
            out = Path(tempfile.mkdtemp(dir=place))
            costs[build] = measure_process(task.words(clip, out), build)
            shutil.rmtree(out)
        measured.append((costs[builds[0]], costs[builds[1]]))
    return measured


def describe_ratio(pairs: Sequence[tuple[float, float]]) -> str:
    """Describes the ratios head : base of pairs, as median and range.

    >>> describe_ratio([(2.0, 1.0), (2.0, 2.0), (4.0, 3.0)])
    '0.75 (0.50 to 1.00)'
    """
    ratios = sorted(head / base for base, head in pairs)
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def format_rows(
    task: Task, clip: Path, measured: Sequence[tuple[Cost, Cost]], first_s: tuple[float, float]
) -> list[str]:
    """Formats the rows of one task. `first_s`: processor seconds up to the first frame."""
    frames = task.count_frames(clip)
    base, head = zip(*measured, strict=True)

    def row(unit: str, values: Callable[[Cost], float], digits: int) -> str:
        one, two = (statistics.median(map(values, side)) for side in (base, head))
        ratio = describe_ratio([(values(a), values(b)) for a, b in measured])
        medians = f"{one:.{digits}f} | {two:.{digits}f}"
        return f"| {task.name} | {clip.name} | {unit} | {medians} | {ratio} |"

    rows = [
        row("seconds", lambda cost: cost.wall_s, 2),
        row("processor seconds", lambda cost: cost.processor_s, 2),
    ]
    # A process begins as a copy of this one, whose memory counts as its own.
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MB
    if all(cost.peak_mb > 1.1 * own_mb for cost in (*base, *head)):
        rows.append(row("peak memory, MB", lambda cost: cost.peak_mb, 0))
    if frames > 1:
        rows.append(row("frames/s", lambda cost: frames / cost.wall_s, 1))
        pairs = [
            tuple(
                1000 * (cost.processor_s - first) / (frames - 1)
                for cost, first in zip(pair, first_s, strict=True)
            )
            for pair in measured
        ]
        one, two = (statistics.median(side) for side in zip(*pairs, strict=True))
        rows.append(
            f"| {task.name} | {clip.name} | processor ms a frame | {one:.1f} | {two:.1f} | "
            f"{describe_ratio([(a, b) for a, b in pairs])} |"
        )
    return rows


def compare(options: argparse.Namespace) -> int:
    """Does what the options ask. Returns the exit code."""
    clips = [clip.resolve() for clip in options.clips]
    for clip in clips:
        if not clip.is_file():
            raise DataError(f"{clip} is no file. Give videos to --clips.")
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare_builds_")))
        first = stack.enter_context(check_out(options.base, place / "tree_base"))
        second = ROOT
        if options.head is not None:
            second = stack.enter_context(check_out(options.head, place / "tree_head"))
        print(
            "| task | clip | | base | head | head : base |\n|---|---|---|---|---|---|", flush=True
        )
        for clip in clips:
            made = place / "made" / clip.stem
            write_pictures(clip, made / "pictures")
            (made / "twice").mkdir()
            for name in ("one", "two"):
                shutil.copy2(clip, made / "twice" / f"{name}{clip.suffix}")
            first_s = (0.0, 0.0)
            for task in list_tasks(place / "made"):
                if options.tasks and task.name not in (*options.tasks, "first frame"):
                    continue
                measured = measure_in_turn(task, clip, (first, second), options.pairs, place)
                if task.name == "first frame":
                    base, head = zip(*measured, strict=True)
                    first_s = (
                        statistics.median(cost.processor_s for cost in base),
                        statistics.median(cost.processor_s for cost in head),
                    )
                print("\n".join(format_rows(task, clip, measured, first_s)), flush=True)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.compare_builds",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    parser.add_argument("base", metavar="BASE_REF", help="a commit, branch or tag")
    parser.add_argument("head", metavar="HEAD_REF", nargs="?", help="(default: the working tree)")
    parser.add_argument("--clips", type=Path, nargs="+", default=[DEMO_CLIP], metavar="CLIP")
    parser.add_argument("--pairs", type=int, default=PAIRS, metavar="N", help=f"(default: {PAIRS})")
    parser.add_argument(
        "--tasks",
        nargs="+",
        metavar="TASK",
        help="only these: 'import app', 'annotate', 'records', 'two, --jobs 2', 'pictures'",
    )
    options = parser.parse_args(argv)
    return run_command(lambda: compare(options))


if __name__ == "__main__":
    sys.exit(main())
