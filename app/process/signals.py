"""Ctrl-C, a closed terminal and `kill`, and what they ask for."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)


@contextmanager
def hold_back_signals() -> Iterator[None]:
    """Lets signals wait meanwhile, for this thread and for processes that it begins: a Ctrl-C goes
    to all of them at once, and one that is still loading would end with a traceback."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
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
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextmanager
def catch_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Yields what says whether Ctrl-C was pressed, so that the frame or step in hand can be
    finished and saved; pressed a second time, it stops at once. The terminal that is closed and a
    `kill` (SIGHUP, SIGTERM; SIGBREAK on Windows) are the same, but for a hang-up that is ignored
    already, as `nohup` has it."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = {
        number: signal.signal(number, ask)
        for number in SIGNALS
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
