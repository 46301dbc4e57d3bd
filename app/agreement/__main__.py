"""How far this program agrees with a person's coding of the same video.

python -m app.agreement human.csv talk.jsonl
"""

import argparse
import difflib
import json
import math
from collections.abc import Sequence
from pathlib import Path

from app.agreement.compared import compare_episodes, compare_instants, pair_people
from app.agreement.figures import estimate_intervals, measure_table
from app.agreement.text import format_agreement, make_json_values
from app.codings.reader import Coding, ReadingRules, read_coding
from app.codings.tracks import find_usual_step
from app.episodes.rules import add_rules, rules_of
from app.errors import DataError
from app.files.atomic import reserve, write_text
from app.process.console import CUT_SHORT, DONE, new_parser, run, say
from app.recognition.expression_names import MEANING
from app.types import UNSURE
from app.wording import format_count

FAR = 2.0  # a coding that reaches so many times as far as the records is of more than they are
ABSURDLY_FAR = 20.0
FEW_INSTANTS = 10  # of a table of instants, perhaps one of changes


def check_ends(human: Coding, ours: Coding, *, unit: str | None, outside: str) -> list[str]:
    """Returns what to say where one of the two reaches much further than the other. Raises
    `DataError` where the times of the longer one look like another unit than seconds; a user who
    names the `unit` knows."""
    longer, shorter = (human, ours) if human.end_s > ours.end_s else (ours, human)
    if not shorter.end_s or longer.end_s < FAR * shorter.end_s:
        return []
    ends = (
        f"{longer.path} reaches to {longer.end_s:.10g} s, {shorter.path} to {shorter.end_s:.10g} s."
    )
    if longer.frames is not None:  # records' times are seconds; a person may code a part
        if any(track.instants is not None for track in shorter.tracks.values()):
            return []
        return [f"{ends} After the end of the coding, {outside!r} counts as coded."]
    ratio = longer.end_s / shorter.end_s
    guess = None
    if 300 < ratio < 3000:
        guess = "milliseconds", "ms"
    elif shorter.frames is not None:
        rate = 1 / find_usual_step(shorter.frames.times_s)
        if rate / 1.5 < ratio < rate * 1.5:
            guess = "numbers of frames", "frames"
    if unit is None and guess is not None:
        what, option = guess
        raise DataError(
            f"{ends} Its times look like {what}, and seconds are expected. If so, add --unit "
            f"{option}; if they are seconds, --unit s."
        )
    if unit is None and ratio > ABSURDLY_FAR:
        raise DataError(
            f"{ends} Give times from the beginning of the video, in seconds, or say what they are "
            "by --unit; if they are right, add --unit s."
        )
    return [f"{ends} What comes later was left out."]


def list_unknown_labels(human: Coding, ours: Coding, outside: str) -> list[str]:
    """Returns what to say where the human uses labels that the records cannot give."""
    used = {one.label for track in human.tracks.values() for one in track.episodes}
    strange = sorted(used - ours.labels - {outside, "none", UNSURE})
    if not ours.labels or not strange:
        return []
    known = sorted(ours.labels)
    words = [word for word, label in MEANING.items() if label in ours.labels]
    (like,) = difflib.get_close_matches(strange[0], [*known, *words], 1, 0.7) or ["LABEL"]
    like = like if like in ours.labels else MEANING.get(like, like)
    shown = ", ".join(strange[:6]) + (" …" if len(strange) > 6 else "")
    return [
        f"the records cannot give {shown}, but {', '.join(known)}. If a label means one of these, "
        f"say so by --rename '{strange[0]}={like}'."
    ]


def parse_renaming(text: str) -> tuple[str, str]:
    before, mark, after = text.partition("=")
    if not mark or not after.strip():
        raise argparse.ArgumentTypeError("must look like OLD=NEW")
    return before.strip(), after.strip()


def parse_overlap(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1")
    return number


def parse_positive_seconds(text: str) -> float:
    number = float(text)
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "app.agreement",
        "Compares a human's coding with ours, by frame and by episode: coverage, accuracy, F1,\n"
        "Cohen's kappa and Krippendorff's alpha. A coding is a table with label and either onset\n"
        "and offset, or time, or frame, and face_id where there are several people, such as ELAN,\n"
        "BORIS, The Observer, Datavyu and spreadsheets write; or an .eaf, .TextGrid or .anvil.",
        "examples:\n"
        "  python -m app.agreement human.csv talk.jsonl --outside neutral\n"
        "  python -m app.agreement human.csv talk.episodes.csv --pair Anna=1 --pair Ben=3\n"
        "  python -m app.agreement talk.eaf talk.jsonl --tier expression",
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
    add_rules(top)
    return top


def work(options: argparse.Namespace) -> int:
    if options.json is not None:
        reserve(options.json, overwrite=options.overwrite, inputs=[options.human, options.ours])
    rename = {before.lower(): after.lower() for before, after in options.rename}
    outside = options.outside.lower()
    rules = ReadingRules(rename, rules_of(options))
    ours = read_coding(options.ours, rules)
    human = read_coding(
        options.human,
        ReadingRules(rename, rules.episodes, frozenset(options.tier), options.unit),
        ours.frames,
    )
    for coding in (human, ours):
        if not coding.tracks:
            why = " ".join(coding.notes)
            raise DataError(f"{coding.path} has no row with a label to compare. {why}".rstrip())
    names = pair_people(human.tracks, ours.tracks, dict(options.pair))
    warnings = [*human.warnings, *ours.warnings]
    warnings += check_ends(human, ours, unit=options.unit, outside=outside)
    people = [(human.tracks[one], ours.tracks[other]) for one, other in names.items()]
    instants = compare_instants(
        people, step_s=options.step, outside=outside, keep_unsure=options.keep_unsure
    )
    by_frame = measure_table(instants.labels, instants.table)
    around = estimate_intervals(instants.labels, instants.blocks)
    by_episode = compare_episodes(people, min_overlap=options.overlap, outside=outside)
    print(format_agreement(instants, by_frame, around, by_episode), end="")
    if options.json is not None:
        found = make_json_values(instants, by_frame, around, by_episode)
        write_text(options.json, json.dumps(found, indent=1) + "\n", overwrite=options.overwrite)
    for coding, whose, used in ((human, "the human's", names), (ours, "our", names.values())):
        if left := len(coding.tracks) - len(set(used)):
            are, were = ("is", "was") if left == 1 else ("are", "were")
            warnings.append(f"{left} of {whose} faces {are} in no pair and {were} left out.")
    if not by_frame.count:
        warnings.append("the two have no instant in common.")
    if 0 < by_frame.count < FEW_INSTANTS and any(one.instants is not None for one, _ in people):
        say(
            f"note: the human's labels are of {format_count(by_frame.count, 'instant')} that can "
            "be compared. Labels that hold until the next row need a begin and an end (onset, "
            "offset)."
        )
    for note in (*human.notes, *ours.notes, *list_unknown_labels(human, ours, outside)):
        say(f"note: {note}")
    for warning in warnings:
        say(f"warning: {warning}")
    return CUT_SHORT if warnings else DONE


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return run(lambda: work(options))


if __name__ == "__main__":
    raise SystemExit(main())
