"""Reads records of any length, kind and schema, row by row."""

import csv
import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from app.errors import DataError
from app.files.csv_text import unescape_cell
from app.files.no_file import describe_no_file
from app.records.checks import (
    RowOrder,
)
from app.records.parsing import find_column_labels, parse_cells, parse_json_line, parse_values
from app.records.schema import (
    Record,
)
from app.records.writers import SUFFIXES


class RecordsReader:
    """The records of the file `path`, in order. They can be read several times.

    Only whole lines are read. The last line is incomplete while a program is still writing, or
    after a crash; it is left out, and `is_cut_short` is True after the iteration. Raises
    `DataError` with the number of the line.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path = Path(path)
        self.is_cut_short = False
        # A file that is still being written is read under its temporary name.
        suffix = (path.with_suffix("") if path.suffix == ".partial" else path).suffix.lower()
        if not path.is_file():
            raise DataError(f"{path} {describe_no_file(path)}. Give a file that --records wrote.")
        if suffix not in SUFFIXES:
            raise DataError(
                f"{path} is no records file: its name must end in .jsonl, .csv or .parquet."
            )
        self._read = {".jsonl": self._json, ".csv": self._csv, ".parquet": self._parquet}[suffix]

    def __iter__(self) -> Iterator[Record]:
        self.is_cut_short = False
        order = RowOrder()
        for number, record in self._read():
            try:
                order.check(record)
            except ValueError as cause:
                raise self._damaged(number, str(cause)) from cause
            yield record

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Yields (number, text) of the whole lines."""
        number = 0
        try:
            with self.path.open("rb") as file:
                for number, content in enumerate(file, start=1):
                    if not content.endswith(b"\n"):
                        self.is_cut_short = True
                        return
                    text = content.decode("utf-8-sig" if number == 1 else "utf-8")
                    yield number, text
        except OSError as cause:
            raise DataError(f"{self.path} cannot be read: {cause.strerror}.") from cause
        except UnicodeDecodeError as cause:
            raise self._damaged(number, "it is not UTF-8 text") from cause

    def _damaged(self, number: int, why: str) -> DataError:
        return DataError(
            f"{self.path}, line {number}: {why}. Mend the line, or make the file again."
        )

    def _row(self, number: int, make: Callable[[], Record]) -> Record:
        """Makes a row; an error names its line."""
        try:
            return make()
        except KeyError as cause:
            raise self._damaged(number, f"{cause.args[0]!r} is missing") from cause
        except RecursionError as cause:
            raise self._damaged(number, "it is nested too deeply") from cause
        except (ValueError, TypeError, AttributeError) as cause:
            raise self._damaged(number, str(cause)) from cause

    def _json(self) -> Iterator[tuple[int, Record]]:
        for number, line in self._lines():
            if line.strip():
                yield number, self._row(number, partial(parse_json_line, line))

    def _csv(self) -> Iterator[tuple[int, Record]]:
        lines = self._lines()
        first = next(lines, None)
        if first is None:
            return
        at = [first[0]]

        def texts() -> Iterator[str]:
            for at[0], line in chain([first], lines):
                yield line

        table = csv.reader(texts(), strict=True)
        labels: tuple[str, ...] | None = None
        names: list[str] = []
        while True:
            try:
                cells = next(table, None)
            except csv.Error as cause:
                raise self._damaged(at[0], str(cause)) from cause
            if cells is None:
                return
            if labels is None:
                names = [unescape_cell(cell) for cell in cells]
                labels = find_column_labels(names)
                if labels is None:
                    raise self._damaged(at[0], "its columns are not those of records")
            elif len(cells) != len(names):
                raise self._damaged(at[0], f"it has {len(cells)} cells, not {len(names)}")
            else:
                row = dict(zip(names, cells, strict=True))
                yield at[0], self._row(at[0], partial(parse_cells, row, labels))

    def _parquet(self) -> Iterator[tuple[int, Record]]:
        from app.records.parquet import read_parquet_rows

        labels, rows = read_parquet_rows(self.path)
        for number, row in enumerate(rows, start=1):
            yield number, self._row(number, partial(parse_values, row, labels))
