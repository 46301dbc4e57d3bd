"""Handles the signals of Ctrl-C, a closed terminal and `kill`."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

if sys.platform == "win32":
    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
else:
    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Two signals within this time are one. `timeout` and other programs that pass a signal on send it
# to this process and to its group.
ONE_SIGNAL_S = 0.1


@contextmanager
def hold_back_signals() -> Iterator[None]:
    """Makes signals wait, for this thread and for processes that the thread starts inside the
    block. A Ctrl-C goes to all processes at once, and a process that is still loading would end
    with a traceback."""
    if sys.platform == "win32":  # which cannot hold signals back
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_signals() -> None:
    """Makes this process ignore signals, because its parent process ends it. Signals that
    `hold_back_signals` holds back are dropped."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def ignore_ctrl_c() -> None:
    """Makes this process ignore Ctrl-C for the rest of its life, when its exit code is known.

    The interpreter and the native libraries take up to half a second to end. A second Ctrl-C would
    end the process by the signal then, and nobody would learn the exit code. `kill` still ends it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def catch_ctrl_c(
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether Ctrl-C was pressed, so that the current frame or step
    can be finished and saved.

    A second Ctrl-C raises `KeyboardInterrupt` at once, unless it follows within `ONE_SIGNAL_S` by
    `clock`. A closed terminal (SIGHUP) and `kill`
    (SIGTERM; SIGBREAK on Windows) count as Ctrl-C, too. A signal that is ignored already, as
    `nohup` does with SIGHUP, stays ignored.
    """
    asked_s: float | None = None  # the moment of the first signal

    def ask(*_: object) -> None:
        nonlocal asked_s
        if asked_s is None:
            asked_s = clock()
        elif clock() - asked_s >= ONE_SIGNAL_S:
            raise KeyboardInterrupt

    before = {
        number: signal.signal(number, ask)
        for number in SIGNALS
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield lambda: asked_s is not None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
