"""Writes records of a run that may be interrupted and continued, with the same bytes in the end.

Rows are lines in `.NAME.partial` (`app.files.hidden`). A continued run cuts this file at the last
checkpoint and appends to it. A Parquet file cannot be cut, so its rows are first written as lines
of JSON (`.NAME.jsonl.partial`) and converted when the run is over.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from app.errors import DataError, SinkError
from app.files.atomic import make_write_error, reserve
from app.files.hidden import DisplacedError, HiddenFile, build_hidden_path
from app.records.frames import group_by_frame
from app.records.rows import make_records
from app.records.schema import Record
from app.records.writers import LineRows, check_records_suffix
from app.stage_state import SavedState, State
from app.types import FrameResult, Image

CHUNK_BYTES = 1 << 20  # read at once to find the digest of the rows so far


class _CountedFile:
    """A file that counts its bytes and computes their SHA-256 from the beginning."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, content: bytes, /) -> int:
        self._count(content)
        return self._file.write(content)

    def _count(self, content: bytes) -> None:
        self.bytes += len(content)
        self._hash.update(content)

    def cut_at(self, length: int) -> None:
        """Cuts the file after `length` bytes, or keeps all of a shorter file."""
        while self.bytes < length and (
            chunk := self._file.read(min(CHUNK_BYTES, length - self.bytes))
        ):
            self._count(chunk)
        self._file.truncate(self.bytes)
        self._file.seek(self.bytes)

    @property
    def sha256(self) -> str:
        """The digest of the whole file so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def flush(self) -> None:
        self._file.flush()

    def sync(self) -> None:
        """Makes sure that the disk holds the file."""
        self._file.flush()
        os.fsync(self._file.fileno())


class LongRecords:
    """Writes `.jsonl`, `.csv` or `.parquet` like `app.records.writers.RecordsSink`.

    `kept` is the `state()` from which an interrupted run continues; rows written later are cut off.
    Raises `SinkError`, also if the rows written before are missing or were changed.
    """

    dropped = 0
    warning = None

    def __init__(
        self,
        path: Path,
        labels: Sequence[str],
        *,
        overwrite: bool,
        kept: SavedState | None = None,
        with_actions: bool = False,
    ) -> None:
        self.path = path
        self._labels = tuple(labels)
        self._overwrite = overwrite
        self._with_actions = with_actions
        suffix = check_records_suffix(path)
        self._parquet = suffix == ".parquet"
        if self._parquet:
            from app.records.parquet import check_pyarrow

            check_pyarrow(path)
        self._lines_path = locate_lines(path)
        self._ending = _ending(path)
        self._part: HiddenFile | None = None
        self._left: HiddenFile | None = None  # the suspended file
        self._file: _CountedFile | None = None
        try:
            self._open(kept, as_csv=suffix == ".csv")
        except BaseException as error:
            if kept is None:
                self.abort()
            else:
                self.suspend()
            if isinstance(error, OSError):
                raise make_write_error(path, error) from error
            raise

    def _open(self, kept: SavedState | None, *, as_csv: bool) -> None:
        if kept is None:
            reserve(self.path, overwrite=self._overwrite)
            self._part = HiddenFile(self.path, overwrite=self._overwrite, ending=self._ending)
            self._file = _CountedFile(self._part.file)
        else:
            if not self._parquet and not self._lines_path.exists() and self.path.exists():
                os.replace(self.path, self._lines_path)  # a stopped run had completed the file
            self._file = self._reopen(kept)
        self._rows = LineRows(
            self._file,
            self._labels,
            as_csv=as_csv,
            header=kept is None,
            with_actions=self._with_actions,
        )

    def _reopen(self, kept: SavedState) -> _CountedFile:
        if not self._lines_path.exists():
            raise SinkError(
                f"{self._lines_path}, with the rows so far, is not there any more. Add --overwrite "
                "to begin anew."
            )
        self._part = HiddenFile(
            self.path, overwrite=self._overwrite, ending=self._ending, keep=True
        )
        file = _CountedFile(self._part.file)
        file.cut_at(int(kept["bytes"]))
        if file.bytes != kept["bytes"] or file.sha256 != kept["sha256"]:
            raise SinkError(
                f"{self._lines_path} is not as the run left it. Add --overwrite to begin anew."
            )
        return file

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Writes the rows of a frame. The sink does not use `canvas`. Raises `SinkError`."""
        if self._file is None:
            raise SinkError(f"{self.path} is closed already.")
        try:
            self._rows.write(make_records(result))
        except OSError as error:
            self.suspend()
            raise make_write_error(self.path, error) from error

    def state(self) -> State:
        """Returns the length and the digest of the rows, which are on the disk then. Raises
        `SinkError`."""
        if self._file is None:
            raise SinkError(f"{self.path} is closed already.")
        try:
            self._file.sync()
        except OSError as error:
            self.suspend()
            raise make_write_error(self.path, error) from error
        return {"bytes": self._file.bytes, "sha256": self._file.sha256}

    def rows_so_far(self) -> Iterator[list[Record]]:
        """Yields the rows written so far, frame by frame. Raises `SinkError`."""
        try:
            from app.records.reader import RecordsReader  # only a run that goes on reads any

            yield from group_by_frame(RecordsReader(self._lines_path))
        except DataError as error:
            raise SinkError(str(error)) from error

    def close(self, *, keep_lines: bool = False) -> None:
        """Completes the file. With `keep_lines`, the lines behind a Parquet file stay, so that the
        run can be continued. Raises `SinkError`."""
        if self._file is None or self._part is None:
            return
        part, self._part, self._file = self._part, None, None
        try:
            part.file.flush()  # a full disk may show only here
            if not self._parquet:
                part.settle()
                return
            try:
                self._to_parquet()
            except DisplacedError:
                part.discard()
                raise
            if not keep_lines:
                part.discard()
        except OSError as error:
            raise make_write_error(self.path, error) from error
        finally:
            part.release()

    def _to_parquet(self) -> None:
        from app.records.parquet import ParquetRows

        part = HiddenFile(self.path, overwrite=self._overwrite)
        try:
            rows = ParquetRows(
                part.path, self._labels, name=self.path, with_actions=self._with_actions
            )
            try:
                for records in self.rows_so_far():
                    rows.write(records)
            finally:
                rows.finish()
            part.settle()
        finally:
            part.discard()

    def suspend(self) -> None:
        """Stops writing so that another run can continue. The final name stays unused."""
        part, self._part, self._file = self._part, None, None
        if part is not None:
            self._left = part
            part.release()

    def abort(self) -> None:
        """Removes the rows, also suspended ones."""
        part, self._part, self._file = self._part or self._left, None, None
        if part is not None:
            part.discard()


def _ending(path: Path) -> str:
    return ".jsonl.partial" if path.suffix.lower() == ".parquet" else ".partial"


def locate_lines(path: Path) -> Path:
    """Returns the path of the lines that hold the rows of `path` during a run."""
    return build_hidden_path(path, _ending(path))
