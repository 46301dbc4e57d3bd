"""Compares what two builds of this project read in videos: faces, labels, places and episodes.

python -m tools.compare_readings BASE_REF HEAD_REF CLIP...
python -m tools.compare_readings --records A.jsonl B.jsonl

The first form checks both commits out into temporary git worktrees (HEAD_REF ".": the working tree
itself), writes the records of every clip with each, and compares them. The second form compares two
records of one video, such as those of two settings; the first counts as the base.

Faces of a frame are matched by their places. For each clip and for all together, a table has:

- the share of the base's faces that the head has, too, and the faces that only the head has;
- of the faces in both: the share with the same label ("unsure" counts as one), with centres of
  their boxes within 2 % of the face's size, and with the number of the same person;
- the episodes of 0.5 s or longer without a counterpart of the same person and label, and those that
  begin or end more than 0.1 s elsewhere.

With --moved, the head reads copies of the clips, encoded without loss, whose pictures lie two
pixels further to the right. Where both are the same commit, the table then says how much the
detector itself trembles: no other way of reading can be told apart below that.

Exit codes: 0 every aim is met, 1 one is missed, 2 could not be done, 130 interrupted.
"""

import argparse
import dataclasses
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.errors import DataError
from app.process.console import run_command
from app.records.reader import RecordsReader
from tools.build_costs import make_environment
from tools.checkouts import check_out_pair, describe_build
from tools.moved_clip import move_back, write_moved_clip
from tools.readings_difference import ReadingsDifference, compare_records
from tools.readings_verdict import Verdict, judge_difference, list_places

WORST = 5  # lines of each kind of difference


def write_records(build: Path, clip: Path, path: Path, options: Sequence[str]) -> None:
    """Writes the records of a clip with a build. Raises `DataError` where it fails."""
    words = ["run_demo.py", "--video", str(clip), "--no-window", "--records", str(path)]
    done = subprocess.run(
        [sys.executable, *words, "--device", "cpu", *options],
        cwd=build,
        env=make_environment(build),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = " ".join(done.stderr.strip().splitlines()[-1:])
        raise DataError(f"run_demo.py failed with {clip.name} in {build}: {last}")


def compare_files(base: Path, head: Path, *, is_moved: bool = False) -> ReadingsDifference:
    """Compares two records files, the second one perhaps of a moved clip. Raises `DataError` for
    what is no records file."""
    second = RecordsReader(head)
    return compare_records(
        list(RecordsReader(base)), list(move_back(second) if is_moved else second)
    )


def compare_clip(
    clip: Path,
    builds: tuple[Path, Path],
    options: tuple[list[str], list[str]],
    place: Path,
    *,
    is_moved: bool,
) -> ReadingsDifference:
    """Writes the records of a clip with both builds at the same time, and compares them. With
    `is_moved`, the head reads a moved copy of the clip."""
    with tempfile.TemporaryDirectory(dir=place) as name, ThreadPoolExecutor(2) as pool:
        paths = [Path(name) / f"{side}.jsonl" for side in ("base", "head")]
        clips = [clip, clip]
        if is_moved:
            clips[1] = Path(name) / f"{clip.stem}.mkv"
            write_moved_clip(clip, clips[1])
        tasks = [
            pool.submit(write_records, build, one, path, words)
            for build, one, path, words in zip(builds, clips, paths, options, strict=True)
        ]
        for task in tasks:
            task.result()
        return compare_files(*paths, is_moved=is_moved)


def join_differences(found: Sequence[ReadingsDifference]) -> ReadingsDifference:
    """Adds the differences of several videos up."""
    return ReadingsDifference(
        frames=sum(one.frames for one in found),
        lone_frames=sum(one.lone_frames for one in found),
        pairs=tuple(pair for one in found for pair in one.pairs),
        base_only=tuple(face for one in found for face in one.base_only),
        head_only=tuple(face for one in found for face in one.head_only),
        identities=sum(one.identities for one in found),
        same_numbers=sum(one.same_numbers for one in found),
        people=(sum(one.people[0] for one in found), sum(one.people[1] for one in found)),
        lost=tuple(episode for one in found for episode in one.lost),
        gained=tuple(episode for one in found for episode in one.gained),
        episodes=tuple(pair for one in found for pair in one.episodes),
    )


def format_verdicts(title: str, verdicts: Sequence[Verdict]) -> list[str]:
    """Formats a Markdown table of the figures of one clip."""
    words = {True: "met", False: "**missed**", None: ""}
    return [
        f"| {title} | figure | aim | |",
        "|---|---|---|---|",
        *(f"| {one.name} | {one.figure} | {one.aim} | {words[one.is_met]} |" for one in verdicts),
    ]


def print_clip(title: str, found: ReadingsDifference, worst: int) -> list[Verdict]:
    """Prints the table of a clip and the places where the two differ."""
    verdicts = judge_difference(found)
    print("\n".join(format_verdicts(f"{title}, {found.frames} frames", verdicts)))
    for line in list_places(found, worst):
        print(f"  {line}")
    print(flush=True)
    return verdicts


def compare(options: argparse.Namespace) -> int:
    """Does what the options ask. Returns the exit code."""
    told: list[tuple[str, list[Verdict]]] = []
    found: list[ReadingsDifference] = []

    def tell(title: str, difference: ReadingsDifference) -> None:
        found.append(difference)
        told.append((title, print_clip(title, difference, options.worst)))

    if options.records:
        base, head = options.records
        tell(f"{base.name}, {head.name}", compare_files(base, head))
    else:
        clips = [clip.resolve() for clip in options.clips]
        for clip in clips:
            if not clip.is_file():
                raise DataError(f"{clip} is no file. Give videos after HEAD_REF.")
        words = (shlex.split(options.base_options), shlex.split(options.head_options))
        with tempfile.TemporaryDirectory(prefix="compare_readings_") as name:
            place = Path(name)
            with check_out_pair(options.base, options.head, place) as builds:
                names = describe_build(options.base), describe_build(options.head)
                print(f"base: {names[0]}; head: {names[1]}\n", flush=True)
                for clip in clips:
                    tell(
                        clip.name, compare_clip(clip, builds, words, place, is_moved=options.moved)
                    )
        if len(clips) > 1:
            joined = join_differences(found)
            told.append(("all", judge_difference(joined)))
            print("\n".join(format_verdicts(f"all, {joined.frames} frames", told[-1][1])))
    if options.json is not None:
        facts = {title: [dataclasses.asdict(one) for one in rows] for title, rows in told}
        options.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return int(any(one.is_met is False for _, rows in told for one in rows))


def make_parser() -> argparse.ArgumentParser:
    """Makes the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m tools.compare_readings",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("base", metavar="BASE_REF", nargs="?", help="a commit, branch or tag")
    top.add_argument("head", metavar="HEAD_REF", nargs="?", help="another, or .: the working tree")
    top.add_argument("clips", metavar="CLIP", nargs="*", type=Path, help="a video")
    top.add_argument(
        "--records", nargs=2, type=Path, metavar=("A", "B"), help="compare these two files instead"
    )
    for side in ("base", "head"):
        top.add_argument(
            f"--{side}-options",
            default="",
            metavar="WORDS",
            help=f'more options for run_demo.py of {side}, as in --{side}-options="--every 2"',
        )
    top.add_argument(
        "--worst",
        type=int,
        default=WORST,
        metavar="N",
        help=f"list so many places of each kind of difference (default: {WORST})",
    )
    top.add_argument(
        "--moved", action="store_true", help="let the head read clips moved by two pixels"
    )
    top.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Compares the readings. Returns the exit code."""
    top = make_parser()
    options = top.parse_args(argv)
    if bool(options.records) == bool(options.clips) or (options.records and options.base):
        top.error("give BASE_REF, HEAD_REF and at least one CLIP, or --records A B alone")
    return run_command(lambda: compare(options))


if __name__ == "__main__":
    sys.exit(main())
