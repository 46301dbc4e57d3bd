"""Standard streams that never end a run.

A terminal may be closed, a pipe's reader gone, a log's disk full, and services start programs
without any stream at all. None of it is a reason to lose results: lines that cannot be written are
left out. Nothing here needs a package.
"""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


class _SureFile(io.FileIO):
    """A descriptor to write to. What cannot be written counts as written; `failure` is the first
    reason for it."""

    failure: OSError | None = None

    def write(self, data: object) -> int:
        size = memoryview(data).nbytes  # type: ignore[arg-type]
        try:
            written = super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            self.failure = self.failure or error
            return size
        return size if written is None else written  # None: nothing fits, and it does not wait


class SureStream(io.TextIOWrapper):
    """A text stream to `descriptor` that raises nothing when lines cannot be written. Encoding and
    buffering are those of `like`. `owns`: the descriptor is closed with the stream."""

    def __init__(self, descriptor: int, like: TextIO | None = None, *, owns: bool = False) -> None:
        self._file = _SureFile(descriptor, "w", closefd=owns)
        super().__init__(
            io.BufferedWriter(self._file),
            encoding=getattr(like, "encoding", None) or "utf-8",
            errors=getattr(like, "errors", None) or "backslashreplace",
            line_buffering=bool(getattr(like, "line_buffering", True)),
        )

    @property
    def failure(self) -> OSError | None:
        """Why the first line that is lost could not be written; None where none is lost."""
        return self._file.failure


def fill_descriptors() -> None:
    """Opens descriptors 0, 1 and 2 to nowhere where a program was started without them. Else the
    next file that is opened gets such a number, and native libraries write their chatter into it.
    """
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)


@contextmanager
def protect_output() -> Iterator[SureStream | None]:
    """For a program as a whole: what is written to `sys.stdout` and `sys.stderr` raises nothing.
    Yields the new `sys.stdout`, None where that was replaced by what is no file of this process; it
    is left as it is then, as such a `sys.stderr` is."""
    fill_descriptors()
    before = sys.stdout, sys.stderr
    out = error = None
    try:
        if is_own(sys.stdout, 1):
            sys.stdout = out = SureStream(1, sys.stdout)
        if is_own(sys.stderr, 2):
            sys.stderr = error = SureStream(2, sys.stderr)
        yield out
    finally:
        sys.stdout, sys.stderr = before
        for stream in (out, error):
            if stream is not None:
                stream.flush()
                stream.detach()  # it may not close the process's own descriptor


def run_printing(work: Callable[[], int], *, cut_short: int) -> int:
    """The exit code of `work`, during which nothing that is printed raises; `cut_short` in place of
    0 where some of what went to stdout is lost, with a line that says why. None is said where who
    read it has had enough, as `head` does."""
    with protect_output() as out:
        code = work()
        if out is None:
            return code
        out.flush()
        if out.failure is None:
            return code
        if not isinstance(out.failure, BrokenPipeError):
            why = out.failure.strerror or out.failure
            print(f"What was printed is incomplete: {why}.", file=sys.stderr)
        return code or cut_short


def is_own(stream: TextIO | None, descriptor: int) -> bool:
    """Whether a standard stream is the process's own, or there is none. What it still holds is
    written first."""
    if stream is None:
        return True
    try:
        if stream.fileno() != descriptor:
            return False
    except (AttributeError, OSError, ValueError):  # replaced by an object that is no file
        return False
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
    return True
