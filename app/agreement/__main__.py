"""Measures how far this program agrees with a person's coding of the same video.

python -m app.agreement human.csv talk.jsonl
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from app.agreement.comparison import ComparisonRequest, compare_codings
from app.codings.reader import fold_label
from app.episodes.rules import add_rule_options, make_rules
from app.process.console import new_parser, run_command


def parse_renaming(text: str) -> tuple[str, str]:
    """Reads "OLD=NEW" as (OLD, NEW). OLD may be empty."""
    before, mark, after = text.partition("=")
    if not mark or not after.strip():
        raise argparse.ArgumentTypeError("must look like OLD=NEW")
    return before.strip(), after.strip()


def join_pairs(option: str, given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Joins the values of a repeated option. Raises `ValueError` if one OLD has two NEWs.

    >>> join_pairs("--pair", [("Anna", "1"), ("Ben", "2")])
    {'Anna': '1', 'Ben': '2'}
    """
    found: dict[str, str] = {}
    for before, after in given:
        if found.setdefault(before, after) != after:
            raise ValueError(
                f"{option} gives {before!r} as {found[before]!r} and as {after!r}: use only one "
                "of them"
            )
    return found


def parse_overlap(text: str) -> float:
    """Reads a share above 0 and at most 1."""
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1")
    return number


def parse_positive_seconds(text: str) -> float:
    """Reads a finite number of seconds above 0."""
    number = float(text)
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "python -m app.agreement",
        "Compares a human's coding with ours, by frame and by episode: coverage, accuracy, F1,\n"
        "Cohen's kappa and Krippendorff's alpha. A coding is a table with label and either onset\n"
        "and offset, or time, or frame, and face_id where there are several people, such as ELAN,\n"
        "BORIS, The Observer, Datavyu and spreadsheets write; or an .eaf, .TextGrid or .anvil.",
        "examples:\n"
        "  python -m app.agreement human.csv talk.jsonl --outside neutral\n"
        "  python -m app.agreement human.csv talk.episodes.csv --pair Anna=1 --pair Ben=3\n"
        "  python -m app.agreement talk.eaf talk.jsonl --tier expression",
        for_more="two files are compared, the human's and ours: name only these, and run the "
        "command again for other ones",
    )
    top.add_argument("human", type=Path, metavar="HUMAN", help="the human's coding")
    top.add_argument(
        "ours",
        type=Path,
        metavar="OURS",
        help="records, episodes of app.episodes as .csv or .eaf, or a coding",
    )
    top.add_argument(
        "--outside",
        default="none",
        metavar="LABEL",
        help="what holds outside of coded spans (default: none); neutral, where a coder noted only "
        "what was not",
    )
    top.add_argument(
        "--pair",
        type=parse_renaming,
        action="append",
        default=[],
        metavar="HUMAN=OURS",
        help="a person by the human's name and by ours; without a name: =OURS",
    )
    top.add_argument(
        "--tier",
        action="append",
        default=[],
        metavar="NAME",
        help="only this tier, or column with labels, of the human's coding; may be given several "
        "times",
    )
    top.add_argument(
        "--unit",
        choices=("s", "ms", "min", "frames"),
        help="what plain numbers of times in the human's coding count (default: what its header "
        "says, else seconds)",
    )
    top.add_argument(
        "--rename",
        type=parse_renaming,
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a label by another name, in both; happy, sad, scared and such are known, also in "
        "other languages (tristeza, felice)",
    )
    top.add_argument(
        "--keep-unsure", action="store_true", help='count "unsure" as a label, not as no answer'
    )
    top.add_argument(
        "--step",
        type=parse_positive_seconds,
        default=0.04,
        metavar="S",
        help="seconds between instants where both have coded spans (default: %(default)s)",
    )
    top.add_argument(
        "--overlap",
        type=parse_overlap,
        default=0.25,
        metavar="P",
        help="least intersection over union of two episodes that are one (default: %(default)s)",
    )
    top.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    top.add_argument("--overwrite", action="store_true", help="replace a file that exists already")
    add_rule_options(top)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    command = parser()
    found = command.parse_args(argv)
    try:
        pairs = join_pairs("--pair", found.pair)
        rename = join_pairs(
            "--rename",
            [(fold_label(before), fold_label(after)) for before, after in found.rename],
        )
    except ValueError as cause:
        command.error(str(cause))

    def compare() -> int:
        return compare_codings(
            ComparisonRequest(
                human=found.human,
                ours=found.ours,
                outside=found.outside,
                pairs=pairs,
                tiers=frozenset(found.tier),
                unit=found.unit,
                rename=rename,
                keep_unsure=found.keep_unsure,
                step_s=found.step,
                min_overlap=found.overlap,
                json_path=found.json,
                overwrite=found.overwrite,
                rules=make_rules(found.enter, found.leave, found.min_duration, found.max_gap),
            )
        )

    return run_command(compare)


if __name__ == "__main__":
    raise SystemExit(main())
