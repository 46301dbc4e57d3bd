"""Keeps networks from being used or ended in a fork of the process that loaded them.

A fork lacks the threads with which the networks compute. Whatever waits for these threads waits for
ever, and so does the networks' own end.
"""

import atexit
import ctypes
import os
import sys
import weakref

from app.errors import DeviceError


class HomeProcess:
    """The process in which an object was made."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def is_left(self) -> bool:
        """True in a process that `fork` made from the home process."""
        return os.getpid() != self._pid

    def check(self) -> None:
        """Raises `DeviceError` in a fork of the home process."""
        if self.is_left:
            raise DeviceError(
                f"These networks were loaded in process {self._pid}, and this is process "
                f"{os.getpid()}, a fork of it, in which they would hang. Load them here: make a "
                "Recogniser in each process, after the fork (docs/library.md)."
            )


class NeverEnded:
    """A set of objects that are not ended from a certain moment on, by a reference that is never
    given back."""

    def __init__(self) -> None:
        self._objects: weakref.WeakSet[object] = weakref.WeakSet()

    def add(self, value: object) -> None:
        """Adds an object, without keeping it alive."""
        self._objects.add(value)

    def keep(self) -> None:
        """Keeps all objects of the set from ever being ended in this process."""
        for value in list(self._objects):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


NOT_IN_FORKS = NeverEnded()  # objects that are not ended in forks
NOT_AT_EXIT = NeverEnded()  # objects that are not ended when the process ends
atexit.register(NOT_AT_EXIT.keep)
if sys.platform != "win32":  # where nothing forks
    os.register_at_fork(after_in_child=NOT_IN_FORKS.keep)
