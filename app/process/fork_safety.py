"""Networks belong to the process that loaded them: in a copy of it that `fork` made, the threads
that they compute with are missing, and what waits for them waits for ever, also the networks' own
end."""

import atexit
import ctypes
import os
import weakref
from typing import Any

from app.errors import DeviceError


class HomeProcess:
    """The process in which something was made."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def left(self) -> bool:
        """Whether this process is another one, made by `fork`."""
        return os.getpid() != self._pid

    def check(self) -> None:
        """Raises `DeviceError` in another process."""
        if self.left:
            raise DeviceError(
                f"These networks were loaded in process {self._pid}, and this is process "
                f"{os.getpid()}, a fork of it, in which they would hang. Load them here: make a "
                "Recogniser in each process, after the fork (docs/library.md)."
            )


class NeverEnded:
    """Objects whose own end is left out at certain times, by a reference that is never given
    back."""

    def __init__(self) -> None:
        self._objects: weakref.WeakSet[Any] = weakref.WeakSet()

    def add(self, value: Any) -> None:
        self._objects.add(value)

    def keep(self) -> None:
        """From now on none of them is ever ended in this process."""
        for value in list(self._objects):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


NOT_IN_FORKS, NOT_AT_EXIT = NeverEnded(), NeverEnded()
atexit.register(NOT_AT_EXIT.keep)
if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=NOT_IN_FORKS.keep)
