"""Records of a long run, which may be put down and taken up: the same bytes as without a break.

Rows are lines in `.NAME.partial` (`app.files.hidden`). A run that goes on cuts that file where the
last checkpoint was and writes on. Parquet has no such place to cut, so its rows wait as lines of
JSON beside it (`.NAME.jsonl.partial`) and become Parquet when all of them are there.
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
from app.records.reader import RecordsReader
from app.records.rows import make_records
from app.records.schema import Record
from app.records.writers import LineRows, check_records_suffix
from app.stage_state import SavedState, State
from app.types import FrameResult, Image

CHUNK = 1 << 20


class _CountedFile:
    """A file and what it holds, from its beginning, in bytes and as a SHA-256."""

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
        """Goes on after the first `length` bytes, or what there is of them."""
        while self.bytes < length and (chunk := self._file.read(min(CHUNK, length - self.bytes))):
            self._count(chunk)
        self._file.truncate(self.bytes)
        self._file.seek(self.bytes)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def flush(self) -> None:
        self._file.flush()

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


class LongRecords:
    """Writes `.jsonl`, `.csv` or `.parquet` as `app.records.writers.RecordsSink` does.

    `kept` is a `state()` to go on from, with what was written up to then and nothing after it.
    Raises `SinkError`, also where the rows written before are not there any more or were changed.
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
    ) -> None:
        self.path = path
        self._labels = tuple(labels)
        self._overwrite = overwrite
        suffix = check_records_suffix(path)
        self._parquet = suffix == ".parquet"
        if self._parquet:
            from app.records.parquet import check_pyarrow

            check_pyarrow(path)
        self._lines_path = locate_lines(path)
        self._ending = _ending(path)
        self._part: HiddenFile | None = None
        self._left: HiddenFile | None = None  # that was suspended
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
                os.replace(self.path, self._lines_path)  # a run that was stopped completed it
            self._file = self._taken_up(kept)
        self._rows = LineRows(self._file, self._labels, as_csv=as_csv, header=kept is None)

    def _taken_up(self, kept: SavedState) -> _CountedFile:
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
        """`canvas` is not looked at."""
        if self._file is None:
            raise SinkError(f"{self.path} is closed already.")
        try:
            self._rows.write(make_records(result))
        except OSError as error:
            self.suspend()
            raise make_write_error(self.path, error) from error

    def state(self) -> State:
        """What is safely on the disk now. Raises `SinkError`."""
        if self._file is None:
            raise SinkError(f"{self.path} is closed already.")
        try:
            self._file.sync()
        except OSError as error:
            self.suspend()
            raise make_write_error(self.path, error) from error
        return {"bytes": self._file.bytes, "sha256": self._file.sha256}

    def rows_so_far(self) -> Iterator[list[Record]]:
        """Frame by frame what was written before this run took it up. Raises `SinkError`."""
        try:
            yield from group_by_frame(RecordsReader(self._lines_path))
        except DataError as error:
            raise SinkError(str(error)) from error

    def close(self, *, keep_lines: bool = False) -> None:
        """`keep_lines`: the run may still go on, so what Parquet is made of stays."""
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
            part.let_go()

    def _to_parquet(self) -> None:
        from app.records.parquet import ParquetRows

        part = HiddenFile(self.path, overwrite=self._overwrite)
        try:
            rows = ParquetRows(part.path, self._labels, name=self.path)
            try:
                for records in self.rows_so_far():
                    rows.write(records)
            finally:
                rows.finish()
            part.settle()
        finally:
            part.discard()

    def suspend(self) -> None:
        """Ends it so that another run can go on; nothing is under the final name."""
        part, self._part, self._file = self._part, None, None
        if part is not None:
            self._left = part
            part.let_go()

    def abort(self) -> None:
        """Leaves nothing behind, also of what was suspended."""
        part, self._part, self._file = self._part or self._left, None, None
        if part is not None:
            part.discard()


def _ending(path: Path) -> str:
    return ".jsonl.partial" if path.suffix.lower() == ".parquet" else ".partial"


def locate_lines(path: Path) -> Path:
    """Where the rows of `path` are while a run lasts."""
    return build_hidden_path(path, _ending(path))
