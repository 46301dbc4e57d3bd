"""Writes and reads records as Parquet with pyarrow, which the extra `records` installs."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO

from app.actions.names import ACTIONS_NOTE
from app.errors import DataError, RecogniserError, SinkError
from app.records.rows import make_flat_row
from app.records.schema import SCHEMA, Cell, Record, RecordColumn, ValueKind, list_flat_columns

ROWS_PER_GROUP = 4096  # rows wait in memory until they are written as one group
MAX_GROUP_BYTES = 256 << 20  # unpacked; a group of this program has about 5 MB
LABELS_KEY = b"labels"  # of the file's metadata: the labels as JSON
ACTIONS_KEY = b"actions_note"  # of the file's metadata, where there are facial actions
SCHEMA_KEY = b"schema"  # of the file's metadata: the number of the schema
PANDAS_TYPES: dict[ValueKind, tuple[str, str]] = {
    "text": ("unicode", "object"),
    "whole": ("int64", "Int64"),  # whole numbers of pandas that may be missing
    "pixels": ("float64", "float64"),
    "figure": ("float64", "float64"),
}


def _import_arrow(name: Path, error: type[RecogniserError]) -> tuple[ModuleType, ModuleType]:
    """Imports `pyarrow` and `pyarrow.parquet`. Raises `error` if they are not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as cause:
        raise error(
            f"{name}: Parquet needs pyarrow, which is not installed. Get it by "
            "pip install -e '.[records]', or use .jsonl or .csv."
        ) from cause
    return pyarrow, parquet


def check_pyarrow(name: Path) -> None:
    """Raises `SinkError` if pyarrow, which the file `name` needs, is not installed."""
    _import_arrow(name, SinkError)


class ParquetRows:
    """Writes rows in groups, so that the memory in use does not grow with the video.

    Errors call the file `name`. Raises `SinkError` if pyarrow is not installed, and `OSError`.
    """

    def __init__(
        self, path: Path, labels: Sequence[str], *, name: Path, with_actions: bool = False
    ) -> None:
        self._arrow, parquet = _import_arrow(name, SinkError)
        self._labels = labels
        self._with_actions = with_actions
        columns = list_flat_columns(labels, with_actions=with_actions)
        types = {"text": self._arrow.string(), "whole": self._arrow.int64()}
        self._schema = self._arrow.schema(
            [(column.name, types.get(column.kind, self._arrow.float64())) for column in columns],
            metadata={
                SCHEMA_KEY: str(SCHEMA).encode(),
                LABELS_KEY: json.dumps(labels).encode(),
                b"pandas": _pandas_types(columns),
                **({ACTIONS_KEY: ACTIONS_NOTE.encode()} if with_actions else {}),
            },
        )
        self._waiting: list[list[Cell]] = []
        self._writer = parquet.ParquetWriter(str(path), self._schema, compression="zstd")

    def write(self, records: Sequence[Record]) -> None:
        """Takes rows, and writes a group when enough rows are waiting."""
        self._waiting += [
            make_flat_row(record, self._labels, with_actions=self._with_actions)
            for record in records
        ]
        if len(self._waiting) >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        values = zip(*self._waiting, strict=True)
        arrays = [
            self._arrow.array(column, item.type)
            for column, item in zip(values, self._schema, strict=True)
        ]
        self._writer.write_batch(self._arrow.record_batch(arrays, schema=self._schema))
        self._waiting = []

    def finish(self) -> None:
        """Writes the waiting rows and completes the file."""
        if self._waiting:
            self._flush()
        self._writer.close()


class ParquetTable:
    """Writes rows of any columns into an open file, in groups. Raises `SinkError` if pyarrow is not
    installed; errors call the file `name`."""

    def __init__(self, file: IO[bytes], columns: Sequence[RecordColumn], *, name: Path) -> None:
        self._arrow, parquet = _import_arrow(name, SinkError)
        types = {"text": self._arrow.string(), "whole": self._arrow.int64()}
        self._schema = self._arrow.schema(
            [(column.name, types.get(column.kind, self._arrow.float64())) for column in columns],
            metadata={b"pandas": _pandas_types(columns)},
        )
        self._waiting: list[Sequence[Cell]] = []
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Takes rows, and writes a group when enough rows are waiting."""
        self._waiting += rows
        if len(self._waiting) >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        arrays = [
            self._arrow.array([row[number] for row in self._waiting], item.type)
            for number, item in enumerate(self._schema)
        ]
        self._writer.write_batch(self._arrow.record_batch(arrays, schema=self._schema))
        self._waiting = []

    def finish(self) -> None:
        """Writes the waiting rows and completes the table; the file stays open."""
        if self._waiting:
            self._flush()
        self._writer.close()


def _pandas_types(columns: Sequence[RecordColumn]) -> bytes:
    """Describes the columns for pandas, which otherwise reads whole numbers as floating point if a
    row lacks them."""
    described = [
        {
            "name": column.name,
            "field_name": column.name,
            "pandas_type": PANDAS_TYPES[column.kind][0],
            "numpy_type": PANDAS_TYPES[column.kind][1],
            "metadata": None,
        }
        for column in columns
    ]
    return json.dumps({"index_columns": [], "column_indexes": [], "columns": described}).encode()


def holds_records(path: Path) -> bool:
    """Tells whether a Parquet file has the labels that records of this program have. Raises
    `DataError` for a file that is damaged, or if pyarrow is not installed."""
    arrow, parquet = _import_arrow(path, DataError)
    try:
        return LABELS_KEY in (parquet.read_schema(path).metadata or {})
    except (arrow.ArrowException, OSError, ValueError) as cause:
        raise DataError(f"{path} is damaged. Make it again.") from cause


def read_parquet_rows(path: Path) -> tuple[tuple[str, ...], Iterator[dict[str, object]]]:
    """Reads the labels of a file and, group by group, its rows as values by column name.

    Raises `DataError`, also while the rows are read.
    """
    arrow, parquet = _import_arrow(path, DataError)
    try:
        file = parquet.ParquetFile(path)
        labels = tuple(json.loads(file.schema_arrow.metadata[LABELS_KEY]))
        if not all(isinstance(label, str) for label in labels):
            raise ValueError("labels are texts")
        groups = (file.metadata.row_group(n) for n in range(file.metadata.num_row_groups))
        if any(group.total_byte_size > MAX_GROUP_BYTES for group in groups):
            raise ValueError("a group of rows is of an absurd size")
    except RecursionError as cause:
        raise DataError(f"{path} is damaged: its labels are nested too deeply.") from cause
    except (arrow.ArrowException, OSError, LookupError, TypeError, ValueError) as cause:
        raise DataError(
            f"{path} is damaged or not a records file of this program. Make it again, or give "
            "another file."
        ) from cause

    def rows() -> Iterator[dict[str, object]]:
        try:
            with file:
                for batch in file.iter_batches(ROWS_PER_GROUP):
                    yield from batch.to_pylist()
        except (
            arrow.ArrowException,
            OSError,
            ValueError,
        ) as cause:  # also for text that is not UTF-8
            raise DataError(f"{path} is damaged. Make it again.") from cause

    return labels, rows()
