"""Writes and reads `pictures.csv`, which has a row for each picture of a folder."""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from app.errors import DataError
from app.files.csv_text import escape_cell, unescape_cell
from training.base.files import write_text_file
from training.own_pictures.look import Status


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A row of `pictures.csv`. `path` is below the folder; `split` is empty for a skipped
    picture. The fields are the columns."""

    path: str
    label: str
    split: str
    group: str
    status: Status
    reason: str

    @property
    def is_used(self) -> bool:
        """True where the picture is in the pack."""
        return self.split != ""


def write_picture_table(path: Path, pictures: Sequence[PictureRow]) -> None:
    """Writes the table, whole or not at all. Raises `TrainingError`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([item.name for item in fields(PictureRow)])
    writer.writerows(map(escape_cell, astuple(picture)) for picture in pictures)
    write_text_file(path, text.getvalue())


def read_picture_table(path: Path) -> tuple[PictureRow, ...]:
    """Reads the table. Raises `DataError`."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            return tuple(
                PictureRow(**{name: unescape_cell(cell) for name, cell in row.items()})  # type: ignore[arg-type]
                for row in rows
            )
    except (OSError, ValueError, TypeError, AttributeError, csv.Error) as cause:
        raise DataError(f"{path} is missing or damaged. Begin the run anew.") from cause
