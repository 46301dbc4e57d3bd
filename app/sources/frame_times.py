"""Gives the frames of a video times that always rise.

Files have single wrong times (a clock that was set, a damaged container), which are mended. Joined
transport streams count from their start again in the middle; from there on, times are shifted. Only
the frames behind such a place tell the two apart, so frames wait here where times do not rise.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Generic, TypeVar

from app.types import Json

LOOKAHEAD_FRAMES = 8  # frames to compare where times do not rise
# Rising times in a row that all lie before the last time: with fewer the times may be mistakes.
MIN_RESTART_FRAMES = 3
MAX_LISTED_CHANGES = 100  # of each kind that are kept one by one

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TimeChange:
    """A frame whose time is not the file's own.

    `index` is the number of the frame, `own` its time in the file and `given` its time here, both
    in ticks.
    """

    index: int
    own: int
    given: int


@dataclass(frozen=True, slots=True)
class TimeChanges:
    """The times up to a certain frame that are not the file's own.

    A value, so that a frame can be read while the times of later frames are found already.

    Attributes:
        mended: The first `MAX_LISTED_CHANGES` frames whose wrong time was mended.
        mended_count: The number of all such frames.
        restarts: The first `MAX_LISTED_CHANGES` frames at which the file's times begin anew.
        shifts: For each restart the ticks that are added to the file's own times from there on.
        starts: For each restart the time from which on its shift holds, in ticks.
    """

    mended: tuple[TimeChange, ...] = ()
    mended_count: int = 0
    restarts: tuple[TimeChange, ...] = ()
    shifts: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()

    def add_mended(self, change: TimeChange) -> "TimeChanges":
        """Adds a frame whose wrong time was mended."""
        is_listed = len(self.mended) < MAX_LISTED_CHANGES
        mended = (*self.mended, change) if is_listed else self.mended
        return replace(self, mended=mended, mended_count=self.mended_count + 1)

    def add_restart(self, change: TimeChange, shift: int) -> "TimeChanges":
        """Adds a frame at which the file's times begin anew; `shift` is in ticks."""
        is_listed = len(self.restarts) < MAX_LISTED_CHANGES
        return replace(
            self,
            restarts=(*self.restarts, change) if is_listed else self.restarts,
            shifts=(*self.shifts, shift),
            starts=(*self.starts, change.given),
        )

    def warning(self, name: str, seconds: Callable[[int], float]) -> str | None:
        """Says in a line for users which times were changed; None if none were. `name` is the
        video's name, and `seconds` turns ticks into seconds."""
        said = []
        if self.mended:
            first = self.mended[0]
            instead = f"{seconds(first.own):.2f} s became {seconds(first.given):.2f} s"
            several = f"{self.mended_count} wrong times, which were mended; at the first, frame"
            start = (
                "a wrong time, which was mended: at frame" if self.mended_count == 1 else several
            )
            said.append(f"{name} has {start} {first.index}, {instead}.")
        if self.shifts:
            places = "" if len(self.shifts) == 1 else f" and in {len(self.shifts) - 1} more places"
            said.append(
                f"{name} counts its time anew at {seconds(self.restarts[0].given):.2f} s{places}; "
                "times go on from there."
            )
        return " ".join(said) or None

    def describe(self, seconds: Callable[[int], float]) -> Json:
        """Counts the changes of each kind and lists the first of them. `seconds` turns ticks into
        seconds."""

        def rows(changes: Iterable[TimeChange]) -> list[Json]:
            return [
                {
                    "frame": one.index,
                    "file_s": round(seconds(one.own), 6),
                    "time_s": round(seconds(one.given), 6),
                }
                for one in changes
            ]

        return {
            "mended": self.mended_count,
            "counted_anew": len(self.shifts),
            "first_mended": rows(self.mended),
            "first_counted_anew": rows(self.restarts),
        }


class FrameTimes(Generic[T]):
    """Iterates over pairs (time, frame) whose times rise strictly.

    >>> frames = iter([(0, "a"), (40, "b"), (7, "c"), (120, "d"), (160, "e")])
    >>> list(FrameTimes(frames, step=40, jump=1000))
    [(0, 'a'), (40, 'b'), (80, 'c'), (120, 'd'), (160, 'e')]

    Args:
        frames: Pairs of the frame's own time in ticks, or None, and the frame. A frame without a
            time gets a time between its neighbours.
        step: The usual distance of two frames in ticks.
        jump: The distance in ticks from which on a step forward is doubted.

    Attributes:
        changes: The changes of the times up to the frame that came last.
    """

    def __init__(self, frames: Iterator[tuple[int | None, T]], *, step: int, jump: int) -> None:
        self._frames = frames
        self._step, self._jump = max(1, step), max(1, jump)
        self._waiting: deque[tuple[int | None, T]] = deque()
        self._last: int | None = None
        self._index = -1
        self.changes = TimeChanges()

    def __iter__(self) -> Iterator[tuple[int, T]]:
        return self

    def __next__(self) -> tuple[int, T]:
        times = self._times(2)
        if not times:
            raise StopIteration
        own = times[0]
        if own is None or not self._rises(own, times[1:]):
            own = self._choose_time(self._times(LOOKAHEAD_FRAMES))
        self._index += 1
        time = own if self._last is None else max(own, self._last + 1)
        own_ticks = self._waiting[0][0]
        if own_ticks is not None and time != own_ticks + self._shift:
            self.changes = self.changes.add_mended(TimeChange(self._index, own_ticks, time))
        self._last = time
        return time, self._waiting.popleft()[1]

    def end(self) -> None:
        """Lets go of all frames. The changes so far stay known."""
        self._frames = iter(())
        self._waiting.clear()

    @property
    def _shift(self) -> int:
        return self.changes.shifts[-1] if self.changes.shifts else 0

    def _times(self, count: int) -> list[int | None]:
        """Gives the file's own times of the next `count` frames, shifted like the last one."""
        while len(self._waiting) < count:
            following = next(self._frames, None)
            if following is None:
                break
            self._waiting.append(following)
        return [
            None if own is None else own + self._shift for own, _ in list(self._waiting)[:count]
        ]

    def _rises(self, own: int, following: list[int | None]) -> bool:
        """Tells whether `own` and the times behind it are beyond doubt."""
        if self._last is not None and not 0 < own - self._last <= self._jump:
            return False
        return all(time is not None and own < time for time in following)

    def _choose_time(self, times: list[int | None]) -> int:
        """Decides the time of the first of `times`."""
        known = {time for time in times if time is not None}
        going_on = _longest_rise(times, self._last, self._step)
        first = going_on[0] if going_on else None
        if first == 0:
            assert times[0] is not None
            return times[0]
        if self._last is not None and times[0] is not None and times[0] <= self._last:
            back = times[: len(times) if first is None else first]
            few = 2 * len(going_on) < len(known)
            if len(known) > 1 and (few or (len(back) >= MIN_RESTART_FRAMES and _rising(back))):
                return self._begin_anew(times[0])
        elif times[0] is not None and 2 * len(going_on) < len(known):
            return times[0]  # the times behind it begin anew
        return self._between(None if first is None else times[first], first)

    def _begin_anew(self, own: int) -> int:
        assert self._last is not None
        given = self._last + self._step
        restart = TimeChange(self._index + 1, own - self._shift, given)
        self.changes = self.changes.add_restart(restart, self._shift + given - own)
        return given

    def _between(self, following: int | None, distance: int | None) -> int:
        """Gives a time after the last one and before `following`, which is `distance` frames
        away."""
        if self._last is None:
            return 0 if following is None else following - self._step * (distance or 1)
        usual = self._last + self._step
        if following is None:
            return usual
        return min(usual, self._last + (following - self._last) // ((distance or 1) + 1))


def _rising(times: list[int | None]) -> bool:
    return all(
        one is not None and other is not None and one < other for one, other in pairwise(times)
    )


def _longest_rise(times: list[int | None], above: int | None, step: int) -> list[int]:
    """Finds the places of the longest series of times that rise strictly and are all greater than
    `above`; among series of one length, the series that keeps most evenly to `step`."""
    best: dict[int, tuple[int, int, list[int]]] = {}  # by the last place: length, evenness, places
    for place, time in enumerate(times):
        if time is None or (above is not None and time <= above):
            continue
        uneven = 0 if above is None else abs(time - above - step * (place + 1))
        ways = [(1, -uneven, [place])]
        for before, (length, evenness, places) in best.items():
            earlier = times[before]
            if earlier is not None and earlier < time:
                uneven = abs(time - earlier - step * (place - before))
                ways.append((length + 1, evenness - uneven, [*places, place]))
        best[place] = max(ways, key=lambda way: way[:2])
    return max(best.values(), key=lambda way: way[:2], default=(0, 0, []))[2]
