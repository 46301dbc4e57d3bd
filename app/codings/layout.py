"""Finds the columns with times and labels of a table: by its header or, without one, by its
cells."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from app.codings.columns import NAMES, ColumnKind, ColumnMeaning, TimeUnit, find_column_meaning
from app.codings.text import DELIMITERS, TextTable
from app.codings.times import NumberStyle, parse_coded_time
from app.errors import DataError
from app.recognition.expression_names import EXPRESSIONS, normalise_label

_ELAN_TIME = re.compile(r"(begin time|end time|duration) - ", re.IGNORECASE)
MAX_ROWS_BEFORE_HEADER = 100  # a header further down is not found
MIN_SCORE_COLUMNS = 3  # this many columns named like expressions make a table of scores
LENGTH_SLIP_S = 0.002  # begins, ends and lengths are each rounded to milliseconds
# Which of several columns with the same times is read: the best unit comes first.
_BEST_UNITS: tuple[TimeUnit | None, ...] = ("s", "clock", "ms", None, "min", "frame", "timecode")


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table.

    `at` gives the index of each kind of column, and `units` the units of the columns with times.
    `scores` holds (index, label) of each column with scores of one label; such a table has no
    column of labels. `tier` names the coded behaviour if it has columns of its own.
    """

    at: Mapping[ColumnKind, int]
    units: Mapping[ColumnKind, TimeUnit | None]
    scores: tuple[tuple[int, str], ...] = ()
    tier: str = ""

    @property
    def column_count(self) -> int:
        """The number of columns whose meaning is known."""
        return len(self.at) + len(self.scores)


@dataclass(frozen=True, slots=True)
class TableHeader:
    """The header of a table, in line `line`, with the cells `names`. Line 0 stands for a table
    without a header. Each layout describes one tier."""

    line: int
    names: tuple[str, ...]
    layouts: tuple[Layout, ...]


def find_header(
    table_of: Mapping[str, TextTable], tiers: Collection[str]
) -> tuple[TextTable, TableHeader] | None:
    """Finds the delimiter with which most columns are known.

    Args:
        table_of: The same text as a table by each of `DELIMITERS`.
        tiers: Names of tiers in small letters, which may be names of columns.

    Returns:
        The table with this delimiter, and its header; None if no table has one.
    """
    best: tuple[int, TextTable, TableHeader] | None = None
    for delimiter in DELIMITERS:
        table = table_of[delimiter]
        try:
            header = _first_header(table, tiers)
        except DataError:  # quotes do not match, so this is not the delimiter
            continue
        if header is None:
            continue
        known = sum(layout.column_count for layout in header.layouts)
        if best is None or known > best[0]:
            best = known, table, header
    if best is not None:
        return best[1], best[2]
    try:
        header = _without_header(table_of["\t"])
    except DataError:
        return None
    return None if header is None else (table_of["\t"], header)


def _first_header(table: TextTable, tiers: Collection[str]) -> TableHeader | None:
    for line, cells in islice(table.rows(), MAX_ROWS_BEFORE_HEADER):
        names = tuple(" ".join(cell.split()) for cell in cells)
        layouts = find_layouts(names, tiers)
        if layouts:
            return TableHeader(line, names, layouts)
    return None


def find_layouts(names: Sequence[str], tiers: Collection[str]) -> tuple[Layout, ...]:
    """Finds the layouts that the `names` of a header stand for, one for each tier.

    Returns an empty tuple if the header names no times or no labels. `tiers` are names of tiers in
    small letters, which may be names of columns.

    >>> [layout.at for layout in find_layouts(["onset", "offset", "label"], ())]
    [{'onset': 0, 'offset': 1, 'label': 2}]
    """
    groups = _groups(names, tiers)
    if groups:
        return groups
    found: dict[ColumnKind, tuple[tuple[int, int], int, ColumnMeaning]] = {}
    for index, name in enumerate(names):
        column = find_column_meaning(name)
        if column is None:
            continue
        rank = (column.rank, _BEST_UNITS.index(column.unit))
        if column.kind not in found or rank < found[column.kind][0]:
            found[column.kind] = rank, index, column
    at = {kind: index for kind, (_, index, _) in found.items()}
    units = {kind: column.unit for kind, (_, _, column) in found.items()}
    has_spans = "onset" in at and bool(at.keys() & {"offset", "duration"})
    if not has_spans and not at.keys() & {"time", "frame"}:
        return ()
    if "tier" not in at and any(name.lower().startswith("begin time - ") for name in names):
        return _elan_columns(names, at, units, tiers)
    by_tier = [
        Layout({**at, "label": index}, units, tier=name)
        for index, name in enumerate(names)
        if name and name.lower() in tiers and index not in at.values()
    ]
    if by_tier:
        return tuple(by_tier)
    if "label" in at:
        return (Layout(at, units),)
    scores: dict[str, int] = {}
    for index, name in enumerate(names):
        # Affectiva's tables have a column "smile" beside the column "joy".
        if name.lower() != "smile" and (label := normalise_label(name, {})) in EXPRESSIONS:
            scores.setdefault(label, index)
    if len(scores) >= MIN_SCORE_COLUMNS:
        return (Layout(at, units, tuple((index, label) for label, index in scores.items())),)
    return ()


def _elan_columns(
    names: Sequence[str],
    at: Mapping[ColumnKind, int],
    units: Mapping[ColumnKind, TimeUnit | None],
    tiers: Collection[str],
) -> tuple[Layout, ...]:
    """Finds the layouts of ELAN's tables in which each tier has its own column."""
    kinds: tuple[ColumnKind, ...] = ("onset", "offset", "duration")
    times = {kind: at[kind] for kind in kinds if kind in at}
    found = [
        Layout({**times, "label": index}, units, tier=name)
        for index, name in enumerate(names)
        if name and not _ELAN_TIME.match(name)
    ]
    return tuple([one for one in found if one.tier.lower() in tiers] or found)


def _groups(names: Sequence[str], tiers: Collection[str]) -> tuple[Layout, ...]:
    """Finds the layouts of Datavyu's tables. These have groups of columns such as `face.ordinal`,
    `face.onset`, `face.offset` and `face.code`, with times in milliseconds."""
    groups: dict[str, dict[str, int]] = {}
    for index, name in enumerate(names):
        front, dot, last = name.rpartition(".")
        if dot and front:
            groups.setdefault(front, {})[last] = index
    layouts = []
    for name, columns in groups.items():
        if not {"onset", "offset"} <= columns.keys():
            continue
        codes = [one for one in columns if one not in ("ordinal", "onset", "offset")]
        wanted = [one for one in codes if f"{name}.{one}".lower() in tiers]
        known = [one for one in codes if one.lower() in NAMES["label"]]
        for code in (wanted or known or codes)[:1]:
            at: dict[ColumnKind, int] = {
                "onset": columns["onset"],
                "offset": columns["offset"],
                "label": columns[code],
            }
            layouts.append(Layout(at, {"onset": "ms", "offset": "ms"}, tier=name))
    if len(layouts) > 1 and tiers:
        layouts = [
            one for one in layouts if any(t.partition(".")[0] == one.tier.lower() for t in tiers)
        ] or layouts
    return tuple(layouts)


def _without_header(table: TextTable) -> TableHeader | None:
    """Finds the layout of the tables that ELAN and Audacity write without a header.

    Their cells are separated by tabs. A row has texts, then begins, ends and perhaps lengths, each
    in one or several notations, then the label.
    """
    rows = [cells for _, cells in islice(table.rows(), MAX_ROWS_BEFORE_HEADER)]
    width = min((len(cells) for cells in rows), default=0)
    if width < 3:
        return None
    timed = [all(_is_time(cells[index]) for cells in rows) for index in range(width)]
    first = next((index for index, is_time in enumerate(timed) if is_time), width)
    count = next(
        (n for n, is_time in enumerate([*timed[first:], False]) if not is_time), width - first
    )
    label = first + count
    if count < 2 or label >= width:
        return None
    notations = _notations(rows[0][first:label], has_tier=first > 0)
    if notations is None:
        return None
    units = notations
    best = min(range(len(units)), key=lambda n: _BEST_UNITS.index(units[n]))
    at: dict[ColumnKind, int] = {
        "onset": first + best,
        "offset": first + len(units) + best,
        "label": label,
    }
    if first > 0:
        at["tier"] = 0
    if first > 1 and any(cells[1].strip() for cells in rows):
        at["person"] = 1
    return TableHeader(0, (), (Layout(at, {"onset": units[best], "offset": units[best]}),))


def _is_time(cell: str) -> bool:
    if cell.count(":") == 3:  # a timecode
        return cell.replace(":", "").strip().isdigit()
    try:
        parse_coded_time(cell, None, NumberStyle())
    except ValueError:
        return False
    return True


def _notations(cells: Sequence[str], *, has_tier: bool) -> tuple[TimeUnit | None, ...] | None:
    """Finds the units of the begins in `cells`, which are the begins, ends and perhaps lengths of
    one row. Returns None if `cells` are something else."""

    def unit(cell: str) -> TimeUnit | None:
        if ":" in cell:
            return "timecode" if cell.count(":") == 3 else "clock"
        return "s" if "." in cell or not has_tier else "ms"

    for parts in (3, 2):
        size, rest = divmod(len(cells), parts)
        units = tuple(unit(cell) for cell in cells[:size])
        if rest or units != tuple(unit(cell) for cell in cells[size : 2 * size]):
            continue
        if parts == 2:
            return units
        plain = next((n for n, one in enumerate(units) if one != "timecode"), None)
        if plain is None:
            return units
        begin, end, length = (
            parse_coded_time(cells[k * size + plain], units[plain], NumberStyle()) for k in range(3)
        )
        if abs(end - begin - length) < LENGTH_SLIP_S:
            return units
    return None
