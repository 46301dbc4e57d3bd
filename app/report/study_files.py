"""Finds the records of a study: those of many videos, in a folder and in the folders below it."""

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from app.errors import DataError
from app.files.no_file import describe_no_file
from app.records.parsing import find_column_labels

KINDS = (".parquet", ".jsonl", ".csv")  # where one video has several, the first of these is read
EPISODES_ENDING = ".episodes"  # of the stem of what `--episodes .csv` writes
MAX_HEAD_BYTES = 1 << 16  # of the first line of a table, which names its columns


class StudyFiles(NamedTuple):
    """The records of a study, sorted by name, other tables that lie among them, and `unread`: what
    bears a name of records, or is a folder, and cannot be opened, each with the reason."""

    records: list[Path]
    others: list[Path]
    unread: list[tuple[Path, str]]


def find_study_files(folder: Path, *, without: Iterable[Path] = ()) -> StudyFiles:
    """Finds records below `folder`.

    Hidden files and folders are left out, and so are the files `without`, which this command
    writes. Of NAME.jsonl and NAME.csv in one folder, only one is read. A folder that bears a name
    of records is not entered.

    Raises:
        DataError: The folder itself cannot be read.
    """

    def note_error(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise DataError(f"{folder} cannot be read: {error.strerror}.") from error
        unread.append((Path(error.filename), f"cannot be read: {error.strerror}"))

    own = {os.path.realpath(path) for path in without}
    chosen: dict[Path, Path] = {}
    others: list[Path] = []
    unread: list[tuple[Path, str]] = []
    for place, folders, names in os.walk(folder, onerror=note_error):
        shown = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in shown if not _may_be_records(Path(name))]
        odd = {Path(place, name) for name in shown if name not in folders}
        odd |= {path for name in names if _is_odd(path := Path(place, name))}
        unread += [(path, describe_no_file(path)) for path in sorted(odd)]
        for name in sorted(names):
            path = Path(place, name)
            if path in odd or not _may_be_records(path) or os.path.realpath(path) in own:
                continue
            if path.suffix.lower() != ".jsonl" and _is_other_table(path):
                others.append(path)
                continue
            key = path.with_suffix("")
            if key not in chosen or _rank(path) < _rank(chosen[key]):
                chosen[key] = path
    return StudyFiles([chosen[key] for key in sorted(chosen)], others, unread)


def _is_odd(path: Path) -> bool:
    """Tells whether a path bears a name of records and is no regular file."""
    return _may_be_records(path) and not path.is_file()


def _may_be_records(path: Path) -> bool:
    return (
        not path.name.startswith(".")
        and path.suffix.lower() in KINDS
        and not path.stem.endswith(EPISODES_ENDING)
    )


def _rank(path: Path) -> int:
    return KINDS.index(path.suffix.lower())


def _is_other_table(path: Path) -> bool:
    """Tells whether a table has other columns than records have. A file that cannot be read, or is
    empty, counts as records, so that the reader says what is wrong with it."""
    if path.suffix.lower() == ".parquet":
        from app.records.parquet import holds_records  # loads pyarrow

        try:
            return not holds_records(path)
        except DataError:
            return False
    try:
        with path.open("rb") as file:
            first = file.readline(MAX_HEAD_BYTES).decode("utf-8-sig")
        cells = next(csv.reader([first]), None)
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return cells is not None and find_column_labels(cells) is None
