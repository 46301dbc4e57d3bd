"""Formats figures of agreement: as text for people and as values for JSON."""

from collections.abc import Sequence
from dataclasses import asdict

from app.agreement.episodes import EpisodeFigures
from app.agreement.figures import CONFIDENCE, MIN_BLOCKS, RESAMPLINGS, AgreementFigures, Intervals
from app.agreement.instants import MIN_BLOCK_S, ComparedInstants
from app.types import Json
from app.wording import format_count


def format_agreement(
    instants: ComparedInstants,
    by_frame: AgreementFigures,
    around: Intervals,
    by_episode: EpisodeFigures,
) -> str:
    """Formats all figures as lines of text: those by frame, then those by episode."""
    lines = ["By frame", f"  coded by the human     {instants.coded}"]
    lines += [
        f"  {name:<22} {count}"
        for name, count in (
            ("left out, human unsure", instants.human_unsure),
            ("our face not seen", instants.not_seen),
            ("left out, ours unsure", instants.unsure),
        )
        if count
    ]
    lines += [
        f"  coverage               {_number(instants.coverage)}",
        *_figure_lines(by_frame, around),
        *_label_lines(by_frame, around),
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
        *_figure_lines(by_episode.pairs, None),
    ]
    return "\n".join(lines) + "\n"


def make_json_values(
    instants: ComparedInstants,
    by_frame: AgreementFigures,
    around: Intervals,
    by_episode: EpisodeFigures,
) -> Json:
    """Gives all figures as values for JSON, under `by_frame` and `by_episode`."""
    return {
        "by_frame": asdict(by_frame)
        | {
            "coded": instants.coded,
            "human_unsure_left_out": instants.human_unsure,
            "not_seen": instants.not_seen,
            "unsure_left_out": instants.unsure,
            "coverage": instants.coverage,
            "intervals": asdict(around) | {"confidence": CONFIDENCE, "resamplings": RESAMPLINGS},
        },
        "by_episode": asdict(by_episode),
    }


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f} s (median)"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _between(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"({interval[0]:.3f} to {interval[1]:.3f})"


def _figure_lines(found: AgreementFigures, around: Intervals | None) -> list[str]:
    if not found.count:
        return ["  nothing to compare"]
    intervals = {} if around is None else around.figures
    lines = [f"  compared               {found.count}"]
    for key, name, value in (
        ("accuracy", "accuracy", found.accuracy),
        ("kappa", "Cohen's kappa", found.kappa),
        ("alpha", "Krippendorff's alpha", found.alpha),
        ("mean_f1", "mean F1", found.mean_f1),
    ):
        between = _between(intervals.get(key))
        lines.append(f"  {name:<22} {_number(value)}  {between}".rstrip())
    head = ("human \\ ours", *found.labels)
    rows = [
        (label, *map(str, row)) for label, row in zip(found.labels, found.confusion, strict=True)
    ]
    return lines + _table([head, *rows])


def _label_lines(found: AgreementFigures, around: Intervals) -> list[str]:
    if not found.count:
        return []
    head = ("label", "human", "ours", "precision", "recall", "F1", "")
    rows = [
        (
            one.label,
            str(one.human),
            str(one.ours),
            *map(_number, (one.precision, one.recall, one.f1)),
            _between(around.f1.get(one.label)),
        )
        for one in found.by_label
    ]
    blocks = format_count(around.blocks, "stretch", "stretches")
    if around.figures:
        how = f"  in brackets: 95 % intervals, from {RESAMPLINGS} resamplings of {blocks}"
    else:
        how = (
            f"  no intervals: the human's coding has {blocks} (whole spans, together "
            f"{MIN_BLOCK_S:g} s or longer); {MIN_BLOCKS} are needed"
        )
    return [*_table([head, *rows]), how]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(
            [f"{row[0]:<{sizes[0]}}"]
            + [f"{cell:>{size}}" for cell, size in zip(row[1:], sizes[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]
