"""Reads the text of a coding in any encoding, and splits it into cells.

For files without text, the error names the program and how to export a table from it.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.errors import DataError
from app.files.foreign_text import decode_text, split_separator_line

MAX_BYTES = 1 << 30  # of a coding; a larger file is something else
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")
DELIMITERS = ("\t", ";", ",", "|", " ")
_CSV = "save the sheet as CSV (UTF-8)"
# Files that hold no table of text, by their first bytes or their ending: (first bytes, kind of
# file, how to get a table from it).
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or Observer project", _CSV),
    (b"$FL2", "an SPSS file", "in SPSS, choose Save As, type CSV"),
    (b"$FL3", "an SPSS file", "in SPSS, choose Save As, type CSV"),
    (b"PAR1", "a Parquet file without records of this program", "write it as CSV"),
    (b"%PDF", "a PDF", "export the table as CSV"),
    (b"ooBinaryFile", "a binary Praat file", "in Praat, save it as a text file"),
    (b"\x1f\x8b", "compressed by gzip", "unpack it"),
    (b"\xff\xd8\xff", "a picture", "give a table"),
    (b"\x89PNG", "a picture", "give a table"),
    (b"<!doctype html", "a web page", "export the table as CSV"),
    (b"<!DOCTYPE html", "a web page", "export the table as CSV"),
    (b"<html", "a web page", "export the table as CSV"),
)
_ENDINGS: dict[str, tuple[str, str]] = {
    ".xlsx": ("an Excel workbook", _CSV),
    ".xlsm": ("an Excel workbook", _CSV),
    ".xls": ("an old Excel workbook", _CSV),
    ".ods": ("a LibreOffice sheet", _CSV),
    ".numbers": ("a Numbers sheet", "export it to CSV"),
    ".sav": ("an SPSS file", "in SPSS, choose Save As, type CSV"),
    ".dta": ("a Stata file", "export it by `export delimited`"),
    ".rds": ("an R file", "write it by write.csv"),
    ".rdata": ("an R file", "write it by write.csv"),
    ".opf": ("a Datavyu spreadsheet", "in Datavyu, export the spreadsheet as CSV"),
    ".boris": ("a BORIS project", "in BORIS, export aggregated or tabular events as CSV"),
    ".odx": ("an Observer file", "export the event log as text"),
    ".vtt": ("a file of subtitles", "write episodes as .csv or .eaf"),
    ".srt": ("a file of subtitles", "write a table"),
    ".json": ("a JSON file", "write it as CSV"),
}
_TEXT_ENDINGS = frozenset({".json", ".boris", ".vtt", ".srt"})  # files with text, but no table


def read_text(path: Path) -> str:
    """Reads the text of a file in UTF-8, UTF-16 or Windows-1252. Raises `DataError`, also for files
    without text."""
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES >> 30} GB, too large for a coding.")
        content = path.read_bytes()
    except OSError as cause:
        raise DataError(f"{path} cannot be read: {cause.strerror}.") from cause
    _refuse_other_formats(path, content)
    text = decode_text(content)
    if text is None:
        raise DataError(f"{path} is no text, or cut within it. Save the coding as CSV in UTF-8.")
    return text


def _refuse_other_formats(path: Path, content: bytes) -> None:
    """Raises `DataError` for a file that holds no table of text. The first bytes decide, because
    names mislead: some instruments write tables of text as `.xls`."""
    suffix = path.suffix.lower()
    packed = content.startswith(b"PK\x03\x04")
    known = next(((what, way) for magic, what, way in _MAGIC if content.startswith(magic)), None)
    is_binary = packed or known is not None or b"\x00" in content[:400]
    has_mark = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if suffix in _ENDINGS and (suffix in _TEXT_ENDINGS or (is_binary and not has_mark)):
        known = _ENDINGS[suffix]
    elif packed:
        known = ("a workbook or another packed file", _CSV)
    elif content[4:8] == b"ftyp":
        known = ("a video", "give a table")
    if known is not None:
        what, way = known
        raise DataError(f"{path} is {what}, which is not read here; {way}.")


class TextTable:
    """A text as rows of cells, separated by `delimiter`. Error messages call the text `path`."""

    def __init__(self, path: Path, text: str, delimiter: str) -> None:
        self.path = path
        self.delimiter = delimiter
        self._text = text

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yields (number of the last line, cells) of every row that is not empty and no remark.

        The method can be called several times. Raises `DataError` if quotes do not match.
        """
        for line, cells, _ in self._parse():
            yield line, cells

    def begins_with_quotes(self, after_line: int) -> bool:
        """True if the first cell of each row after the line `after_line` is quoted."""
        return all(
            text.lstrip().startswith('"') for line, _, text in self._parse() if line > after_line
        )

    def _parse(self) -> Iterator[tuple[int, list[str], str]]:
        """Yields (number of the last line, cells, text) of the rows."""
        first, text = 0, self._text
        if (marked := split_separator_line(text)) is not None:
            first, text = 1, marked[1]
        row_lines: list[str] = []

        def lines() -> Iterator[str]:
            for found in _LINE.finditer(text):
                row_lines.append(found[0])
                yield found[0]

        is_spaced = self.delimiter == " "  # several spaces then separate two cells
        table = csv.reader(
            lines(), delimiter=self.delimiter, skipinitialspace=is_spaced, strict=True
        )
        while True:
            row_lines.clear()
            try:
                cells = next(table, None)
            except csv.Error as cause:
                raise DataError(
                    f"{self.path}, line {first + table.line_num}: {cause}. Mend the line."
                ) from cause
            if cells is None:
                return
            # ELAN writes "#file://..." above the rows of each file; other programs write remarks.
            if any(cell.strip() for cell in cells) and not _is_remark(cells):
                yield first + table.line_num, cells, "".join(row_lines)


def _is_remark(cells: Sequence[str]) -> bool:
    return cells[0].startswith("#") and not any(cell.strip() for cell in cells[1:])
