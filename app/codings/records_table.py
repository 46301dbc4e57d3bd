"""Tells records of this program from other tables.

A spreadsheet or R may have saved records in another form, which `RecordsReader` does not take. As a
coding, such a table would give other figures: its unsure rows would be read as a person's labels.
"""

import csv
import io
from pathlib import Path

from app.codings.text import DELIMITERS, TextTable
from app.errors import DataError
from app.files.csv_text import unescape_cell
from app.files.foreign_text import decode_text
from app.records.parsing import find_column_labels
from app.records.schema import COLUMNS

HEADER_BYTES = 1 << 16  # a header is shorter
_SUFFIXES = (".jsonl", ".parquet", ".partial")
_FIRST_COLUMNS = frozenset(COLUMNS[:5])  # no coder's table has all of these


def is_records_file(path: Path) -> bool:
    """True for records, by the suffix or by the header of a table.

    Raises `DataError` for a table with the columns of records in another form: with other marks
    between cells, in another encoding or in another order.
    """
    if path.suffix.lower() in _SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            content = file.read(HEADER_BYTES)
    except OSError:
        return False
    text = decode_text(content)
    if text is None:
        return False
    is_utf16 = b"\x00" in content
    if not is_utf16 and find_column_labels(_read_first_row(text)) is not None:
        return True
    if any(_read_names(path, text, delimiter) >= _FIRST_COLUMNS for delimiter in DELIMITERS):
        raise DataError(
            f"{path} has the columns of records, but not as --records writes them. Save it as CSV "
            "with commas between cells, in UTF-8, with the same columns in the same order, or give "
            "the file that --records wrote."
        )
    return False


def _read_first_row(text: str) -> list[str]:
    """Returns the first row as `RecordsReader` reads it."""
    try:
        cells = next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except csv.Error:
        return []
    return [unescape_cell(cell) for cell in cells]


def _read_names(path: Path, text: str, delimiter: str) -> frozenset[str]:
    """Returns the names of the columns in small letters; nothing if quotes do not match."""
    try:
        _, cells = next(TextTable(path, text, delimiter).rows(), (0, []))
    except DataError:
        return frozenset()
    return frozenset(cell.strip().lower() for cell in cells)
