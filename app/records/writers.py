"""Writes records: results as rows, one per face and frame, in files of several kinds.

docs/records.md describes the rows for users. A change of names or meanings there and here needs a
higher `SCHEMA`; `app.records.reader` reads all schemas.
"""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from app.errors import SinkError
from app.files.atomic import make_write_error, open_partial
from app.files.csv_text import escape_cell
from app.files.hidden import HiddenFile
from app.files.suffixes import read_suffix
from app.recognition.quality import add_quality
from app.records.rows import format_csv_line, make_flat_row, make_json_row, make_records
from app.records.schema import DECIMALS, PIXEL_DECIMALS, Cell, Record, ValueKind, list_flat_columns
from app.types import FrameResult, Image

SUFFIXES = (".jsonl", ".csv", ".parquet")
_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # made once


def check_records_suffix(path: Path) -> str:
    """Returns the suffix of `path` in small letters. Raises `SinkError` if it is not one of
    `SUFFIXES`."""
    return read_suffix(
        path, SUFFIXES, "must end in .jsonl, .csv or .parquet, the kinds of records."
    )


class RowFile(Protocol):
    """A file of rows, of any kind."""

    def write(self, records: Sequence[Record]) -> None:
        """Writes the rows of one frame."""

    def finish(self) -> None:
        """Completes the file."""


class LineFile(Protocol):
    """A file of bytes, as far as `LineRows` uses it."""

    def write(self, content: bytes, /) -> int:
        """Writes bytes. Returns their number."""

    def flush(self) -> None:
        """Hands what was written on to the system."""


class LineRows:
    """Writes rows as lines of JSON or CSV.

    The rows of a frame reach the file together, so that a program that reads along finds whole
    frames. `header` is False for a file that already has its header.
    """

    def __init__(
        self,
        file: LineFile,
        labels: Sequence[str],
        *,
        as_csv: bool,
        header: bool = True,
        with_actions: bool = False,
    ) -> None:
        self._file = file
        self._labels = labels
        self._with_actions = with_actions
        self._columns = list_flat_columns(labels, with_actions=with_actions)
        self._as_csv = as_csv
        if as_csv and header:
            self._put(format_csv_line([escape_cell(column.name) for column in self._columns]))

    def write(self, records: Sequence[Record]) -> None:
        """Writes the rows of one frame."""
        self._put("".join(self._line(record) for record in records))

    def _line(self, record: Record) -> str:
        if not self._as_csv:
            return _encode_json(make_json_row(record)) + "\n"
        row = make_flat_row(record, self._labels, with_actions=self._with_actions)
        values = zip(self._columns, row, strict=True)
        return format_csv_line([format_csv_cell(column.kind, value) for column, value in values])

    def _put(self, text: str) -> None:
        self._file.write(text.encode())
        self._file.flush()

    def finish(self) -> None:
        """Hands all lines to the system. A full disk may show only here."""
        self._file.flush()


def format_csv_cell(kind: ValueKind, value: Cell) -> str:
    """Formats a value of `make_flat_row` as the cell of a CSV file.

    >>> format_csv_cell("pixels", 12.5), format_csv_cell("figure", 0.25)
    ('12.50', '0.250000')
    """
    if value is None:
        return ""
    if kind == "text" or isinstance(value, str):
        return escape_cell(str(value))
    if kind == "whole":
        return str(value)
    return f"{value:.{PIXEL_DECIMALS if kind == 'pixels' else DECIMALS}f}"


class RecordsSink:
    """Writes records as `.jsonl`, `.csv` or `.parquet`, by the suffix of `path`.

    `x, y, width, height` are the box of the face in pixels of the upright picture, not clipped to
    the picture. A frame without faces is one row with empty fields for the face. `with_actions`
    gives tables the columns of facial actions; lines of JSON have them wherever results do. Raises
    `SinkError`, also for Parquet without pyarrow.
    """

    dropped = 0
    warning = None

    def __init__(
        self,
        path: str | Path,
        labels: Sequence[str],
        *,
        overwrite: bool = False,
        with_actions: bool = False,
    ) -> None:
        self.path = path = Path(path)
        self._with_actions = with_actions
        suffix = check_records_suffix(path)
        self._rows: RowFile | None = None
        self._partial = open_partial(path, overwrite=overwrite)
        try:
            self._rows = self._open_rows(self._partial, suffix, tuple(labels))
        except OSError as error:
            raise make_write_error(path, error) from error

    def _open_rows(self, part: HiddenFile, suffix: str, labels: tuple[str, ...]) -> RowFile:
        try:
            if suffix != ".parquet":
                return LineRows(
                    part.file, labels, as_csv=suffix == ".csv", with_actions=self._with_actions
                )
            from app.records.parquet import ParquetRows

            return ParquetRows(part.path, labels, name=self.path, with_actions=self._with_actions)
        except BaseException:
            part.discard()
            raise

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Writes the rows of a frame. The sink does not use `canvas`. Raises `SinkError`."""
        if self._rows is None:
            raise SinkError(f"{self.path} is closed already.")
        try:
            self._rows.write(make_records(add_quality(result)))
        except OSError as error:
            self.abort()
            raise make_write_error(self.path, error) from error

    def close(self) -> None:
        """Completes the file under its final name. A second call does nothing. Raises
        `SinkError`."""
        if self._rows is None:
            return
        rows, self._rows = self._rows, None
        try:
            rows.finish()  # a full disk may show only here
            self._partial.settle()
        except OSError as error:
            raise make_write_error(self.path, error) from error
        finally:
            self._partial.discard()

    def abort(self) -> None:
        """Gives the run up and removes the rows."""
        if self._rows is None:
            return
        rows, self._rows = self._rows, None
        with contextlib.suppress(OSError):
            rows.finish()
        self._partial.discard()
