"""Measures `python -m app.report` of a study: time and memory of the page and both tables.

python -m tools.measure_study RECORDS --copies 200

RECORDS is the .jsonl of one video; the study is of so many copies of it. Figures are medians of the
runs; memory is the largest resident memory of each.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from app.errors import DataError
from app.outputs.run_metadata import name_notes
from app.process.console import DONE, new_parser, run_command
from app.process.machine import count_cores
from tools.build_costs import measure_process

ROOT = Path(__file__).resolve().parent.parent


def copy_records(records: Path, folder: Path, copies: int) -> None:
    """Copies records, with the description of their run if there is one, `copies` times."""
    for number in range(copies):
        copy = folder / f"{number:04}{records.suffix}"
        shutil.copyfile(records, copy)
        if name_notes(records).is_file():
            shutil.copyfile(name_notes(records), name_notes(copy))


def measure_study(records: Path, copies: int, runs: int) -> int:
    """Measures a study of so many copies, and prints a line. Raises `DataError`."""
    if not records.is_file():
        raise DataError(f"{records} does not exist. Name the records of a video.")
    costs, size_mb = [], 0.0
    with tempfile.TemporaryDirectory(prefix="study-") as name:
        folder = Path(name) / "records"
        folder.mkdir()
        copy_records(records, folder, copies)
        for number in range(runs):
            target = Path(name) / f"run{number}"
            target.mkdir()
            page, episodes, videos = (
                str(target / name) for name in ("study.html", "episodes.csv", "videos.csv")
            )
            words = ["-m", "app.report", str(folder), "-o", page, "--episodes", episodes]
            costs.append(measure_process([*words, "--overview", videos], ROOT))
            size_mb = sum(path.stat().st_size for path in target.iterdir()) / 1e6
    rows = records.read_bytes().count(b"\n")
    print(
        f"{copies} videos of {rows} rows, {runs} runs, {count_cores()} cores: "
        f"{median(one.wall_s for one in costs):.1f} s, "
        f"{median(one.processor_s for one in costs):.1f} s of processor time, "
        f"{median(one.peak_mb for one in costs):.0f} MB of memory, {size_mb:.1f} MB of results"
    )
    return DONE


def parser() -> argparse.ArgumentParser:
    top = new_parser("python -m tools.measure_study", __doc__ or "", "")
    top.add_argument("records", type=Path, metavar="RECORDS")
    top.add_argument("--copies", type=int, default=200, metavar="N")
    top.add_argument("--runs", type=int, default=3, metavar="N")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    found = parser().parse_args(argv)
    return run_command(lambda: measure_study(found.records, found.copies, found.runs))


if __name__ == "__main__":
    raise SystemExit(main())
