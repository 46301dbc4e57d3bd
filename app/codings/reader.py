"""Reads the labels that a person or this program gave a video, from a table, tiers or records.

docs/agreement.md describes the files for users. Records are read row by row, and only the frame,
the time and the number of the label of each row stay in memory.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from app.codings.frame_times import RecordFrameTimes
from app.codings.records_table import is_records_file
from app.codings.rows import SLIP_S, CodedRow, CodedTable, GivenUnit
from app.codings.tiers import is_tier_file, read_tiers
from app.codings.tracks import InstantLabels, Span, Track, join_instants
from app.episodes.episode import Episode
from app.episodes.finder import EpisodeFinder, EpisodeRules
from app.errors import DataError
from app.files.no_file import describe_no_file
from app.recognition.expression_names import NOT_CODED, normalise_label
from app.records.frames import group_by_frame
from app.records.reader import RecordsReader


@dataclass(frozen=True, slots=True)
class Coding:
    """The labels of one file.

    `tracks` holds the labels by person; the name is "" if the file names none. `frames` are the
    times of the frames and `labels` all labels that the model can give; only records have both.
    `renamed` are the labels, in small letters, that the user gave other names. `notes` name rows
    that were left out on purpose, `warnings` those that could not be used.
    """

    path: Path
    tracks: Mapping[str, Track]
    frames: RecordFrameTimes | None = None
    labels: frozenset[str] = frozenset()
    renamed: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def end_s(self) -> float:
        """The time at which the last span ends or the last frame is shown."""
        ends = [track.end_s for track in self.tracks.values()]
        if self.frames is not None and len(self.frames.times_s):
            ends.append(float(self.frames.times_s[-1]))
        return max(ends, default=0.0)


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """The rules by which a file is read.

    `rename` maps labels to other labels, both in small letters. `episodes` are the rules by which
    episodes are found in records. `tiers` are the tiers to read, all if it is empty. `unit` is the
    unit of plain numbers of times; None stands for the one that the file names.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    episodes: EpisodeRules = field(default_factory=EpisodeRules)
    tiers: frozenset[str] = frozenset()
    unit: GivenUnit | None = None


def read_coding(path: Path, rules: ReadingRules, frames: RecordFrameTimes | None = None) -> Coding:
    """Reads a file of any kind.

    Args:
        path: Records, a table, or tiers of ELAN, Praat or Anvil.
        rules: The rules by which it is read.
        frames: The frames of the other file's records, for tables that count frames.

    Raises:
        DataError: The file cannot be read.
    """
    if path.exists() and not path.is_file():  # a named pipe would never end
        raise DataError(f"{path} {describe_no_file(path)}. Give a file with labels.")
    if is_records_file(path):
        return _from_records(path, rules)
    if is_tier_file(path):
        return _from_rows(path, read_tiers(path, rules.tiers), rules)
    table = CodedTable(path, tiers=rules.tiers, unit=rules.unit, frames=frames)
    found = _from_rows(path, table.rows(), rules, slip_s=table.slip_s)
    _check_one_source(path, table.sources)
    if unread := table.list_unread_columns():
        note = (
            f"{path} has more than one column with the same meaning; not read: "
            f"{', '.join(map(repr, unread))}. --tier names the column with labels."
        )
        found = replace(found, notes=(*found.notes, note))
    if table.unpaired:
        warning = (
            f"{table.unpaired} of {path}'s events lack their begin or end; they were left out."
        )
        return replace(found, warnings=(*found.warnings, warning))
    return found


def _check_one_source(path: Path, sources: Iterable[str]) -> None:
    names = sorted(set(sources))
    if len(names) > 1:
        raise DataError(
            f"{path} is of {len(names)} videos or pictures ({names[0]!r}, {names[1]!r}"
            f"{' …' if len(names) > 2 else ''}). Give a file of a single video."
        )


def fold_label(text: str) -> str:
    """Writes a label as the keys of `ReadingRules.rename`: in small letters, with one space between
    words.

    >>> fold_label(" No  Expression")
    'no expression'
    """
    return " ".join(text.lower().split())


class _Labels(dict[str, str]):
    """A cache from the labels of a file to plain labels."""

    def __init__(self, rename: Mapping[str, str]) -> None:
        super().__init__()
        self._rename = rename

    def __missing__(self, label: str) -> str:
        self[label] = normalise_label(label, self._rename)
        return self[label]

    @property
    def renamed(self) -> frozenset[str]:
        """The labels of the file, in small letters, that `rename` holds."""
        return frozenset(fold_label(label) for label in self) & self._rename.keys()


def _from_records(path: Path, rules: ReadingRules) -> Coding:
    reader = RecordsReader(path)
    times, frames = array("d"), array("q")
    instants: dict[int, InstantLabels] = {}
    episodes: dict[int, list[Span]] = {}
    possible: set[str] = set()
    plain = _Labels(rules.rename)
    finder = EpisodeFinder(rules.episodes)

    def keep(over: Iterable[Episode]) -> None:
        for one in over:
            span = Span(one.onset_s, one.offset_s, plain[one.label])
            episodes.setdefault(one.face_id, []).append(span)

    source: str | None = None
    for rows in group_by_frame(reader):
        first = rows[0]
        if source is not None and first.source != source:
            _check_one_source(path, (source, first.source))
        source = first.source
        times.append(first.time_s)
        frames.append(first.frame)
        keep(finder.add(rows))
        for row in rows:
            if row.face is not None:
                possible.update(row.face.probabilities)
                one = instants.setdefault(row.face.face_id, InstantLabels())
                one.add(row.time_s, plain[row.face.label])
    keep(finder.finish())
    shown_s = np.frombuffer(times, np.float64)
    tracks = {
        str(face_id): Track(
            join_instants(*one.arrays(), shown_s),
            tuple(sorted(episodes.get(face_id, []), key=lambda span: span.onset_s)),
            shown_s,
        )
        for face_id, one in instants.items()
    }
    cut = (f"{path} ends within a line; that line was left out.",) if reader.is_cut_short else ()
    return Coding(
        path,
        tracks,
        RecordFrameTimes(np.frombuffer(frames, np.int64), shown_s),
        frozenset(plain[label] for label in possible),
        plain.renamed,
        warnings=cut,
    )


def _from_rows(
    path: Path, rows: Iterable[CodedRow], rules: ReadingRules, *, slip_s: float = SLIP_S
) -> Coding:
    plain = _Labels(rules.rename)
    spans: dict[str, list[Span]] = {}
    instants: dict[str, InstantLabels] = {}
    open_count = 0
    for row in rows:
        label = plain[row.label]
        open_count += label == NOT_CODED
        if row.offset_s is not None:
            spans.setdefault(row.person, []).append(Span(row.onset_s, row.offset_s, label))
        else:
            one = instants.setdefault(row.person, InstantLabels())
            one.add(row.onset_s, label)
            one.lines.append(row.line)
    warnings, notes = [], []
    if spans and instants:
        points = sum(len(one.lines) for one in instants.values())
        warnings.append(
            f"{points} of {path}'s rows are points without a length; they were left out."
        )
        instants = {}
    if open_count:
        notes.append(f"{open_count} of {path}'s rows have no label: nothing is compared there.")
    tracks = {person: _make_span_track(path, found, slip_s) for person, found in spans.items()}
    for person, one in instants.items():
        tracks[person] = _make_instant_track(path, one)
    coded = {person: track for person, track in tracks.items() if track.episodes}
    return Coding(path, coded, renamed=plain.renamed, notes=tuple(notes), warnings=tuple(warnings))


def _make_instant_track(path: Path, labels: InstantLabels) -> Track:
    """Makes the track of one person from labels at instants in any order. Raises `DataError` if an
    instant has two labels."""
    times, numbers, names = labels.arrays()
    order = np.argsort(times, kind="stable")
    times, numbers = times[order], numbers[order]
    again = np.append(False, times[1:] == times[:-1])
    other = np.append(False, numbers[1:] != numbers[:-1]) & again
    if other.any():
        at = order[int(np.flatnonzero(other)[0])]
        raise DataError(
            f"{path}, line {labels.lines[at]}: it gives a second label for the same instant. Mend "
            "the line."
        )
    instants = times[~again]
    spans = join_instants(instants, numbers[~again], names, instants)
    return Track(spans, _leave_out_uncoded(spans), instants)


def _make_span_track(path: Path, found: list[Span], slip_s: float) -> Track:
    """Makes the track of one person from coded spans in any order. An overlap of up to `slip_s`
    seconds is cut off the earlier span. Raises `DataError` for a longer overlap."""
    spans: list[Span] = []
    for after in sorted(found, key=lambda one: (one.onset_s, one.offset_s)):
        if spans and after.onset_s < (before := spans[-1]).offset_s - 1e-6:
            if before.offset_s - after.onset_s > slip_s + 1e-6:
                raise DataError(
                    f"{path}: {_describe(before)} until {before.offset_s:g} s overlaps "
                    f"{_describe(after)} from {after.onset_s:g} s. One person shows one expression "
                    "at a time: leave other behaviour out, or name the tier that is meant by "
                    "--tier."
                )
            spans[-1] = replace(before, offset_s=after.onset_s)
            if spans[-1].offset_s <= spans[-1].onset_s:
                del spans[-1]
        spans.append(after)
    return Track(tuple(spans), _leave_out_uncoded(spans), None)


def _leave_out_uncoded(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(one for one in spans if one.label != NOT_CODED)


def _describe(span: Span) -> str:
    return span.label or "what has no label"
