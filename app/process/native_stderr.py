"""Keeps native libraries' chatter off the terminal."""

import faulthandler
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.process.safe_output import SureStream, fill_descriptors, is_own_stream


class _NativeStderr:
    """File descriptor 2, which belongs to the whole process. Of the threads that want it quiet at
    the same time, the first leads it nowhere, and the last leads it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanting = 0
        self._saved: int | None = None

    def quiet(self) -> None:
        with self._lock:
            self._wanting += 1
            if self._wanting > 1:
                return
            try:
                saved = os.dup(2)
            except OSError:  # started without a stderr
                return
            with open(os.devnull, "wb") as sink:
                os.dup2(sink.fileno(), 2)
            self._saved = saved

    def back(self) -> None:
        with self._lock:
            self._wanting -= 1
            if self._wanting == 0:
                self._lead_back()

    def goes_nowhere(self) -> bool:
        with self._lock:
            try:
                own = os.fstat(2 if self._saved is None else self._saved)
                return os.path.samestat(own, os.stat(os.devnull))
            except OSError:  # started without a stderr
                return True

    def begin_anew(self) -> None:
        """Forgets the other threads, which a fork of the process lacks."""
        self._lock, self._wanting = threading.Lock(), 0
        self._lead_back()

    def _lead_back(self) -> None:
        if self._saved is not None:
            os.dup2(self._saved, 2)
            os.close(self._saved)
            self._saved = None


_NATIVE = _NativeStderr()
if sys.platform != "win32":  # where nothing forks
    os.register_at_fork(after_in_child=_NATIVE.begin_anew)


def goes_nowhere() -> bool:
    """Tells whether what native libraries write outside of `quiet_stderr` goes nowhere, too."""
    return _NATIVE.goes_nowhere()


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keeps native libraries' start-up chatter off the terminal.

    These libraries write to file descriptor 2 directly, past Python's logging. Python exceptions
    pass through. Any thread may call this.
    """
    _NATIVE.quiet()
    try:
        yield
    finally:
        _NATIVE.back()


@contextmanager
def redirect_native_stderr() -> Iterator[None]:
    """Leads file descriptor 2 nowhere while a program runs, because native libraries write there.

    Python's `sys.stderr` keeps the terminal. A crash in native code still shows its place in the
    Python code. Lines that cannot be written, also because there is no stderr, are left out. A
    `sys.stderr` that is not file descriptor 2 stays unchanged.
    """
    fill_descriptors()
    before = sys.stderr
    if not is_own_stream(before, 2):
        yield
        return
    mine = SureStream(os.dup(2), before, owns=True)
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
