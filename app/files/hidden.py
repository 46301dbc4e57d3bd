"""Writes results under a hidden name and gives them their final name once they are complete.

This module names the hidden files, tells to which run a file belongs, and renames. A run keeps a
lock on its file, so that no other run takes the file away. The system releases a lock when its
process ends, however it ends.
"""

import contextlib
import errno
import hashlib
import os
import sys
import time
from itertools import count
from pathlib import Path
from typing import IO

from app.errors import SinkError

MAX_NAME_BYTES = 255  # of a file, on usual systems; `os.pathconf` may tell a lower limit
MAX_SUFFIX_BYTES = 16
MAX_CLAIM_TRIES = 50  # a worker whose run was killed may need a moment to notice
CLAIM_STEP_S = 0.1  # between two tries
if sys.platform == "win32":
    _BINARY = os.O_BINARY
else:
    _BINARY = 0
MAX_NAMES = 100  # tried for a result whose own name is taken


def build_hidden_path(path: Path, ending: str) -> Path:
    """Builds the path `.NAME` with `ending` beside `path`. In a name that is too long for a file, a
    hash replaces the rest of NAME, and the suffix stays.

    >>> build_hidden_path(Path("talk.csv"), ".partial").as_posix()
    '.talk.csv.partial'
    """
    name = f".{path.name}{ending}"
    limit = _longest_name(path.parent)
    if len(os.fsencode(name)) <= limit:
        return path.with_name(name)
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= MAX_SUFFIX_BYTES else ""
    rest = f"~{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}{suffix}{ending}"
    room = max(0, limit - len(os.fsencode(f".{rest}")))
    return path.with_name(f".{os.fsencode(path.stem)[:room].decode('utf-8', 'ignore')}{rest}")


def _longest_name(folder: Path) -> int:
    try:
        return min(MAX_NAME_BYTES, os.pathconf(folder, "PC_NAME_MAX"))
    except (AttributeError, OSError, ValueError):  # Windows; a folder that is not there
        return MAX_NAME_BYTES


def claim_file(path: Path, *, keep: bool = False, wait: bool = False) -> IO[bytes] | None:
    """Opens a file for this run alone, for as long as the file stays open.

    Args:
        path: The file, which is made where it is missing.
        keep: False empties the file.
        wait: True gives a run that is ending a few seconds to release the file.

    Returns:
        The open file, or None where it belongs to another run.

    Raises:
        OSError: The file cannot be opened.
    """
    if sys.platform == "win32" and not keep:  # Windows removes no file that is open
        try:
            path.unlink(missing_ok=True)
            return path.open("x+b")
        except (PermissionError, FileExistsError):
            return None
    for tries in count(1):
        flags = os.O_RDWR | os.O_CREAT | _BINARY
        file = os.fdopen(os.open(path, flags, 0o666), "r+b")
        try:
            if lock_file(file):
                if _is_at(file, path):
                    if not keep:
                        file.truncate(0)
                    return file
            elif not wait or tries > MAX_CLAIM_TRIES:
                file.close()
                return None
            else:
                time.sleep(CLAIM_STEP_S)
        except BaseException:
            file.close()
            raise
        file.close()  # the file was removed meanwhile, or still belongs to another run
    raise AssertionError


def lock_file(file: IO[bytes]) -> bool:
    """Locks `file` for this process for as long as it is open. Returns False if another process has
    it, and True also where the system knows no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def is_being_written(path: Path) -> bool:
    """Tells whether another run has `path`, and still has it after some seconds. Raises
    `OSError`."""
    for _ in range(MAX_CLAIM_TRIES // 2):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            if lock_file(file):
                return False
        time.sleep(CLAIM_STEP_S)
    return True


class BusyError(SinkError):
    """Another run is writing a result."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is being written by another run. Wait for it, or choose another name."
        )


class DisplacedError(SinkError):
    """A result is complete, but under another name, because its own was taken meanwhile.

    `path` is the name that it was to have, `other` the one that it has.
    """

    def __init__(self, path: Path, other: Path) -> None:
        super().__init__(
            f"{path} came to be while this run lasted and was left as it is; the result is {other}."
        )
        self.path, self.other = path, other


class HiddenFile:
    """A result that is being written. It belongs to this run alone until it is settled or
    discarded.

    `file` is open for writing. A library that wants a name may write to `path` instead.

    Args:
        final: The name that the complete result gets.
        overwrite: True allows `final` to exist already.
        ending: The end of the hidden name.
        keep: True leaves the content of a hidden file that is there already.
        wait: True waits some seconds for a run that is ending.

    Raises:
        BusyError: Another run is writing the result.
        OSError: The file cannot be opened.
    """

    def __init__(
        self,
        final: Path,
        *,
        overwrite: bool,
        ending: str = ".partial",
        keep: bool = False,
        wait: bool = True,
    ) -> None:
        self.final = final
        self.path = build_hidden_path(final, ending)
        self._overwrite = overwrite
        self._over = False
        file = claim_file(self.path, keep=keep, wait=wait)
        if file is None:
            raise BusyError(final)
        self.file = file

    def settle(self) -> None:
        """Gives the finished result its final name. Raises as `settle_file`."""
        self.file.flush()
        if sys.platform == "win32":  # Windows renames no file that is open
            self.file.close()
        try:
            settle_file(self.path, self.final, overwrite=self._overwrite)
        except DisplacedError:
            self._over = True
            self.release()
            raise
        self._over = True
        self.file.close()

    def discard(self) -> None:
        """Leaves nothing behind, except a settled result."""
        if sys.platform == "win32":
            self.release()
        if not self._over:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
        self._over = True
        self.release()

    def release(self) -> None:
        """Closes the file and leaves it unchanged, for another run."""
        with contextlib.suppress(OSError):  # a full disk does not matter any more
            self.file.close()


def claim_own_file(beside: Path, ending: str) -> HiddenFile:
    """Opens a file that a run needs for as long as it lasts. The name is `.NAME` with `ending`
    beside `beside`, numbered where other runs have theirs there. Raises `OSError`."""
    for number in range(1, MAX_NAMES):
        numbered = ending if number == 1 else f".{number}{ending}"
        with contextlib.suppress(BusyError):
            return HiddenFile(beside, overwrite=True, ending=numbered, wait=False)
    raise FileExistsError(errno.EEXIST, "Too many runs use this folder", str(beside.parent))


def settle_file(partial: Path, path: Path, *, overwrite: bool) -> None:
    """Gives a complete result its final name.

    Args:
        partial: The complete result.
        path: Its final name.
        overwrite: False leaves a file that has come to be at `path`.

    Raises:
        DisplacedError: There is such a file; the result got a name with a number instead.
        OSError: The result cannot be renamed.
    """
    if overwrite:
        os.replace(partial, path)
        return
    try:
        _rename_to_free(partial, path)
    except FileExistsError:
        for number in range(2, MAX_NAMES):
            other = path.with_name(f"{path.stem}_{number}{path.suffix}")
            with contextlib.suppress(FileExistsError):
                _rename_to_free(partial, other)
                raise DisplacedError(path, other) from None
        raise


def _rename_to_free(old: Path, new: Path) -> None:
    """Renames a file, never over another. Raises `FileExistsError` where `new` exists."""
    if sys.platform == "win32":
        os.rename(old, new)
        return
    try:
        os.link(old, new)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT):
            raise
        # A file system without hard links: the name is reserved first, then the file moves there.
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            os.replace(old, new)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(new)
            raise
    else:
        with contextlib.suppress(OSError):
            os.unlink(old)
