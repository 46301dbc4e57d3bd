"""Keeps the standard streams from ending a run.

A terminal may be closed, a pipe's reader may be gone, and a log's disk may be full. Services start
programs without any stream. None of these is a reason to lose results: lines that cannot be written
are left out. This module needs no package.
"""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


class _SureFile(io.FileIO):
    """A descriptor to write to. Bytes that cannot be written count as written, and `failure` is the
    first reason."""

    failure: OSError | None = None

    def write(self, data: object) -> int:
        size = memoryview(data).nbytes  # type: ignore[arg-type]
        try:
            written = super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            self.failure = self.failure or error
            return size
        return size if written is None else written  # None: the pipe is full and does not wait


class SureStream(io.TextIOWrapper):
    """A text stream that raises nothing when lines cannot be written.

    Args:
        descriptor: The file descriptor to write to.
        like: The stream whose encoding and buffering are taken over.
        owns: True closes the descriptor with the stream.
    """

    def __init__(self, descriptor: int, like: TextIO | None = None, *, owns: bool = False) -> None:
        self._file = _SureFile(descriptor, "w", closefd=owns)
        super().__init__(
            io.BufferedWriter(self._file),
            # A stream that replaces `sys.stdout` may lack any of these.
            encoding=getattr(like, "encoding", None) or "utf-8",
            errors=getattr(like, "errors", None) or "backslashreplace",
            line_buffering=bool(getattr(like, "line_buffering", True)),
        )

    @property
    def failure(self) -> OSError | None:
        """The reason for which the first lost line could not be written, or None."""
        return self._file.failure


def fill_descriptors() -> None:
    """Leads descriptors 0, 1 and 2 nowhere where a program was started without them. Else the next
    file that is opened would get such a number, and native libraries would write into that file.
    """
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)


@contextmanager
def protect_output() -> Iterator[SureStream | None]:
    """Keeps `sys.stdout` and `sys.stderr` from raising anything while a program runs.

    Yields the new `sys.stdout`, or None where it was replaced by an object that is no file of this
    process. Such an object stays unchanged, also as `sys.stderr`.
    """
    fill_descriptors()
    before = sys.stdout, sys.stderr
    out = error = None
    try:
        if is_own_stream(sys.stdout, 1):
            sys.stdout = out = SureStream(1, sys.stdout)
        if is_own_stream(sys.stderr, 2):
            sys.stderr = error = SureStream(2, sys.stderr)
        yield out
    finally:
        sys.stdout, sys.stderr = before
        for stream in (out, error):
            if stream is not None:
                stream.flush()
                stream.detach()  # so that the process's own descriptor stays open


def run_printing(work: Callable[[], int], *, cut_short: int) -> int:
    """Runs a program whose printing raises nothing.

    Lost output on stdout gives a line with the reason, except where its reader ended, as `head`
    does after some lines.

    Args:
        work: The program. It returns its exit code.
        cut_short: The exit code in place of 0 where output on stdout was lost.

    Returns:
        The exit code.
    """
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


def is_terminal(stream: TextIO | None) -> bool:
    """Tells whether a person sees what is written to a stream. An object that is no file, or a
    closed file, is no terminal."""
    try:
        return stream is not None and stream.isatty()
    except (AttributeError, ValueError):
        return False


def is_own_stream(stream: TextIO | None, descriptor: int) -> bool:
    """Tells whether a standard stream is the process's own, or there is none. The stream is
    flushed first."""
    if stream is None:
        return True
    try:
        if stream.fileno() != descriptor:
            return False
    except (AttributeError, OSError, ValueError):  # an object that is no file stands there
        return False
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
    return True
