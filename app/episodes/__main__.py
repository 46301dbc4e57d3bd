"""From frames to episodes: when each person begins, shows most and ends an expression.

python -m app.episodes talk.jsonl -o talk.vtt
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.episodes.finder import find_episodes
from app.episodes.formats import SUFFIXES, check_episodes_suffix, write_episodes
from app.episodes.rules import add_rules, rules_of
from app.files.atomic import reserve
from app.process.console import CUT_SHORT, DONE, new_parser, run, say
from app.records.reader import RecordsReader
from app.records.schema import Record
from app.wording import format_count


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "app.episodes",
        "Finds episodes of expressions in records: onset, apex and offset for each person.",
        "examples:\n"
        "  python -m app.episodes talk.jsonl -o talk.episodes.csv\n"
        "  python -m app.episodes talk.jsonl -o talk.vtt   subtitles, for a browser or player\n"
        "  python -m app.episodes talk.jsonl -o talk.eaf   for ELAN\n"
        "  python -m app.episodes talk.jsonl -o talk.txt   labels, for Audacity",
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
    add_rules(top)
    return top


def work(options: argparse.Namespace) -> int:
    rules = rules_of(options)
    for path in options.output:
        check_episodes_suffix(path)
        reserve(path, overwrite=options.overwrite, inputs=[options.records])
    reader = RecordsReader(options.records)
    sources: dict[str, None] = {}
    labels: dict[str, None] = {}

    def noted() -> Iterator[Record]:
        for record in reader:
            sources[record.source] = None
            if record.face is not None:
                labels.update(dict.fromkeys(record.face.probabilities))
            yield record

    episodes = find_episodes(noted(), rules)
    if options.only:
        episodes = [one for one in episodes if one.label in options.only]
    for path in options.output:
        write_episodes(path, episodes, sources=list(sources), overwrite=options.overwrite)
    people = len({(one.source, one.face_id) for one in episodes})
    found = f"{format_count(len(episodes), 'episode')} of {format_count(people, 'face')}"
    say(f"{found} -> {', '.join(map(str, options.output))}")
    warnings = []
    if strange := [label for label in options.only or () if labels and label not in labels]:
        names = ", ".join(labels)
        warnings.append(f"the records have no label {strange[0]!r}. Their labels are {names}.")
    if reader.cut_short:
        warnings.append(f"{options.records} ends within a line; that line was left out.")
    for warning in warnings:
        say(f"warning: {warning}")
    return CUT_SHORT if warnings else DONE


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return run(lambda: work(options))


if __name__ == "__main__":
    raise SystemExit(main())
