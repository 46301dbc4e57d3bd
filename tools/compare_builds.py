"""Compares what two builds of this project cost, in turn, in one run:

python -m tools.compare_builds BASE_REF [HEAD_REF [CLIP...]]

Checks both commits out into temporary git worktrees (HEAD_REF left out or ".": the working tree
itself) and lets the two take turns at each task, in the order base, head, head, base, and so on, so
that a busy moment of the machine meets both. CLIP is a video of faces (default: the portrait clip).
Tasks of files, for every clip:

- first-frame: from the start to the end of a run that annotates one frame;
- annotate: an annotated video and records, one worker; records: records alone; jobs: two files
  with --jobs 2. The clip is played --repeat times, so that the start does not hide the rate;
- plain-loop: the head's "annotate" beside `tools.plain_loop`, which takes the place of the base;
- pictures: a folder of pictures of 630 px, of the clip or of --photos.

Tasks with videos that are made of the first clip (`tools.make_speed_clip`):

- phone: 1920 x 1080, H.264, turned by its metadata; 4k-mjpeg, 4k-h264: 3840 x 2160. Annotated;
- live-720p, live-4k: a camera of 30 frames/s that sends JPEGs, shown in a stand-in for a window
  (`tools.live_watch`); stream-4k-mjpeg, stream-4k-h264: the same of an HTTP stream;
- live-ten, live-twenty: so many people before a camera (that of the portrait clip, or of --pack);
- import: `import app`.

Prints medians and the ratio head : base of every pair as median and range: seconds, processor
seconds (user and system, of the process and its workers), frames/s and processor milliseconds a
frame, once of the whole process and once beyond a run of the first frame, and the largest resident
memory of one process. Live tasks: pictures shown a second, processor milliseconds a picture, the
age of a picture when it is shown, resident memory, and how often a second a face is read.

Run it on a quiet machine; ratios hold across machines, seconds do not.

Exit codes: 0 done, 1 an aim is missed (with --aims), 2 could not be done, 130 interrupted.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from app.defaults import PORTRAIT_CLIP
from app.errors import DataError
from app.process.console import run_command
from app.process.machine import count_cores, describe_machine
from tools.build_costs import measure_in_turn
from tools.build_table import (
    HEAD,
    Row,
    find_median_start,
    format_aims,
    format_row,
    judge_aims,
    make_rows,
)
from tools.build_tasks import LIVE_S, TASKS, Setting, Task, plan_tasks
from tools.checkouts import HEAD_REF_HELP, check_out_pair, describe_build
from tools.speed_clips import REPEAT, SpeedClips

RUNS = 3
QUIET_LOAD = 0.5  # of the cores, that other programs may keep busy


def measure_task(task: Task, runs: int, place: Path) -> list[Row]:
    """Measures a task in turn with both builds. Returns its rows."""
    start = None
    if task.starts is not None:
        start = find_median_start(measure_in_turn(task.starts, runs, place))
    return make_rows(task, measure_in_turn(task.measure, runs, place), start)


def describe_load() -> str:
    """Describes the machine and what else it does."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    quiet = "" if load <= QUIET_LOAD * count_cores() else "; not quiet: take the figures with care"
    return f"{describe_machine()}{quiet}"


def compare(options: argparse.Namespace) -> int:
    """Does what the options ask. Returns the exit code."""
    clips = [clip.resolve() for clip in options.clips or [PORTRAIT_CLIP]]
    for clip in clips:
        if not clip.is_file():
            raise DataError(f"{clip} is no file. Give videos after HEAD_REF.")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="compare_builds_") as name:
        place = Path(name)
        with check_out_pair(options.base, options.head, place) as builds:
            names = describe_build(options.base), describe_build(options.head)
            facts = {"base": names[0], "head": names[1], "machine": describe_load()}
            print(f"base: {names[0]}; head: {names[1]}\n{facts['machine']}\n\n{HEAD}", flush=True)
            setting = Setting(
                builds,
                SpeedClips(options.made),
                place,
                options.repeat,
                options.photos and options.photos.resolve(),
                options.pack and options.pack.resolve(),
                options.live_seconds,
            )
            for make_task in plan_tasks(setting, clips, options.tasks or ()):
                found = measure_task(make_task(), options.runs, place)
                print("\n".join(map(format_row, found)), flush=True)
                rows += found
                if options.json is not None:
                    plain = {**facts, "runs": options.runs, "rows": [row.to_json() for row in rows]}
                    options.json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    if not options.aims:
        return 0
    judged = judge_aims(rows)
    print("", *format_aims(judged), sep="\n")
    return int(not all(aim.is_met(row) for aim, row in judged))


def make_parser() -> argparse.ArgumentParser:
    """Makes the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m tools.compare_builds",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("base", metavar="BASE_REF", help="a commit, branch or tag")
    top.add_argument("head", metavar="HEAD_REF", nargs="?", help=HEAD_REF_HELP)
    top.add_argument("clips", metavar="CLIP", type=Path, nargs="*", help="a video of faces")
    top.add_argument(
        "--tasks", nargs="+", choices=TASKS, metavar="TASK", help="only these (default: all)"
    )
    top.add_argument(
        "--runs", type=int, default=RUNS, metavar="N", help=f"of each build (default: {RUNS})"
    )
    top.add_argument(
        "--repeat", type=int, default=REPEAT, metavar="N", help=f"of each clip (default: {REPEAT})"
    )
    top.add_argument(
        "--live-seconds",
        type=float,
        default=LIVE_S,
        metavar="S",
        help=f"of each live run, after three seconds that do not count (default: {LIVE_S:g})",
    )
    top.add_argument(
        "--photos", type=Path, metavar="DIR", help="pictures for the task of that name"
    )
    top.add_argument(
        "--pack", type=Path, metavar="DATA.npz", help="of training.prepare: faces for crowds"
    )
    top.add_argument(
        "--made",
        type=Path,
        metavar="DIR",
        help="where the made videos are kept, 250 MB (default: in the system's temporary folder)",
    )
    top.add_argument("--json", type=Path, metavar="FILE", help="write all values there, too")
    top.add_argument(
        "--aims", action="store_true", help="judge by the aims beside commit 10c39b9, at the end"
    )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Compares the costs. Returns the exit code."""
    top = make_parser()
    options = top.parse_args(argv)
    if min(options.runs, options.repeat) < 1 or options.live_seconds <= 0:
        top.error("--runs and --repeat are at least 1, --live-seconds is more than 0")
    return run_command(lambda: compare(options))


if __name__ == "__main__":
    sys.exit(main())
