"""Writes files whole or not at all, and checks beforehand that they can be written."""

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path

from app.errors import SinkError
from app.files.hidden import BusyError, HiddenFile, build_hidden_path, is_being_written

WRITE_REMEDIES = {  # by the number of the system's error
    errno.ENAMETOOLONG: "Choose a shorter one.",
    errno.ENOSPC: "Free some there, or choose another disk.",
    errno.EDQUOT: "Remove some of your files there, or choose another disk.",
    errno.EACCES: "Choose a folder in which you may write.",
    errno.EPERM: "Choose a folder in which you may write.",
    errno.EROFS: "Choose another disk.",
    errno.ENOENT: "No file can be made there. Choose another folder.",  # as in /proc
}


def reserve(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> Path:
    """Checks that a file can be written, and leaves nothing behind.

    Args:
        path: The final name.
        overwrite: True allows `path` to exist already.
        inputs: Files that must not be overwritten, because they are read.

    Returns:
        The temporary name to write under.

    Raises:
        SinkError: `path` exists (without `overwrite`), is a folder or one of `inputs`, another run
            is writing it, or its folder is missing or not writable.
    """
    partial = build_hidden_path(path, ".partial") if path.name else path
    try:
        _refuse_impossible_name(path)
        if path.is_dir():
            raise SinkError(f"{path} is a folder. Give a file name in it.")
        if path.exists():
            if any(source.exists() and path.samefile(source) for source in inputs):
                raise SinkError(f"{path} is the input itself. Choose another name.")
            if not overwrite:
                raise SinkError(f"{path} exists already. Add --overwrite, or choose another name.")
        if not path.parent.is_dir():
            raise SinkError(
                f"The folder {path.parent} does not exist. Make it, or choose another name."
            )
        # The rows of a Parquet file are in the second one as long as a run lasts.
        if is_being_written(partial) or is_being_written(build_hidden_path(path, ".jsonl.partial")):
            raise BusyError(path)
        # Only an attempt tells: permission bits do not bind every user, and some disks are
        # read-only.
        partial.unlink(missing_ok=True)
        partial.open("xb").close()
        partial.unlink()
    except OSError as error:
        raise make_write_error(path, error) from error
    return partial


def _refuse_impossible_name(path: Path) -> None:
    """Raises `OSError` where `path` is too long or lies in a folder that must not be entered. From
    Python 3.14 on, `Path.is_dir` and `Path.exists` only return False for such a path."""
    try:
        path.lstat()
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EACCES):
            raise
    except ValueError:  # a zero byte, which `open` tells
        return


def make_write_error(path: Path, cause: Exception) -> SinkError:
    """Makes the error for an output that could not be written, from an error of the system or of
    FFmpeg."""
    return SinkError(describe_write_error(path, cause))


def describe_write_error(path: Path, cause: Exception) -> str:
    """Says in one line that a file could not be written, why, and what to do.

    >>> describe_write_error(Path("a.csv"), OSError(errno.ENOSPC, "No space left on device"))
    'a.csv could not be written: No space left on device. Free some there, or choose another disk.'
    """
    # PyAV's errors have both, too, but only some of them are OSErrors.
    reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    remedy = WRITE_REMEDIES.get(getattr(cause, "errno", None) or 0)
    return f"{path} could not be written: {reason}." + (f" {remedy}" if remedy else "")


def open_partial(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> HiddenFile:
    """Begins a file that is written bit by bit, under a hidden name.

    Args:
        path: The final name, which `HiddenFile.settle` gives the file once it is whole.
        overwrite: Whether an existing file is replaced.
        inputs: Files that must not be replaced.

    Raises:
        SinkError: As `reserve`.
    """
    reserve(path, overwrite=overwrite, inputs=inputs)
    try:
        return HiddenFile(path, overwrite=overwrite)
    except OSError as error:
        raise make_write_error(path, error) from error


def write_whole(
    path: Path, content: bytes, *, overwrite: bool, inputs: Iterable[Path] = ()
) -> None:
    """Writes `content` under its final name, whole or not at all. Raises `SinkError`."""
    part = open_partial(path, overwrite=overwrite, inputs=inputs)
    try:
        part.file.write(content)
        part.settle()
    except OSError as error:
        raise make_write_error(path, error) from error
    finally:
        part.discard()


def write_text(path: Path, text: str, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Writes `text` as UTF-8 with unchanged line ends, whole or not at all. Raises `SinkError`."""
    write_whole(path, text.encode("utf-8", "backslashreplace"), overwrite=overwrite, inputs=inputs)


def add_text(path: Path, text: str, *, overwrite: bool) -> None:
    """Writes `text` as `write_text` does, at the end of a run that has reserved the name. Raises
    `DisplacedError` where a file has come to be there: the text then has another name."""
    try:
        part = HiddenFile(path, overwrite=overwrite)
        try:
            part.file.write(text.encode("utf-8", "backslashreplace"))
            part.settle()
        finally:
            part.discard()
    except OSError as error:
        raise make_write_error(path, error) from error


def replace_durably(path: Path, content: bytes, *, partial: Path) -> None:
    """Replaces a file of this run by `content`, which is on the disk before the old file goes.

    Args:
        path: The file, which need not exist yet.
        content: All that the file shall hold.
        partial: The name to write under, in the same folder. It belongs to this run alone.

    Raises:
        OSError: The old file is unchanged, and `partial` is gone.
    """
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:  # also Ctrl-C
        discard_partial(partial)
        raise


def discard_partial(partial: Path) -> None:
    """Removes the file under the name `partial` where there still is one, as after an error.

    Errors of the system are passed over. Nothing can be removed on a read-only disk, and the error
    of the write says more.
    """
    with contextlib.suppress(OSError):
        partial.unlink(missing_ok=True)
