"""Reads the rows of a coder's table of any program, with their times in seconds.

docs/agreement.md describes the tables for users. Errors are `DataError` and name file and line.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.codings.column_checks import (
    TIMES,
    check_minutes,
    check_width,
    find_shift,
    list_unread_columns,
)
from app.codings.columns import ColumnKind, TimeUnit, find_unit
from app.codings.frame_times import RecordFrameTimes
from app.codings.layout import Layout, TableHeader, find_header
from app.codings.text import DELIMITERS, TextTable, read_text
from app.codings.times import (
    NumberStyle,
    check_thousands,
    detect_number_style,
    parse_coded_time,
)
from app.errors import DataError
from app.files.csv_text import unescape_cell
from app.recognition.expression_names import NOT_CODED, normalise_label

SLIP_S = 0.02  # an overlap of two spans up to this length counts as a slip or as rounding
SLIP_FRAMES = 1.01  # likewise in tables that count frames: one frame, and room for rounding
_FACE_LABEL = re.compile(r"(face \d+): (.+)")
_FRAME = re.compile(r"[0-9]{1,15}(\.0*)?")
# Words that coders write in place of scores.
_MARKS = {"": 0.0, "false": 0.0, "no": 0.0, "true": 1.0, "yes": 1.0, "x": 1.0}
_BEGINS: tuple[ColumnKind, ...] = ("onset", "time", "frame")
GivenUnit = Literal["s", "ms", "min", "frames"]  # the unit of times that a user may name


@dataclass(frozen=True, slots=True)
class CodedRow:
    """One label of one person. `label` is as written, "" for an empty cell. `offset_s` is None if
    the label is of an instant. `line` is 0 in files without lines."""

    line: int
    person: str
    label: str
    onset_s: float
    offset_s: float | None = None


class CodedTable:
    """The rows of the table `path`.

    After `rows`, `unpaired` counts the events that have a begin or an end only, and `sources`
    holds the names of the videos in the table.

    Args:
        path: The file of the table.
        tiers: The tiers to read; all if it is empty.
        unit: The unit of plain numbers of times; None stands for the one that the header names.
        frames: The frames of the other file's records, for tables that count frames.

    Raises:
        DataError: The file holds no table with times and labels.
    """

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
        self._shift = find_shift(self._table, found[1])
        check_minutes(path, self._header, self._cells_of)
        self._style = self._number_style()

    @property
    def slip_s(self) -> float:
        """The longest overlap of two spans, in seconds, that counts as a slip. In tables that count
        frames, some coders end a span with the first frame of the next span."""
        units = {unit for layout in self._header.layouts for unit in layout.units.values()}
        if self._frames is not None and "frame" in (units | {self._unit}):
            return max(SLIP_S, SLIP_FRAMES * self._frames.step_s)
        return SLIP_S

    def rows(self) -> Iterator[CodedRow]:
        """Yields the rows in the order of the file; the begin and the end of an event are one row.
        Raises `DataError`."""
        self.unpaired = 0
        open_events: dict[tuple[str, str], tuple[int, float]] = {}
        tiers: set[str] = {one.tier for one in self._header.layouts if one.tier}
        for line, cells in self._data():
            check_width(self._table, self._header, line, cells)
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

    def list_unread_columns(self) -> list[str]:
        """Lists the names of columns that are not read although they have the meaning of others;
        none if the user named tiers."""
        return [] if self._tiers else list_unread_columns(self._header, self._cells_of)

    def _data(self) -> Iterator[tuple[int, list[str]]]:
        for line, cells in self._table.rows():
            if line > self._header.line and line != self._units_line:
                yield line, cells[self._shift :]

    def _read(
        self, line: int, row: "_Cells", open_events: dict[tuple[str, str], tuple[int, float]]
    ) -> Iterator[CodedRow]:
        """Yields one row, or none if the row begins an event, is a remark or is of another tier.
        `open_events` holds (line, onset in seconds) of the running events, by person and label."""
        at = row.layout.at
        label = self._find_highest(row) if row.layout.scores else unescape_cell(row.text("label"))
        if normalise_label(label, {}) == NOT_CODED and (
            (row.layout.tier and "onset" in at)  # the row is of another tier
            or not any(normalise_label(row.text(kind), {}) for kind in _BEGINS)  # a remark
        ):
            return
        if source := row.text("source"):
            self.sources.add(source)
        # Programs that hold numbers as floating point write face 1 as "1.0".
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
            offset_s = self._time(row, "offset")
            if offset_s == onset_s and self._unit_of(row.layout, "offset") == "frame":
                # A span of one frame has a length, so this one ends with the frame before it.
                raise ValueError("it ends before it begins")
            yield _span(line, person, label, onset_s, offset_s)
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
            return (
                self._frames.find_end(frame) if kind == "offset" else self._frames.find_time(frame)
            )
        return parse_coded_time(text, unit, self._style)

    def _find_highest(self, row: "_Cells") -> str:
        """Returns the label with the highest score; "" if no score is above 0 or if two labels
        share the highest score."""
        scores: list[tuple[float, str]] = []
        for index, label in row.layout.scores:
            text = row.cells[index].strip() if index < len(row.cells) else ""
            try:
                score = (
                    _MARKS[text.lower()]
                    if text.lower() in _MARKS
                    else self._style.parse_number(text)
                )
            except ValueError:
                return ""  # such as FIND_FAILED
            scores.append((score, label))
        scores.sort(reverse=True)
        return scores[0][1] if scores[0][0] > max(0.0, scores[1][0]) else ""

    def _cells_of(self, columns: Collection[int]) -> Iterator[str]:
        """Yields the cells of some columns, row by row."""
        return (row[index] for _, row in self._data() for index in columns if index < len(row))

    def _unit_of(self, layout: Layout, kind: ColumnKind) -> TimeUnit | None:
        """Returns the unit of plain numbers in the column of this kind."""
        return self._unit or self._units.get(layout.at[kind]) or layout.units.get(kind)

    def _number_style(self) -> NumberStyle:
        wanted: set[int] = set()
        for layout in self._header.layouts:
            wanted |= {layout.at[kind] for kind in TIMES if kind in layout.at}
            wanted |= {index for index, _ in layout.scores}
        in_ms = {
            layout.at[kind]
            for layout in self._header.layouts
            for kind in TIMES
            if kind in layout.at and self._unit_of(layout, kind) == "ms"
        }
        try:
            check_thousands(self._cells_of(in_ms))
            return detect_number_style(
                self._cells_of(wanted), comma_parts_cells=self._table.delimiter == ","
            )
        except ValueError as cause:
            raise DataError(f"{self.path}: {cause}.") from cause


@dataclass(frozen=True, slots=True)
class _Cells:
    cells: Sequence[str]
    layout: Layout

    def text(self, kind: ColumnKind) -> str:
        """Returns the words of a cell; "" if the column or the cell is missing."""
        index = self.layout.at.get(kind, len(self.cells))
        return " ".join(self.cells[index].split()) if index < len(self.cells) else ""


def _span(line: int, person: str, label: str, onset_s: float, offset_s: float) -> CodedRow:
    """Makes a row of a span; of a point if it has no length, as Audacity writes points."""
    if offset_s < onset_s:
        raise ValueError("it ends before it begins")
    if offset_s == onset_s:
        return CodedRow(line, person, label, onset_s)
    return CodedRow(line, person, label, onset_s, offset_s)


def _event(text: str) -> str:
    """Reads the type of an event in tables of BORIS and The Observer: `start`, `stop`, `point` or
    ""."""
    lowered = text.lower()
    return next((one for one in ("start", "stop", "point") if one in lowered), "")


def _units_row(table: TextTable, header: TableHeader) -> tuple[int, dict[int, TimeUnit | None]]:
    """Returns the number of the line below the header if this line names units, and the units by
    column; else 0 and nothing."""
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
