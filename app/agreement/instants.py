"""Compares the labels of two codings of one video at the same instants."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.agreement.figures import Numbers
from app.codings.tracks import Times, Track, find_usual_step
from app.errors import DataError
from app.recognition.expression_names import NOT_CODED
from app.types import UNSURE

MAX_INSTANTS = 20_000_000
# Expressions last up to some seconds, and our labels are smoothed over half a second.
MIN_BLOCK_S = 2.0
MAX_CELLS = 20_000_000  # of the tables of all blocks
SLIP_S = 1e-3  # typed or rounded times may lie this much before the frame that they mean


@dataclass(frozen=True, slots=True)
class ComparedInstants:
    """The labels of two codings at the same instants.

    `blocks (B, K, K)` holds a table for each block of the recording, and blocks count as
    independent of one another. Cell (i, j) of a table counts the instants to which the human gave
    label i of the K `labels`, and we label j.

    `coded` counts the instants with a label of the human. In `not_seen` of these, our face is
    absent; in `unsure` of these, our label is "unsure". In `human_unsure` further instants, the
    human is unsure.
    """

    labels: tuple[str, ...]
    blocks: Numbers
    coded: int = 0
    not_seen: int = 0
    unsure: int = 0
    human_unsure: int = 0

    @property
    def table(self) -> Numbers:
        """The table of the whole recording, `(K, K) float64`: the sum of all blocks."""
        return np.asarray(self.blocks.sum(axis=0))

    @property
    def coverage(self) -> float | None:
        """The share of the instants coded by the human for which we give a label, 0 to 1; None if
        the human coded none."""
        if not self.coded:
            return None
        return (self.coded - self.not_seen - self.unsure) / self.coded


def compare_instants(
    people: Sequence[tuple[Track, Track]], *, step_s: float, outside: str, keep_unsure: bool
) -> ComparedInstants:
    """Compares the labels of two codings at the same instants (`choose_instants`).

    Args:
        people: For each person, the human's track and ours.
        step_s: The distance of the instants if both tracks have coded spans.
        outside: The label that holds outside of coded spans.
        keep_unsure: "unsure" counts as a label like any other.

    Raises:
        DataError: `step_s` gives more than `MAX_INSTANTS` instants.
    """
    names = {one.label for pair in people for track in pair for one in track.spans}
    labels = sorted((names | {outside}) - {NOT_CODED})
    numbers = {label: k for k, label in enumerate(labels)}
    unsure = -1 if keep_unsure else numbers.get(UNSURE, -1)
    k = len(labels)
    counts = np.zeros(4, np.int64)
    blocks: list[Numbers] = []
    for human, ours in people:
        times = choose_instants(human, ours, step_s=step_s)
        if not len(times):
            continue
        at = times + min(SLIP_S, 0.1 * find_usual_step(times))
        a, b = (track.numbers_at(at, numbers, outside) for track in (human, ours))
        # Without a span of the human and without our face, there is nothing to compare.
        is_silent = (b < 0) & (human.numbers_at(at, numbers, None) < 0)
        coded = (a >= 0) & ~is_silent & ((a != unsure) | (unsure < 0))
        is_unsure = coded & (b == unsure) if unsure >= 0 else np.zeros(len(a), bool)
        both = coded & (b >= 0) & ~is_unsure
        counts += (
            coded.sum(),
            (coded & (b < 0)).sum(),
            is_unsure.sum(),
            ((a == unsure) & (unsure >= 0)).sum(),
        )
        block = number_blocks(times, a)
        block //= max(1, math.ceil((int(block[-1]) + 1) * k * k / MAX_CELLS))
        cells = (block * k + a) * k + b
        size = (int(block[-1]) + 1) * k * k
        table = np.bincount(cells[both], minlength=size).reshape(-1, k, k)
        blocks.append(table.astype(np.float64))
    together = np.concatenate(blocks) if blocks else np.zeros((0, k, k))
    return ComparedInstants(tuple(labels), together, *counts.tolist())


def choose_instants(human: Track, ours: Track, *, step_s: float) -> Times:
    """Chooses the instants at which two tracks are compared.

    Returns:
        Times in seconds, `(T,) float64`, in order: those of the track with fewer instants. If both
        tracks have spans alone, the middles of steps of `step_s` up to the later end.

    Raises:
        DataError: There would be more than `MAX_INSTANTS`.

    >>> from app.codings.tracks import Span, Track
    >>> track = Track((Span(0.0, 1.5, "happiness"),), (), None)
    >>> choose_instants(track, track, step_s=0.5)
    array([0.25, 0.75, 1.25])
    """
    sparse = min(
        (one.instants for one in (human, ours) if one.instants is not None), key=len, default=None
    )
    if sparse is not None:
        return sparse
    count = math.ceil(max(human.end_s, ours.end_s) / step_s - 1e-9)
    if count > MAX_INSTANTS:
        raise DataError(
            f"{count} instants would be compared, which is too many. Give a longer --step, and "
            "see whether the times of both files are seconds."
        )
    # At the middles of steps, no instant lies on the border of a span.
    return step_s * (np.arange(count, dtype=np.float64) + 0.5)


def number_blocks(times: Times, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Divides instants into blocks of whole runs of one label, each `MIN_BLOCK_S` or longer.

    Args:
        times: The instants in seconds, `(T,) float64`, in order, at least one.
        labels: The number of the human's label at each instant, `(T,)`.

    Returns:
        The number of the block of each instant, `(T,)`, from 0 up.

    >>> number_blocks(np.array([0.0, 1.0, 2.0, 3.0]), np.array([5, 5, 7, 5]))
    array([0, 0, 1, 1])
    """
    changes = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    begins: list[int] = []
    last_s = float(times[0])
    for at, time_s in zip(changes.tolist(), times[changes].tolist(), strict=True):
        if time_s - last_s >= MIN_BLOCK_S - 1e-6:
            begins.append(at)
            last_s = time_s
    marks = np.zeros(len(times), np.int64)
    marks[begins] = 1
    return np.cumsum(marks)
