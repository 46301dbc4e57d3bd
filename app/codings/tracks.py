"""Holds the labels of one person in a video: labels at instants, or labels over spans."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.errors import DataError
from app.types import UNSURE

MAX_STEP_RATIO = 2.5  # instants further apart than 2.5 usual steps have a gap between them
MAX_LABELS = 0x10000  # of one person, because numbers of labels are stored in 16 bits
Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """One label from `onset_s` until just before `offset_s`, in seconds."""

    onset_s: float
    offset_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Track:
    """The labels of one person, in order.

    `spans` holds every label; the label of a span may be `NOT_CODED`. `episodes` are the spans
    that count as episodes. `instants (T,) float64` are the labelled instants in seconds if the
    person was labelled at instants; nothing is known outside of `spans` then. None stands for a
    coding in spans.
    """

    spans: tuple[Span, ...]
    episodes: tuple[Span, ...]
    instants: Times | None

    @property
    def end_s(self) -> float:
        """The end of the last span in seconds; 0 without a span."""
        return max((one.offset_s for one in self.spans[-1:]), default=0.0)

    def numbers_at(
        self, times_s: Times, numbers: Mapping[str, int], outside: str | None
    ) -> NDArray[np.int64]:
        """Looks up the labels at some times.

        Args:
            times_s: Times in seconds, `(N,) float64`.
            numbers: The number of each label, from 0 up.
            outside: The label outside of the spans of a coding in spans; None for no label.

        Returns:
            The number of the label at each time, `(N,) int64`; -1 for no label.
        """
        elsewhere = -1 if self.instants is not None or outside is None else numbers[outside]
        if not self.spans:
            return np.full(len(times_s), elsewhere)
        onsets = np.array([one.onset_s for one in self.spans])
        offsets = np.array([one.offset_s for one in self.spans])
        found = np.array([numbers.get(one.label, -1) for one in self.spans])  # -1: NOT_CODED
        at = np.searchsorted(onsets, times_s, side="right") - 1
        return np.where((at >= 0) & (times_s < offsets[at]), found[at], elsewhere)


class InstantLabels:
    """The labels of one person at instants, in 10 bytes each. `lines` may hold the line of each
    label in its file."""

    def __init__(self) -> None:
        self._times = array("d")
        self._labels = array("H")
        self._names: dict[str, int] = {}
        self.lines = array("q")

    def add(self, time_s: float, label: str) -> None:
        """Adds a label. Raises `DataError` for more than `MAX_LABELS` different labels."""
        number = self._names.setdefault(label, len(self._names))
        if number >= MAX_LABELS:
            raise DataError("There are more than 65,536 labels. Is that the column of labels?")
        self._times.append(time_s)
        self._labels.append(number)

    def arrays(self) -> tuple[Times, NDArray[np.uint16], list[str]]:
        """Returns the times in seconds `(N,)`, the numbers of the labels `(N,)`, and the labels by
        number."""
        times = np.frombuffer(self._times, np.float64)
        return times, np.frombuffer(self._labels, np.uint16), list(self._names)


def join_instants(
    times: Times, numbers: NDArray[np.uint16], names: Sequence[str], shown_s: Times
) -> tuple[Span, ...]:
    """Joins consecutive instants with the same label into spans.

    The label of an instant holds until the next instant of `shown_s`, but not for longer than
    `MAX_STEP_RATIO` usual steps. The label of the last instant holds for one usual step.

    Args:
        times: Labelled instants in seconds, `(N,) float64`, in order, at least one.
        numbers: The number of the label at each of `times`, `(N,)`.
        names: The labels by number.
        shown_s: All instants in seconds, `(T,) float64`, in order, with all of `times`.

    >>> times = np.array([0.0, 0.5, 1.0])
    >>> join_instants(times, np.array([0, 0, 1], np.uint16), ["sad", "happy"], times)
    (Span(onset_s=0.0, offset_s=1.0, label='sad'), Span(onset_s=1.0, offset_s=1.5, label='happy'))
    """
    step = find_usual_step(shown_s)
    following = np.append(shown_s[1:], shown_s[-1] + step)[np.searchsorted(shown_s, times)]
    ends = np.minimum(following, times + MAX_STEP_RATIO * step)
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
    """Returns the median distance of `times (T,) float64`, in seconds and in order; 1 for fewer
    than two.

    >>> find_usual_step(np.array([0.0, 0.5, 1.0, 4.0]))
    0.5
    """
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def drop_unsure(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Returns `spans` without those of the label "unsure"."""
    return tuple(one for one in spans if one.label != UNSURE)
