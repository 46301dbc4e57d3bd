"""Compares two clocks, so that a moment that one of them gave can be told by the other."""

import math
from collections.abc import Callable

CLOCK_TRIES = 5  # comparisons of two clocks, of which the closest counts
CLOSE_S = 50e-6  # two readings of a clock that nothing came between; the usual is 1 µs


def measure_clock_shift(theirs: Callable[[], float], ours: Callable[[], float]) -> float:
    """Measures by how many seconds a clock is ahead of ours.

    A busy machine may stop the program for milliseconds between two readings. Their clock is
    therefore read between two readings of ours, up to five times, and the closest pair counts.
    Without this, beside two busy threads, one of eleven moments of capture came out more than 1 ms
    late, and one 38 ms, which is later than the next frame of a camera.

    >>> ours = iter([10.0, 10.5, 20.0, 20.00001])
    >>> round(measure_clock_shift(lambda: 25.0, lambda: next(ours)), 6)
    4.999995
    """
    width_s, shift_s = math.inf, 0.0
    for _ in range(CLOCK_TRIES):
        before_s = ours()
        their_s = theirs()
        after_s = ours()
        if after_s - before_s < width_s:
            width_s, shift_s = after_s - before_s, their_s - (before_s + after_s) / 2
        if width_s <= CLOSE_S:
            break
    return shift_s
