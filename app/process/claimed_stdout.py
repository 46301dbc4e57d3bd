"""Keeps the standard output for lines that another program reads."""

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import SinkError
from app.process.safe_output import is_own_stream


@contextmanager
def claim_stdout() -> Iterator[int]:
    """Yields a descriptor that leads where the standard output led.

    Meanwhile descriptor 1, to which `print` and native libraries write, leads to the standard
    error output, so that nobody else writes between the lines.

    Raises:
        SinkError: The program was started without a standard output.
    """
    if sys.__stdout__ is None:  # `fill_descriptors` has led its number nowhere
        raise SinkError(
            "The standard output is closed. Start the program with one, or name a file."
        )
    is_own_stream(sys.stdout, 1)  # which flushes it
    claimed = os.dup(1)
    os.dup2(2, 1)
    try:
        yield claimed
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os.dup2(claimed, 1)
        os.close(claimed)
