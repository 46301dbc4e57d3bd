"""Groups records by their frame."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from app.records.schema import Record


def group_by_frame(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Yields the rows of each frame, in the order of `records`. The rows of a frame must follow one
    another."""
    for _, rows in groupby(records, key=lambda row: (row.source, row.frame)):
        yield list(rows)
