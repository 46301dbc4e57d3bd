"""Finds when each person begins, shows most and ends an expression.

python -m app.episodes talk.jsonl -o talk.vtt
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from app.episodes.export import ExportRequest, export_episodes
from app.episodes.formats import SUFFIXES
from app.episodes.rules import add_rule_options, make_rules
from app.process.console import new_parser, run_command


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "python -m app.episodes",
        "Finds episodes of expressions in records: onset, apex and offset for each person.",
        "examples:\n"
        "  python -m app.episodes talk.jsonl -o talk.episodes.csv\n"
        "  python -m app.episodes talk.jsonl -o talk.vtt   subtitles, for a browser or player\n"
        "  python -m app.episodes talk.jsonl -o talk.eaf   for ELAN\n"
        "  python -m app.episodes talk.jsonl -o talk.txt   labels, for Audacity",
        for_more="episodes are found in one file at a time; for a table of many, give their folder "
        "to python -m app.report DIR -o study.html --episodes study.csv",
    )
    top.add_argument("records", type=Path, metavar="RECORDS", help="a .jsonl, .csv or .parquet")
    top.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        action="append",
        metavar="FILE",
        help=f"what to write, {', '.join(SUFFIXES)}; may be given several times",
    )
    top.add_argument(
        "--only", nargs="+", metavar="LABEL", help="leave episodes of other labels out"
    )
    top.add_argument("--overwrite", action="store_true", help="replace files that exist already")
    add_rule_options(top)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    found = parser().parse_args(argv)

    def export() -> int:
        return export_episodes(
            ExportRequest(
                records=found.records,
                outputs=tuple(found.output),
                only=tuple(found.only or ()),
                overwrite=found.overwrite,
                rules=make_rules(found.enter, found.leave, found.min_duration, found.max_gap),
            )
        )

    return run_command(export)


if __name__ == "__main__":
    raise SystemExit(main())
