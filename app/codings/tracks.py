"""What is said of one person in a video: labels at instants, or labels over spans."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.errors import DataError
from app.types import UNSURE

GAP_STEPS = 2.5  # instants further apart than so many usual steps have something missing in between
Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    onset_s: float
    offset_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Track:
    """What is said of one person, in order. `instants (T,)`: when it was said, where it was said of
    instants; outside of `spans` then nothing is known. A span's label may be `NOT_CODED`.
    `episodes`: what counts as an episode."""

    spans: tuple[Span, ...]
    episodes: tuple[Span, ...]
    instants: Times | None

    @property
    def end_s(self) -> float:
        return max((one.offset_s for one in self.spans[-1:]), default=0.0)

    def numbers_at(
        self, times_s: Times, numbers: Mapping[str, int], outside: str | None
    ) -> NDArray[np.int64]:
        """Returns what is said at `times_s (T,)`, as `numbers` of labels; -1 where nothing is.
        `outside` of what was coded as spans is a label, too, where one is given."""
        elsewhere = -1 if self.instants is not None or outside is None else numbers[outside]
        if not self.spans:
            return np.full(len(times_s), elsewhere)
        onsets = np.array([one.onset_s for one in self.spans])
        offsets = np.array([one.offset_s for one in self.spans])
        said = np.array([numbers.get(one.label, -1) for one in self.spans])  # NOT_CODED: none
        at = np.searchsorted(onsets, times_s, side="right") - 1
        return np.where((at >= 0) & (times_s < offsets[at]), said[at], elsewhere)


class InstantLabels:
    """The labels of one person at instants, in little space. `lines` is for those who need it."""

    def __init__(self) -> None:
        self._times = array("d")
        self._labels = array("H")
        self._names: dict[str, int] = {}
        self.lines = array("q")

    def add(self, time_s: float, label: str) -> None:
        number = self._names.setdefault(label, len(self._names))
        if number > 0xFFFF:
            raise DataError("There are more than 65,536 labels. Is that the column of labels?")
        self._times.append(time_s)
        self._labels.append(number)

    def arrays(self) -> tuple[Times, NDArray[np.uint16], list[str]]:
        """Returns times and numbers of labels `(N,)`, and the labels by number."""
        times = np.frombuffer(self._times, np.float64)
        return times, np.frombuffer(self._labels, np.uint16), list(self._names)


def join_instants(
    times: Times, numbers: NDArray[np.uint16], names: Sequence[str], shown_s: Times
) -> tuple[Span, ...]:
    """Turns instants `times (N,)`, at least one, with labels `numbers (N,)` of `names` into spans:
    each holds until the next of `shown_s (T,)`, which has all of them, the last for a usual
    step."""
    step = find_usual_step(shown_s)
    following = np.append(shown_s[1:], shown_s[-1] + step)[np.searchsorted(shown_s, times)]
    ends = np.minimum(following, times + GAP_STEPS * step)
    breaks = (numbers[1:] != numbers[:-1]) | (ends[:-1] != times[1:])
    begins = np.flatnonzero(np.append(True, breaks))
    lasts = np.append(begins[1:], len(times)) - 1
    return tuple(
        Span(onset, offset, names[number])
        for onset, offset, number in zip(
            times[begins].tolist(), ends[lasts].tolist(), numbers[begins].tolist(), strict=True
        )
    )


def find_usual_step(times: Times) -> float:
    """Returns the median distance of `times (T,)` in seconds; 1 where there is none."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def drop_unsure(spans: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(one for one in spans if one.label != UNSURE)
