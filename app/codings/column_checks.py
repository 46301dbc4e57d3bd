"""Finds columns of a coder's table that would be read wrongly, or not at all, without a word."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from app.codings.columns import ColumnKind, find_column_meaning, find_unit
from app.codings.layout import TableHeader
from app.codings.text import TextTable
from app.errors import DataError

TIMES: tuple[ColumnKind, ...] = ("onset", "offset", "duration", "time")
CellsOf = Callable[[Collection[int]], Iterator[str]]  # gives the cells of some columns
_NUMBER = re.compile(r"\d+(\.\d*)?")
_DECIMAL = re.compile(r"\d+\.\d+")


def find_shift(table: TextTable, header: TableHeader) -> int:
    """Returns 1 if each row begins with a name for which the header has no cell, as in tables of R,
    else 0.

    Raises `DataError` if the additional cell may come from a decimal comma instead. In a table with
    commas between cells, the names must be quoted, or be 1, 2, 3 … beside decimal points.
    """
    count = len(header.names)
    first = next((cells for line, cells in table.rows() if line > header.line), [])
    if not count or len(first) != count + 1 or not first[-1].strip():
        return 0
    if table.delimiter != "," or table.begins_with_quotes(header.line):
        return 1
    rows = [cells for line, cells in table.rows() if line > header.line]
    is_counted = all(cells[0].strip() == str(number) for number, cells in enumerate(rows, 1))
    if is_counted and any(_DECIMAL.fullmatch(cell.strip()) for cells in rows for cell in cells):
        return 1
    raise DataError(
        f"{table.path} has rows with {count + 1} cells below a header of {count}. If a comma "
        "stands within numbers, save the table with semicolons between cells; if rows begin with "
        "a name, give its column a name."
    )


def check_width(table: TextTable, header: TableHeader, line: int, cells: Sequence[str]) -> None:
    """Raises `DataError` for a row in which decimal commas seem to have parted numbers: it is
    longer than the header, its label is a number, and a text comes after it."""
    at = header.layouts[0].at.get("label")
    if table.delimiter != "," or at is None or len(cells) <= len(header.names):
        return
    label, *behind = (cell.strip() for cell in cells[at:])
    if label.isdigit() and any(cell and not _NUMBER.fullmatch(cell) for cell in behind):
        raise DataError(
            f"{table.path}, line {line}: it has {len(cells)} cells, and the header "
            f"{len(header.names)}. If a comma stands within numbers, save the table with "
            "semicolons between cells."
        )


def check_minutes(path: Path, header: TableHeader, cells_of: CellsOf) -> None:
    """Raises `DataError` if whole minutes lie in a column beside their seconds. Minutes with
    decimals beside the same time in seconds are no reason for an error."""
    for layout in header.layouts:
        for kind in TIMES:
            if kind not in layout.at or layout.units.get(kind) != "s":
                continue
            for index, name in enumerate(header.names):
                if not _is_minutes(name, kind):
                    continue
                minutes = _list_numbers(cells_of([index]))
                seconds = _list_numbers(cells_of([layout.at[kind]]))
                is_whole = all(one == int(one) for one in minutes)
                if any(minutes) and is_whole and max(seconds, default=60.0) < 60:
                    raise DataError(
                        f"{path} has minutes in the column {name!r} and seconds in "
                        f"{header.names[layout.at[kind]]!r}. Join the two into one column, such "
                        "as 1:10."
                    )


def _is_minutes(name: str, kind: ColumnKind) -> bool:
    """True for the name of a column with the minutes of times of this kind."""
    if kind == "time" and find_unit(name) == "min":
        return True
    meaning = find_column_meaning(name)
    return meaning is not None and (meaning.kind, meaning.unit) == (kind, "min")


def _list_numbers(cells: Iterable[str]) -> list[float]:
    """Lists the numbers among `cells`, whatever their decimal mark."""
    texts = (cell.strip().replace(",", ".") for cell in cells)
    return [float(text) for text in texts if _NUMBER.fullmatch(text)]


def list_unread_columns(header: TableHeader, cells_of: CellsOf) -> list[str]:
    """Lists the names of columns with labels or times that are not read, because another column has
    the same meaning. Columns without cells are skipped, and so are tables of tiers."""
    if any(layout.tier for layout in header.layouts):
        return []
    names = header.names
    used = {index for layout in header.layouts for index in layout.at.values()}
    taken = {names[index].lower() for index in used if index < len(names)}
    found: list[str] = []
    for index, name in enumerate(names):
        meaning = find_column_meaning(name)
        if index in used or meaning is None:
            continue
        is_like_another = meaning.kind == "label" or name.lower() in taken
        if is_like_another and any(cell.strip() for cell in cells_of([index])):
            found.append(name)
    return found
