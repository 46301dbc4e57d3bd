"""Writes to a pipe whose reader may be slow, may have left, or may not have come yet."""

import os
import select
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHUNK_BYTES = 4096  # a pipe that takes any bytes takes so many (POSIX: 512; Linux: a page)
POLL_S = 0.1  # between two looks at whether a wait is to end


def is_pipe(path: Path) -> bool:
    """Tells whether a path is a named pipe, or a device such as a terminal: something to write to
    that is no file."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


class LinePipe:
    """Writes texts to an open descriptor, which it does not close.

    Args:
        descriptor: The descriptor to write to.
        name: The name of what it leads to.
    """

    can_return = False  # a reader of a standard output that left does not come back

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self._descriptor = descriptor

    def write(self, text: str, is_stopped: Callable[[], bool]) -> bool:
        """Writes all of a text, as soon as the reader takes it.

        Args:
            text: The text to write, as UTF-8.
            is_stopped: Ends the wait for a reader that takes nothing.

        Returns:
            False if the wait was ended.

        Raises:
            OSError: The reader has left, or the disk is full.
        """
        return _write_all(self._descriptor, text.encode(), is_stopped)

    def close(self) -> None:
        """Does nothing, because the descriptor is the caller's."""


class NamedPipe:
    """Writes texts to a named pipe or a device, whose readers may come and leave. It belongs to one
    thread at a time.

    Args:
        path: The pipe.
        waits: True waits for the first reader, so that it gets every text.
    """

    can_return = True

    def __init__(self, path: Path, *, waits: bool) -> None:
        self.name = str(path)
        self._path = path
        self._waits = waits
        self._descriptor: int | None = None

    def write(self, text: str, is_stopped: Callable[[], bool]) -> bool:
        """As `LinePipe.write`. Raises `OSError` while nobody reads."""
        while self._descriptor is None:
            try:
                # Without O_NONBLOCK, opening would wait for a reader and hear no Ctrl-C.
                self._descriptor = os.open(self._path, os.O_WRONLY | _NONBLOCK)
            except OSError:
                if not self._waits:
                    raise
                if is_stopped():
                    return False
                time.sleep(POLL_S)
        self._waits = False
        try:
            return _write_all(self._descriptor, text.encode(), is_stopped)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Closes the pipe."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


_NONBLOCK = 0 if sys.platform == "win32" else os.O_NONBLOCK


def _write_all(descriptor: int, content: bytes, is_stopped: Callable[[], bool]) -> bool:
    rest = memoryview(content)
    while rest:
        # Windows cannot wait for a pipe, so a write to one that is full hears no Ctrl-C there.
        if sys.platform != "win32":
            while not select.select((), (descriptor,), (), POLL_S)[1]:
                if is_stopped():
                    return False
        try:
            rest = rest[os.write(descriptor, rest[:CHUNK_BYTES]) :]
        except BlockingIOError:  # another writer was quicker
            continue
    return True
