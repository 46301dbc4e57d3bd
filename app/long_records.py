"""Records of a long run, which may be put down and taken up: the same bytes as without a break.

Rows are lines in `.NAME.partial`. A run that goes on cuts that file where the last checkpoint was
and writes on. Parquet has no such place to cut, so its rows wait as lines of JSON beside it
(`.NAME.jsonl.partial`) and become Parquet when all of them are there.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from app.episodes import by_frame
from app.read_records import RecordsReader
from app.records import LineRows, Record, checked_suffix, records_of
from app.sinks import reserve, unwritable
from app.state import State
from app.types import DataError, FrameResult, Image, SinkError

CHUNK = 1 << 20
CLAIM_TRIES, CLAIM_STEP_S = 50, 0.1


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

    def close(self) -> None:
        self._file.close()


class LongRecords:
    """Writes `.jsonl`, `.csv` or `.parquet` as `app.records.RecordsSink` does.

    `kept` is a `state()` to go on from, with what was written up to then and nothing after it.
    Raises `SinkError`, also where the rows written before are not there any more or were changed.
    """

    def __init__(
        self,
        path: Path,
        labels: Sequence[str],
        *,
        overwrite: bool,
        kept: State | None = None,
    ) -> None:
        self.path = path
        self._labels = tuple(labels)
        self._overwrite = overwrite
        suffix = checked_suffix(path)
        self._parquet = suffix == ".parquet"
        if self._parquet:
            from app.parquet import check_installed

            check_installed(path)
        self._lines_path = lines_path(path)
        self._file: _CountedFile | None = None
        try:
            self._open(kept, as_csv=suffix == ".csv")
        except OSError as error:
            self.suspend()
            raise unwritable(path, error) from error

    def _open(self, kept: State | None, *, as_csv: bool) -> None:
        if kept is None:
            reserve(self.path, overwrite=self._overwrite)
            raw = self._lines_path.open("wb")
            self._file = _CountedFile(raw)
            _claimed(raw)
        else:
            if not self._parquet and not self._lines_path.exists() and self.path.exists():
                os.replace(self.path, self._lines_path)  # a run that was stopped completed it
            self._file = self._taken_up(kept)
        self._rows = LineRows(self._file, self._labels, as_csv=as_csv, header=kept is None)

    def _taken_up(self, kept: State) -> _CountedFile:
        try:
            raw = self._lines_path.open("r+b")
        except FileNotFoundError as error:
            raise SinkError(
                f"{self._lines_path}, with the rows so far, is not there any more. Add --overwrite "
                "to begin anew."
            ) from error
        file = _CountedFile(raw)
        if not _claimed(raw):
            raw.close()
            raise SinkError(f"{self._lines_path} is being written by another run. Wait for it.")
        file.cut_at(int(kept["bytes"]))
        if file.bytes != kept["bytes"] or file.sha256 != kept["sha256"]:
            file.close()
            raise SinkError(
                f"{self._lines_path} is not as the run left it. Add --overwrite to begin anew."
            )
        return file

    def write(self, result: FrameResult, canvas: Image) -> None:
        """`canvas` is not looked at."""
        if self._file is None:
            raise SinkError(f"{self.path} is closed already.")
        try:
            self._rows.write(records_of(result))
        except OSError as error:
            self.suspend()
            raise unwritable(self.path, error) from error

    def state(self) -> State:
        """What is safely on the disk now. Raises `SinkError`."""
        if self._file is None:
            raise SinkError(f"{self.path} is closed already.")
        try:
            self._file.sync()
        except OSError as error:
            self.suspend()
            raise unwritable(self.path, error) from error
        return {"bytes": self._file.bytes, "sha256": self._file.sha256}

    def rows_so_far(self) -> Iterator[list[Record]]:
        """Frame by frame what was written before this run took it up. Raises `SinkError`."""
        try:
            yield from by_frame(RecordsReader(self._lines_path))
        except DataError as error:
            raise SinkError(str(error)) from error

    def close(self, *, keep_lines: bool = False) -> None:
        """`keep_lines`: the run may still go on, so what Parquet is made of stays."""
        if self._file is None:
            return
        try:
            file, self._file = self._file, None
            file.close()  # a full disk may show only here
            if self._parquet:
                self._to_parquet()
                if not keep_lines:
                    self._lines_path.unlink()
            else:
                os.replace(self._lines_path, self.path)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _to_parquet(self) -> None:
        from app.parquet import ParquetRows

        partial = reserve(self.path, overwrite=True)  # it was reserved when the run began
        try:
            rows = ParquetRows(partial, self._labels, name=self.path)
            try:
                for records in self.rows_so_far():
                    rows.write(records)
            finally:
                rows.close()
            os.replace(partial, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise

    def suspend(self) -> None:
        """Ends it so that another run can go on; nothing is under the final name."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def abort(self) -> None:
        """Leaves nothing behind."""
        if self._file is not None:
            self.suspend()
            with contextlib.suppress(OSError):
                self._lines_path.unlink(missing_ok=True)


def _claimed(file: IO[bytes]) -> bool:
    """Keeps the file for this process, for as long as it is open. A worker whose run was killed may
    need a moment to notice. True also where the system knows no such thing."""
    try:
        import fcntl
    except ImportError:  # Windows does not let two write to it in the first place
        return True
    for _ in range(CLAIM_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(CLAIM_STEP_S)
        except OSError:  # a file system without locks
            return True
    return False


def lines_path(path: Path) -> Path:
    """Where the rows of `path` are while a run lasts."""
    ending = ".jsonl.partial" if path.suffix.lower() == ".parquet" else ".partial"
    return path.with_name(f".{path.name}{ending}")
