"""Keeps native libraries' chatter off the terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keeps native libraries' start-up chatter off the terminal: they write to file descriptor 2
    themselves, where Python's logging has no say. Python exceptions pass through."""
    try:
        saved = os.dup(2)
    except OSError:  # started without a stderr
        yield
        return
    try:
        with open(os.devnull, "wb") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
