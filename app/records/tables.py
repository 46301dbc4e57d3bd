"""Writes tidy tables, one observation a row, as .csv or .parquet for statistics programs."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from app.files.atomic import make_write_error, open_partial
from app.files.csv_text import escape_cell
from app.files.suffixes import read_suffix
from app.records.parquet import ParquetTable, check_pyarrow
from app.records.rows import format_csv_line
from app.records.schema import DECIMALS, Cell, RecordColumn
from app.wording import escape_surrogates

TABLE_SUFFIXES = (".csv", ".parquet")


class _Rows(Protocol):
    """Takes rows and writes them into an open file."""

    def write(self, rows: Sequence[Sequence[Cell]]) -> None: ...
    def finish(self) -> None: ...


def check_table_suffix(path: Path) -> str:
    """Returns the suffix of a table in small letters. Raises `SinkError` for one that is not
    written, and for `.parquet` where pyarrow is not installed."""
    suffix = read_suffix(path, TABLE_SUFFIXES, "must end in .csv or .parquet.")
    if suffix == ".parquet":
        check_pyarrow(path)
    return suffix


class TableFile:
    """A table that is written bit by bit under a hidden name, so that its length takes no memory.
    `close` gives it its final name, `abort` leaves nothing behind.

    Args:
        path: The table, `.csv` or `.parquet`.
        columns: The columns, in order.
        overwrite: An existing file is replaced.
        inputs: Files that must not be replaced.

    Raises:
        SinkError: The table cannot be written.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[RecordColumn],
        *,
        overwrite: bool,
        inputs: Iterable[Path] = (),
    ) -> None:
        suffix = check_table_suffix(path)
        self._final = path
        self._part = open_partial(path, overwrite=overwrite, inputs=inputs)
        try:
            self._rows: _Rows = (
                _CsvTable(self._part.file, columns)
                if suffix == ".csv"
                else ParquetTable(self._part.file, columns, name=path)
            )
        except BaseException:
            self._part.discard()
            raise

    def add(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Adds rows, whose cells are in the order of the columns. Raises `SinkError`."""
        try:
            self._rows.write([[_clean(cell) for cell in row] for row in rows])
        except OSError as error:
            raise make_write_error(self._final, error) from error

    def close(self) -> None:
        """Completes the table. Raises `SinkError`."""
        try:
            self._rows.finish()
            self._part.settle()
        except OSError as error:
            raise make_write_error(self._final, error) from error

    def abort(self) -> None:
        """Leaves nothing behind unless the table was completed."""
        self._part.discard()


def _clean(cell: Cell) -> Cell:
    return escape_surrogates(cell) if isinstance(cell, str) else cell


class _Bytes(Protocol):
    def write(self, content: bytes, /) -> object: ...


class _CsvTable:
    def __init__(self, file: _Bytes, columns: Sequence[RecordColumn]) -> None:
        self._file = file
        self._file.write(format_csv_line([column.name for column in columns]).encode())

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        text = "".join(format_csv_line(list(map(_format_cell, row))) for row in rows)
        self._file.write(text.encode())

    def finish(self) -> None:
        """Has nothing left to write."""


def _format_cell(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.{DECIMALS}f}"
    return "" if cell is None else escape_cell(str(cell))
