"""Makes one page of a run: when each person showed what, and how far the data can be trusted.

python -m app.report talk.jsonl -o talk.html --video talk.mp4
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from app.episodes.rules import add_rule_options, make_rules
from app.process.console import new_parser, run_command
from app.report.from_records import ReportRequest, report_records


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "app.report",
        "Makes one HTML page of records: timelines, shares, stills and the quality of the data.\n"
        "The page needs no network. Stills show faces: pass it on accordingly.",
        "examples:\n"
        "  python -m app.report talk.jsonl -o talk.html --video talk.mp4\n"
        "  python -m app.report talk.jsonl -o talk.html --no-stills\n"
        "  python -m app.report photos.jsonl -o photos.html --pictures photos/",
    )
    top.add_argument("records", type=Path, metavar="RECORDS", help="a .jsonl, .csv or .parquet")
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
    top.add_argument("--overwrite", action="store_true", help="replace a file that exists already")
    add_rule_options(top)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    found = parser().parse_args(argv)

    def report() -> int:
        return report_records(
            ReportRequest(
                records=found.records,
                output=found.output,
                video=found.video,
                pictures=found.pictures,
                with_stills=not found.no_stills,
                overwrite=found.overwrite,
                rules=make_rules(found.enter, found.leave, found.min_duration, found.max_gap),
            )
        )

    return run_command(report)


if __name__ == "__main__":
    raise SystemExit(main())
