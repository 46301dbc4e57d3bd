"""How far this program agrees with a person's coding of the same video.

python -m app.agreement human.csv talk.jsonl
"""

import argparse
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from scipy.optimize import linear_sum_assignment

from app.codings import Span, Track, frame_times_of, read_coding, sure, usual_step
from app.commands import CUT_SHORT, DONE, new_parser, run, say, write_text
from app.episodes import add_rules, rules_of
from app.types import UNSURE, DataError

Pair = tuple[str, str]  # human's label, ours


@dataclass(frozen=True, slots=True)
class Figures:
    """Of `count` units that both have labelled. None where chance alone explains everything, so
    that there is nothing to correct for, or where there are no units."""

    count: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]  # row: human, column: ours
    accuracy: float | None
    kappa: float | None
    alpha: float | None


@dataclass(frozen=True, slots=True)
class EpisodeFigures:
    """`pairs`: episodes that overlap, one with one. `right` of them have one label. Differences are
    ours minus the human's, medians over `pairs`."""

    human: int
    ours: int
    right: int
    onset_difference_s: float | None
    offset_difference_s: float | None
    pairs: Figures


def figures(pairs: Sequence[Pair]) -> Figures:
    """Cohen's kappa (Educational and Psychological Measurement, 1960) and Krippendorff's alpha for
    nominal data and two coders ("Computing Krippendorff's Alpha-Reliability", 2011)."""
    counted = Counter(pairs)
    labels = tuple(sorted({label for pair in counted for label in pair}))
    table = np.array([[counted[a, b] for b in labels] for a in labels], np.float64)
    n = float(table.sum())
    if not n:
        return Figures(0, (), (), None, None, None)
    observed = float(table.trace()) / n
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = float(rows @ columns) / n**2
    values = rows + columns  # every label is a value of one coder; n units have 2 n of them
    disagreement = 1 - observed
    by_chance = ((2 * n) ** 2 - float(values @ values)) / (2 * n * (2 * n - 1))
    return Figures(
        count=int(n),
        labels=labels,
        confusion=tuple(tuple(int(cell) for cell in row) for row in table),
        accuracy=observed,
        kappa=(observed - expected) / (1 - expected) if expected < 1 else None,
        alpha=1 - disagreement / by_chance if by_chance > 0 else None,
    )


def units(human: Track, ours: Track, *, step_s: float, outside: str) -> list[Pair]:
    """What both say at the same instants: those of the one who says it at fewer of them; where both
    have coded spans, every `step_s` seconds. Instants of which one of them says nothing are left
    out."""
    sparse = min(
        (one.instants for one in (human, ours) if one.instants is not None),
        key=len,
        default=None,
    )
    if sparse is None:
        end_s = max((one.spans[-1].offset_s for one in (human, ours) if one.spans), default=0.0)
        # The middles of steps, so that no instant lies on the border of a span.
        sparse = tuple(step_s * (n + 0.5) for n in range(math.ceil(end_s / step_s - 1e-9)))
    # Times that were typed or rounded may lie just before the frame that they mean.
    slack_s = min(1e-3, 0.1 * usual_step(sparse))
    pairs: list[Pair] = []
    for time_s in sparse:
        a, b = human.label_at(time_s + slack_s, outside), ours.label_at(time_s + slack_s, outside)
        if a is not None and b is not None:
            pairs.append((a, b))
    return pairs


def match(human: Sequence[Span], ours: Sequence[Span], min_overlap: float) -> list[tuple[int, int]]:
    """Episodes one to one, whatever their labels, so that their overlaps (intersection over union)
    sum up to the most; pairs that overlap less than `min_overlap` are none."""
    if not human or not ours:
        return []
    overlap = np.array([[_overlap(a, b) for b in ours] for a in human])
    found = zip(*linear_sum_assignment(-overlap), strict=True)
    return [(int(m), int(n)) for m, n in found if overlap[m, n] >= min_overlap]


def _overlap(a: Span, b: Span) -> float:
    common = min(a.offset_s, b.offset_s) - max(a.onset_s, b.onset_s)
    whole = max(a.offset_s, b.offset_s) - min(a.onset_s, b.onset_s)
    return max(0.0, common) / whole


def episode_figures(
    tracks: Sequence[tuple[Track, Track]], *, min_overlap: float, outside: str
) -> EpisodeFigures:
    pairs: list[tuple[Span, Span]] = []
    human = ours = 0
    for one, other in tracks:
        theirs, mine = (
            [span for span in sure(track.episodes) if span.label != outside]
            for track in (one, other)
        )
        human += len(theirs)
        ours += len(mine)
        pairs += [(theirs[m], mine[n]) for m, n in match(theirs, mine, min_overlap)]
    return EpisodeFigures(
        human=human,
        ours=ours,
        right=sum(a.label == b.label for a, b in pairs),
        onset_difference_s=median(b.onset_s - a.onset_s for a, b in pairs) if pairs else None,
        offset_difference_s=median(b.offset_s - a.offset_s for a, b in pairs) if pairs else None,
        pairs=figures([(a.label, b.label) for a, b in pairs]),
    )


def pair_people(
    human: Mapping[str, Track], ours: Mapping[str, Track], named: Mapping[str, str]
) -> list[tuple[Track, Track]]:
    """Who is who: as `named` (human's name -> ours), else by the same name, else one with one."""
    if not human or not ours:
        raise DataError("One of the two says nothing of anybody. Give codings with labels.")
    known = ", ".join(sorted(ours))
    if not named and len(human) == len(ours) == 1:
        return [(next(iter(human.values())), next(iter(ours.values())))]
    pairs = []
    for name, track in human.items():
        other = named.get(name, name)
        if other not in ours:
            who = f"the person {name!r}" if name else "a person without a name"
            raise DataError(
                f"The human's coding is of {who}, ours of {known}. Say who is who by "
                f"--pair {name}={sorted(ours)[0]}."
            )
        pairs.append((track, ours[other]))
    return pairs


def as_text(by_frame: Figures, unsure: int, by_episode: EpisodeFigures) -> str:
    lines = ["By frame", *_figure_lines(by_frame)]
    if unsure:
        lines.append(f"  left out, ours unsure  {unsure}")
    lines += [
        "",
        "By episode",
        f"  human's episodes       {by_episode.human}",
        f"  our episodes           {by_episode.ours}",
        f"  overlapping pairs      {by_episode.pairs.count}",
        f"  with the same label    {by_episode.right}"
        f"  (recall {_share(by_episode.right, by_episode.human)}, "
        f"precision {_share(by_episode.right, by_episode.ours)})",
        f"  onset, ours - human's  {_seconds(by_episode.onset_difference_s)}",
        f"  offset, ours - human's {_seconds(by_episode.offset_difference_s)}",
        *_figure_lines(by_episode.pairs),
    ]
    return "\n".join(lines) + "\n"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f} s (median)"


def _figure_lines(found: Figures) -> list[str]:
    if not found.count:
        return ["  nothing to compare"]
    width = max(len(label) for label in (*found.labels, "human \\ ours"))
    cells = max(len(str(cell)) for row in found.confusion for cell in row)
    columns = [max(cells, len(label)) for label in found.labels]

    def line(name: str, values: Sequence[object]) -> str:
        texts = (f"{value!s:>{size}}" for value, size in zip(values, columns, strict=True))
        return f"  {name:<{width}}  {'  '.join(texts)}"

    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:.3f}"

    return [
        f"  compared               {found.count}",
        f"  accuracy               {number(found.accuracy)}",
        f"  Cohen's kappa          {number(found.kappa)}",
        f"  Krippendorff's alpha   {number(found.alpha)}",
        line("human \\ ours", found.labels),
        *(line(label, row) for label, row in zip(found.labels, found.confusion, strict=True)),
    ]


def renaming(text: str) -> tuple[str, str]:
    before, mark, after = text.partition("=")
    if not mark or not after.strip():
        raise argparse.ArgumentTypeError("must look like OLD=NEW")
    return before.strip(), after.strip()


def share(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1")
    return number


def positive_seconds(text: str) -> float:
    number = float(text)
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "app.agreement",
        "Compares a human's coding with ours, by frame and by episode: confusion, accuracy,\n"
        "Cohen's kappa and Krippendorff's alpha. A coding is a .csv with label and either onset_s\n"
        "and offset_s, or time_s, or frame; and face_id where there are several people.",
        "examples:\n"
        "  python -m app.agreement human.csv talk.jsonl --outside neutral\n"
        "  python -m app.agreement human.csv talk.episodes.csv --pair Anna=1 --pair Ben=3",
    )
    top.add_argument("human", type=Path, metavar="HUMAN", help="the human's coding, a .csv")
    top.add_argument(
        "ours", type=Path, metavar="OURS", help="records, or a .csv of app.episodes or of a coder"
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
        type=renaming,
        action="append",
        default=[],
        metavar="HUMAN=OURS",
        help="a person by the human's name and by ours; without a name: =OURS",
    )
    top.add_argument(
        "--rename",
        type=renaming,
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a label by another name, in both; happy, sad, scared and such are known",
    )
    top.add_argument(
        "--keep-unsure", action="store_true", help='count "unsure" as a label, not as no answer'
    )
    top.add_argument(
        "--step",
        type=positive_seconds,
        default=0.04,
        metavar="S",
        help="seconds between instants where both have coded spans (default: %(default)s)",
    )
    top.add_argument(
        "--overlap",
        type=share,
        default=0.25,
        metavar="P",
        help="least intersection over union of two episodes that are one (default: %(default)s)",
    )
    top.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    top.add_argument("--overwrite", action="store_true", help="replace a file that exists already")
    add_rules(top)
    return top


def work(options: argparse.Namespace) -> int:
    rename = {before.lower(): after.lower() for before, after in options.rename}
    outside = options.outside.lower()
    times = frame_times_of(options.ours)
    human, ours = (
        read_coding(path, rename=rename, rules=rules_of(options), frame_times=times)
        for path in (options.human, options.ours)
    )
    people = pair_people(human, ours, dict(options.pair))
    pairs = [
        pair
        for one, other in people
        for pair in units(one, other, step_s=options.step, outside=outside)
    ]
    sure_pairs = [pair for pair in pairs if options.keep_unsure or pair[1] != UNSURE]
    by_frame = figures(sure_pairs)
    by_episode = episode_figures(people, min_overlap=options.overlap, outside=outside)
    unsure = len(pairs) - len(sure_pairs)
    print(as_text(by_frame, unsure, by_episode), end="")
    if options.json is not None:
        found = {
            "by_frame": asdict(by_frame) | {"unsure_left_out": unsure},
            "by_episode": asdict(by_episode),
        }
        write_text(options.json, json.dumps(found, indent=1) + "\n", overwrite=options.overwrite)
    left = len(ours) - len(people)
    if left:
        say(f"warning: {left} of our faces are in no pair and were left out.")
    if not by_frame.count:
        say("warning: the two have no instant in common.")
    return CUT_SHORT if left or not by_frame.count else DONE


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return run(lambda: work(options))


if __name__ == "__main__":
    raise SystemExit(main())
