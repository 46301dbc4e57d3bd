"""A Ctrl-C asks for an end, and a second one ends at once."""

import signal
import sys

import pytest

from app.process.signals import ONE_SIGNAL_S, catch_ctrl_c


def test_first_signal_asks_and_a_second_one_ends_at_once() -> None:
    now_s = 0.0
    with catch_ctrl_c(lambda: now_s) as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        now_s = ONE_SIGNAL_S
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_signal_that_comes_twice_at_once_is_one() -> None:
    """`timeout` sends it to the program and to the program's group."""
    now_s = 0.0
    with catch_ctrl_c(lambda: now_s) as stop:
        signal.raise_signal(signal.SIGINT)
        now_s = ONE_SIGNAL_S / 2
        signal.raise_signal(signal.SIGINT)
        assert stop()


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGHUP")
def test_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with catch_ctrl_c() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop()
            signal.raise_signal(signal.SIGTERM)
            assert stop()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
