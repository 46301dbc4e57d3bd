"""Keeps native libraries' chatter off the terminal."""

import faulthandler
import os
import sys
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


@contextmanager
def own_stderr() -> Iterator[None]:
    """For a program as a whole: Python's `sys.stderr` keeps the terminal, file descriptor 2, where
    native libraries write whenever they like, leads nowhere. A crash in native code still shows
    where in Python it happened. Does nothing where `sys.stderr` is not file descriptor 2."""
    before = sys.stderr
    try:
        theirs = before.fileno() != 2
    except (AttributeError, OSError, ValueError):  # replaced by an object that is no file
        theirs = True
    if theirs:
        yield
        return
    before.flush()
    mine = os.fdopen(os.dup(2), "w", buffering=1, encoding=before.encoding, errors=before.errors)
    with open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), 2)
    sys.stderr = mine
    watching = not faulthandler.is_enabled()
    if watching:
        faulthandler.enable(mine)
    try:
        yield
    finally:
        if watching:
            faulthandler.disable()
        sys.stderr = before
        mine.flush()
        os.dup2(mine.fileno(), 2)
        mine.close()
