"""Finds the times of audio in the copy of a video whose own times may restart in the middle."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TypeVar

from app.sources.frame_times import FrameTimes

JUMP_S = 1.0  # a longer step forward in the times may be a mistake; later packets tell
MAX_APART_S = 2.0  # pictures and audio that restart together do so within this time

T = TypeVar("T")


class AudioTimes:
    """The times of one audio track in the copy.

    Args:
        origin_s: The time in the file at which the copy begins.
        shifts: Gives the seconds by which the pictures so far were moved, for each place where the
            file's times restart.

    Attributes:
        until_s: The time in the copy that the pictures have reached; None: their end. To be kept up
            to date.
        end_s: The end of the audio that was written. To be kept up to date.
    """

    def __init__(self, origin_s: Fraction, shifts: Callable[[], Sequence[Fraction]]) -> None:
        self._origin_s = origin_s
        self._shifts = shifts
        self.until_s: Fraction | None = None
        self.end_s = Fraction(0)

    def place(
        self, own: Iterator[tuple[int | None, T]], base: Fraction, usual_s: float | Fraction
    ) -> Iterator[tuple[Fraction, T | None, bool]]:
        """Finds the time in the copy of each packet or frame.

        Args:
            own: Pairs of the file's own time, in ticks of `base`, and a packet or frame.
            base: Seconds per tick.
            usual_s: The usual distance of two of them.

        Yields:
            The time in the copy in seconds, the packet or frame, and whether the file's times have
            restarted before. None in place of the packet or frame: its time is not known yet.
        """
        step, jump = (max(1, round(span_s / base)) for span_s in (usual_s, JUMP_S))
        times = FrameTimes(own, step=step, jump=jump)
        for ticks, one in times:
            gone_on_s = ticks * base - self._origin_s
            count = len(times.changes.shifts)
            if not count:
                yield gone_on_s, one, False
                continue
            own_s = gone_on_s - times.changes.shifts[-1] * base
            while (start_s := self._find_start(count, own_s, gone_on_s)) is None:
                yield gone_on_s, None, True
            yield start_s, one, True

    def _find_start(self, count: int, own_s: Fraction, gone_on_s: Fraction) -> Fraction | None:
        """Finds the time of audio behind the `count`-th place where the file's times restart.

        The audio keeps its distance from the pictures, if their times restart there, too. Else
        it follows the audio before. None: the pictures may still come to this place.

        Args:
            count: The number of such places so far.
            own_s: The time as the file has it.
            gone_on_s: The time behind the audio before.
        """
        shifts = self._shifts()
        if len(shifts) >= count:
            start_s = own_s + shifts[count - 1]
            return start_s if abs(start_s - gone_on_s) < MAX_APART_S else gone_on_s
        if self.until_s is not None and self.until_s < gone_on_s + Fraction(JUMP_S):
            return None
        return gone_on_s

    def overlaps_earlier(self, start_s: Fraction, duration_s: Fraction, is_restarted: bool) -> bool:
        """Returns whether audio from before the times restarted still lasts at this time."""
        return is_restarted and start_s + duration_s / 2 < self.end_s
