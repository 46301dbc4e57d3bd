"""Reads the rows of a coder's table, whatever program wrote it, with their times in seconds.

docs/agreement.md says for users what is read. Errors are `DataError` and name file and line.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.codings.columns import ColumnKind, TimeUnit, find_unit
from app.codings.layout import Layout, TableHeader, find_header
from app.codings.text import DELIMITERS, TextTable, read_text
from app.codings.times import NumberStyle, detect_number_style, parse_seconds
from app.errors import DataError
from app.files.csv_text import unescape_cell
from app.recognition.expression_names import NOT_CODED, normalise_label

SLIP_S = 0.02  # an overlap of two spans up to this long is a slip of the hand or of rounding
_FACE_LABEL = re.compile(r"(face \d+): (.+)")
_FRAME = re.compile(r"[0-9]{1,15}(\.0*)?")
_MARKS = {"": 0.0, "false": 0.0, "no": 0.0, "true": 1.0, "yes": 1.0, "x": 1.0}  # instead of scores
_BEGINS: tuple[ColumnKind, ...] = ("onset", "time", "frame")
GivenUnit = Literal["s", "ms", "min", "frames"]  # what a user says that numbers of times count


@dataclass(frozen=True, slots=True)
class CodedRow:
    """A label of one person. `label` is as it was written, "" where there is none. `offset_s` is
    None where the label is said of an instant."""

    line: int
    person: str
    label: str
    onset_s: float
    offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class RecordFrameTimes:
    """The time at which each frame of records is shown: `frames (T,) int64` and `times_s (T,)
    float64`, both going up."""

    frames: NDArray[np.int64]
    times_s: NDArray[np.float64]

    @property
    def step_s(self) -> float:
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 1.0

    def time_of(self, frame: int) -> float:
        """Returns when a frame is shown. Records may hold every n-th frame only; the others lie
        between them. Raises `ValueError` for one before the first or after the last."""
        first, last = int(self.frames[0]), int(self.frames[-1])
        if not first <= frame <= last:
            raise ValueError(f"it is of frame {frame}, and the records are of {first} to {last}")
        return float(np.interp(frame, self.frames, self.times_s))

    def end_of(self, frame: int) -> float:
        """Returns when the frame after `frame` is shown. For the last frame, and for the number
        after it, that is the end of the video."""
        last = int(self.frames[-1])
        if frame in (last, last + 1):
            return float(self.times_s[-1]) + self.step_s
        return self.time_of(frame + 1)


class CodedTable:
    """The rows of the table `path`. `tiers`: the only ones that are wanted, all where it is empty;
    `unit`: what numbers of times count, whatever the header says; `frames`: those of the records,
    where the other file holds any."""

    def __init__(
        self,
        path: Path,
        *,
        tiers: Collection[str] = (),
        unit: GivenUnit | None = None,
        frames: RecordFrameTimes | None = None,
    ) -> None:
        self.path = path
        self.unpaired = 0
        self.sources: set[str] = set()
        self._tiers = {one.lower() for one in tiers}
        self._unit: TimeUnit | None = "frame" if unit == "frames" else unit
        self._frames = frames
        text = read_text(path)
        found = find_header({one: TextTable(path, text, one) for one in DELIMITERS}, self._tiers)
        if found is None:
            first = next(iter(text.split("\n")), "").strip().strip(";,\t")
            shown = f" Its first line is {first[:80]!r}." if first else " It is empty."
            raise DataError(
                f"{path} needs a header with label, and onset and offset, or time, or frame.{shown}"
            )
        self._table, self._header = found
        self._units_line, self._units = _units_row(self._table, found[1])
        self._shift = _shift(self._table, found[1])
        self._style = self._number_style()

    @property
    def slip_s(self) -> float:
        """The longest overlap of two spans that counts as a slip. Where frames are counted, some
        coders end a span with the frame that the next begins with."""
        units = {unit for layout in self._header.layouts for unit in layout.units.values()}
        if self._frames is not None and "frame" in (units | {self._unit}):
            return max(SLIP_S, 1.01 * self._frames.step_s)
        return SLIP_S

    def rows(self) -> Iterator[CodedRow]:
        """Yields rows in the order of the file, begins and ends of events joined. `unpaired` counts
        the events that begin without an end, or end without a begin."""
        self.unpaired = 0
        open_events: dict[tuple[str, str], tuple[int, float]] = {}
        tiers: set[str] = {one.tier for one in self._header.layouts if one.tier}
        for line, cells in self._data():
            for layout in self._header.layouts:
                row = _Cells(cells, layout)
                if tier := row.text("tier"):
                    tiers.add(tier)
                    if self._tiers and tier.lower() not in self._tiers:
                        continue
                try:
                    yield from self._read(line, row, open_events)
                except ValueError as cause:
                    raise DataError(f"{self.path}, line {line}: {cause}. Mend the line.") from cause
        self.unpaired += len(open_events)
        known = {one.lower() for one in tiers}
        for tier in sorted(self._tiers):
            if tier not in known and tier.partition(".")[0] not in known:
                names = ", ".join(sorted(tiers)) or "none; its columns are " + ", ".join(
                    name for name in self._header.names if name
                )
                raise DataError(f"{self.path} has no tier {tier!r}. Its tiers are {names}.")

    def _data(self) -> Iterator[tuple[int, list[str]]]:
        for line, cells in self._table.rows():
            if line > self._header.line and line != self._units_line:
                yield line, cells[self._shift :]

    def _read(
        self, line: int, row: "_Cells", open_events: dict[tuple[str, str], tuple[int, float]]
    ) -> Iterator[CodedRow]:
        """Yields the row that this one completes, if it completes one. `open_events` holds (line,
        time) of the events that have begun, by person and label."""
        at = row.layout.at
        label = self._highest(row) if row.layout.scores else unescape_cell(row.text("label"))
        if normalise_label(label, {}) == NOT_CODED and (
            (row.layout.tier and "onset" in at)  # there is something of another tier
            or not any(normalise_label(row.text(kind), {}) for kind in _BEGINS)  # a remark
        ):
            return
        if source := row.text("source"):
            self.sources.add(source)
        # Tables that have been through floating point call face 1 "1.0".
        person = re.sub(r"(?<=\d)\.0+$", "", row.text("person"))
        person = person or row.text("tier") or row.layout.tier
        if not person and not self._header.line and (found := _FACE_LABEL.fullmatch(label)):
            person, label = found.groups()  # Audacity's labels, as `app.episodes` writes them
        event = _event(row.text("event"))
        if event in ("start", "stop") and "time" in at:
            now, key = self._time(row, "time"), (person, label)
            if event == "start" and key in open_events:
                raise ValueError(f"{label!r} begins a second time before it ends")
            if event == "start":
                open_events[key] = line, now
            elif key in open_events:
                begun, onset_s = open_events.pop(key)
                yield _span(begun, person, label, onset_s, now)
            else:
                self.unpaired += 1
            return
        begin: ColumnKind = "onset" if "onset" in at else "time" if "time" in at else "frame"
        onset_s = self._time(row, begin)
        if event != "point" and "offset" in at:
            yield _span(line, person, label, onset_s, self._time(row, "offset"))
        elif event != "point" and begin != "frame" and normalise_label(row.text("duration"), {}):
            length_s = self._time(row, "duration")
            yield _span(line, person, label, onset_s, onset_s + length_s)
        else:
            yield CodedRow(line, person, label, onset_s)

    def _time(self, row: "_Cells", kind: ColumnKind) -> float:
        text = row.text(kind)
        named = self._units.get(row.layout.at[kind]) or row.layout.units.get(kind)
        unit = self._unit if self._unit is not None and ":" not in text else named
        if kind == "frame" or unit == "frame":
            if not _FRAME.fullmatch(text):
                raise ValueError(f"{text[:40]!r} is not the number of a frame")
            if self._frames is None or not len(self._frames.frames):
                raise ValueError(
                    "it counts frames, so the other file must be records, or give time_s"
                )
            frame = int(text.partition(".")[0])
            return self._frames.end_of(frame) if kind == "offset" else self._frames.time_of(frame)
        return parse_seconds(text, unit, self._style)

    def _highest(self, row: "_Cells") -> str:
        """Returns the label of the highest score; "" where no score is above 0, or two are
        highest."""
        scores: list[tuple[float, str]] = []
        for index, label in row.layout.scores:
            text = row.cells[index].strip() if index < len(row.cells) else ""
            try:
                score = _MARKS[text.lower()] if text.lower() in _MARKS else self._style.number(text)
            except ValueError:
                return ""  # such as FIND_FAILED
            scores.append((score, label))
        scores.sort(reverse=True)
        return scores[0][1] if scores[0][0] > max(0.0, scores[1][0]) else ""

    def _number_style(self) -> NumberStyle:
        kinds: tuple[ColumnKind, ...] = ("onset", "offset", "duration", "time")
        wanted: set[int] = set()
        for layout in self._header.layouts:
            wanted |= {layout.at[kind] for kind in kinds if kind in layout.at}
            wanted |= {index for index, _ in layout.scores}
        cells = (row[index] for _, row in self._data() for index in wanted if index < len(row))
        try:
            return detect_number_style(cells, comma_parts_cells=self._table.delimiter == ",")
        except ValueError as cause:
            raise DataError(f"{self.path}: {cause}.") from cause


@dataclass(frozen=True, slots=True)
class _Cells:
    cells: Sequence[str]
    layout: Layout

    def text(self, kind: ColumnKind) -> str:
        """Returns the words of a cell; "" where there is no such column or cell."""
        index = self.layout.at.get(kind, len(self.cells))
        return " ".join(self.cells[index].split()) if index < len(self.cells) else ""


def _span(line: int, person: str, label: str, onset_s: float, offset_s: float) -> CodedRow:
    if offset_s <= onset_s:
        raise ValueError("it ends before it begins")
    return CodedRow(line, person, label, onset_s, offset_s)


def _event(text: str) -> str:
    """Returns `start`, `stop`, `point` or "" for what BORIS and The Observer call an event."""
    lowered = text.lower()
    return next((one for one in ("start", "stop", "point") if one in lowered), "")


def _shift(table: TextTable, header: TableHeader) -> int:
    """Returns 1 where rows have a name in front that the header has no cell for, as R writes them,
    else 0."""
    for line, cells in table.rows():
        if line > header.line:
            is_longer = bool(header.names) and len(cells) == len(header.names) + 1
            return int(is_longer and bool(cells[-1].strip()))
    return 0


def _units_row(table: TextTable, header: TableHeader) -> tuple[int, dict[int, TimeUnit | None]]:
    """Returns the line below the header that names units, and the units by column; 0 and nothing
    where there is no such line."""
    for line, cells in table.rows():
        if line > header.line:
            units = {index: find_unit(cell) for index, cell in enumerate(cells) if cell.strip()}
            times = [
                index
                for kind, index in header.layouts[0].at.items()
                if kind in ("onset", "offset", "time")
            ]
            if times and all(units.get(index) for index in times):
                return line, units
            return 0, {}
    return 0, {}
