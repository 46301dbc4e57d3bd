"""Compares a human's coding with ours and reports the figures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.agreement.episodes import compare_episodes
from app.agreement.figures import estimate_intervals, measure_table
from app.agreement.instants import compare_instants
from app.agreement.people import pair_people
from app.agreement.plausibility import (
    check_ends,
    list_unknown_labels,
    list_unused_renamings,
)
from app.agreement.text import format_agreement, make_json_values
from app.codings.reader import Coding, ReadingRules, fold_label, read_coding
from app.codings.rows import GivenUnit
from app.episodes.finder import EpisodeRules
from app.errors import DataError
from app.files.atomic import reserve, write_text
from app.process.console import CUT_SHORT, DONE, say
from app.recognition.expression_names import NOT_CODED, normalise_label
from app.wording import format_count

OUTSIDE_NOTHING = "none"  # the label where nobody coded anything; it is never renamed
FEW_INSTANTS = 10  # a table of so few instants may be one of changes


@dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """The options of `python -m app.agreement`.

    `outside` is the label outside of coded spans, as the user wrote it. `pairs` maps the human's
    names of people to ours. `tiers` are the tiers of the human's coding that are compared, all if
    it is empty. `unit` is the unit of the human's plain numbers of times; None stands for the one
    that the file names.
    `rename` maps labels to other labels, both in small letters. `step_s` is the distance of
    compared instants if both have coded spans. Two episodes are a pair if their intersection over
    union is at least `min_overlap`. The figures are written to `json_path`, if it is given.
    """

    human: Path
    ours: Path
    outside: str = OUTSIDE_NOTHING
    pairs: Mapping[str, str] = field(default_factory=dict)
    tiers: frozenset[str] = frozenset()
    unit: GivenUnit | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    keep_unsure: bool = False
    step_s: float = 0.04
    min_overlap: float = 0.25
    json_path: Path | None = None
    overwrite: bool = False
    rules: EpisodeRules = field(default_factory=EpisodeRules)


def compare_codings(request: ComparisonRequest) -> int:
    """Prints the figures of agreement, and notes and warnings on stderr.

    Returns:
        The exit code: `DONE`, or `CUT_SHORT` after a warning.

    Raises:
        DataError: A coding cannot be read, the two cannot be compared, or `outside` is no label.
        SinkError: `request.json_path` cannot be written.
    """
    if request.json_path is not None:
        reserve(
            request.json_path, overwrite=request.overwrite, inputs=[request.human, request.ours]
        )
    outside = _find_outside(request)
    human, ours = _read_both(request)
    names = pair_people(human.tracks, ours.tracks, request.pairs)
    warnings = [*human.warnings, *ours.warnings]
    warnings += check_ends(human, ours, unit=request.unit, outside=outside)
    people = [(human.tracks[one], ours.tracks[other]) for one, other in names.items()]
    instants = compare_instants(
        people, step_s=request.step_s, outside=outside, keep_unsure=request.keep_unsure
    )
    by_frame = measure_table(instants.labels, instants.table)
    around = estimate_intervals(instants.labels, instants.blocks)
    by_episode = compare_episodes(people, min_overlap=request.min_overlap, outside=outside)
    print(format_agreement(instants, by_frame, around, by_episode), end="")
    if request.json_path is not None:
        values = make_json_values(instants, by_frame, around, by_episode)
        text = json.dumps(values, indent=1) + "\n"
        write_text(request.json_path, text, overwrite=request.overwrite)
    for coding, whose, used in ((human, "the human's", names), (ours, "our", names.values())):
        if left := len(coding.tracks) - len(set(used)):
            are, were = ("is", "was") if left == 1 else ("are", "were")
            warnings.append(f"{left} of {whose} faces {are} in no pair and {were} left out.")
    if not by_frame.count:
        warnings.append("the two have no instant in common.")
    if 0 < by_frame.count < FEW_INSTANTS and any(one.instants is not None for one, _ in people):
        instants_text = format_count(by_frame.count, "instant")
        say(
            f"note: the human's labels are of {instants_text} that can be compared. Labels that "
            "hold until the next row need a begin and an end (onset, offset)."
        )
    notes = [*human.notes, *ours.notes, *list_unknown_labels(human, ours, outside)]
    notes += list_unused_renamings(request.rename, request.outside, human, ours)
    for note in notes:
        say(f"note: {note}")
    for warning in warnings:
        say(f"warning: {warning}")
    return CUT_SHORT if warnings else DONE


def _find_outside(request: ComparisonRequest) -> str:
    """Gives `request.outside` its one name, as other labels have. Raises `DataError` if it means
    that there is no label."""
    if fold_label(request.outside) == OUTSIDE_NOTHING:
        return OUTSIDE_NOTHING
    label = normalise_label(request.outside, request.rename)
    if label == NOT_CODED:
        raise DataError(
            f"--outside must name a label, got {request.outside!r}. Use neutral or another label, "
            "or leave --outside out."
        )
    return label


def _read_both(request: ComparisonRequest) -> tuple[Coding, Coding]:
    """Reads the human's coding and ours. Raises `DataError`, also if one has no label at all."""
    ours = read_coding(request.ours, ReadingRules(request.rename, request.rules))
    human = read_coding(
        request.human,
        ReadingRules(request.rename, request.rules, request.tiers, request.unit),
        ours.frames,
    )
    for coding in (human, ours):
        if not coding.tracks:
            why = " ".join(coding.notes)
            raise DataError(f"{coding.path} has no row with a label to compare. {why}".rstrip())
    return human, ours
