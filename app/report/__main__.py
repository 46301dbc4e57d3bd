"""Makes one page of a run, or of a study of many: when each person showed what, and how far the
data can be trusted.

python -m app.report talk.jsonl -o talk.html --video talk.mp4
python -m app.report out/ -o study.html --episodes study.csv
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from app.episodes.rules import add_rule_options, make_rules
from app.errors import DataError
from app.process.console import new_parser, run_command
from app.report.from_folder import StudyRequest, report_folder
from app.report.from_records import ReportRequest, report_records


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "python -m app.report",
        "Makes one HTML page of records: timelines, shares, stills and the quality of the data.\n"
        "Of a folder of records, it makes one page with a row for each video, and tables.\n"
        "The page needs no network. Stills show faces: pass it on accordingly.",
        "examples:\n"
        "  python -m app.report talk.jsonl -o talk.html --video talk.mp4\n"
        "  python -m app.report talk.jsonl -o talk.html --no-stills\n"
        "  python -m app.report photos.jsonl -o photos.html --pictures photos/\n"
        "  python -m app.report out/ -o study.html --episodes study.csv --overview videos.csv",
        for_more="a page is of one file, or of a folder with all that lies in it: put the records "
        "into one folder and name the folder",
    )
    top.add_argument(
        "records",
        type=Path,
        metavar="RECORDS|DIR",
        help="a .jsonl, .csv or .parquet, or a folder of these, with the folders below it",
    )
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the .html to write"
    )
    top.add_argument(
        "--video",
        type=Path,
        metavar="FILE",
        help="the video that the records are of, for stills (default: the one of its name beside "
        "the records, if there is one)",
    )
    top.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="where the pictures are that the records are of (default: the records' folder)",
    )
    top.add_argument("--no-stills", action="store_true", help="store no faces in the page")
    top.add_argument(
        "--episodes",
        type=Path,
        metavar="FILE",
        help="of a folder: a .csv or .parquet with a row for each episode of all videos",
    )
    top.add_argument(
        "--overview",
        type=Path,
        metavar="FILE",
        help="of a folder: a .csv or .parquet with a row for each video, also those without an "
        "episode",
    )
    top.add_argument("--overwrite", action="store_true", help="replace a file that exists already")
    add_rule_options(top)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    command = parser()
    found = command.parse_args(argv)
    is_study = found.records.is_dir()
    if is_study and (found.video or found.pictures or found.no_stills):
        command.error("--video, --pictures and --no-stills are for the records of one run")
    if not is_study and (found.episodes or found.overview):
        command.error("--episodes and --overview are for a folder of records; see app.episodes")
    rules = (found.enter, found.leave, found.min_duration, found.max_gap)

    def report() -> int:
        if not os.path.lexists(found.records):
            raise DataError(
                f"{found.records} does not exist. Name a file that --records wrote, or a folder of "
                "such files."
            )
        if is_study:
            return report_folder(
                StudyRequest(
                    folder=found.records,
                    output=found.output,
                    episodes=found.episodes,
                    overview=found.overview,
                    overwrite=found.overwrite,
                    rules=make_rules(*rules),
                )
            )
        return report_records(
            ReportRequest(
                records=found.records,
                output=found.output,
                video=found.video,
                pictures=found.pictures,
                with_stills=not found.no_stills,
                overwrite=found.overwrite,
                rules=make_rules(*rules),
            )
        )

    return run_command(report)


if __name__ == "__main__":
    raise SystemExit(main())
