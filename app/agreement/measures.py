"""Compares two codings of one video: their labels at the same instants, and their episodes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from app.agreement.figures import AgreementFigures, Numbers, measure_pairs
from app.codings.tracks import Span, Times, Track, drop_unsure, find_usual_step
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


@dataclass(frozen=True, slots=True)
class EpisodeFigures:
    """The agreement of episodes.

    `human` and `ours` count the episodes of each side. `pairs` are the figures of the labels of
    overlapping episodes, paired one to one; in `right` pairs, both labels are the same. The
    differences are ours minus the human's, as medians over the pairs in seconds; None without a
    pair.
    """

    human: int
    ours: int
    right: int
    onset_difference_s: float | None
    offset_difference_s: float | None
    pairs: AgreementFigures


def match_episodes(
    human: Sequence[Span], ours: Sequence[Span], min_overlap: float
) -> list[tuple[int, int]]:
    """Pairs the episodes of one person one to one, whatever their labels.

    Of all pairings, this one has the highest sum of overlaps (intersection over union). Pairs that
    overlap by less than `min_overlap` are then left out.

    Args:
        human: The human's episodes, in order and without overlaps among themselves.
        ours: Our episodes, likewise.
        min_overlap: The least intersection over union of a pair, 0 to 1.

    Returns:
        (index in `human`, index in `ours`) of each pair, in order.

    >>> happy = [Span(0.0, 2.0, "happiness"), Span(5.0, 6.0, "happiness")]
    >>> match_episodes(happy, [Span(1.0, 3.0, "surprise")], min_overlap=0.25)
    [(0, 0)]
    """
    edges: list[tuple[int, int]] = []  # pairs that overlap, in order of time
    m = n = 0
    while m < len(human) and n < len(ours):
        if _overlap(human[m], ours[n]) > 0:
            edges.append((m, n))
        if human[m].offset_s <= ours[n].offset_s:
            m += 1
        else:
            n += 1
    # best[k] is the highest sum of overlaps that the first k edges allow. Edges that share an
    # episode are neighbours in `edges`.
    best = [0.0]
    free: list[int] = []  # for each edge: the edges before all those that share an episode with it
    first_of_human: dict[int, int] = {}
    first_of_ours: dict[int, int] = {}
    for k, (m, n) in enumerate(edges):
        free.append(min(first_of_human.setdefault(m, k), first_of_ours.setdefault(n, k)))
        best.append(max(best[k], best[free[k]] + _overlap(human[m], ours[n])))
    found: list[tuple[int, int]] = []
    k = len(edges)
    while k:
        if best[k] == best[k - 1]:
            k -= 1
        else:
            found.append(edges[k - 1])
            k = free[k - 1]
    return [(m, n) for m, n in reversed(found) if _overlap(human[m], ours[n]) >= min_overlap]


def _overlap(a: Span, b: Span) -> float:
    common = min(a.offset_s, b.offset_s) - max(a.onset_s, b.onset_s)
    whole = max(a.offset_s, b.offset_s) - min(a.onset_s, b.onset_s)
    return max(0.0, common) / whole


def compare_episodes(
    tracks: Sequence[tuple[Track, Track]], *, min_overlap: float, outside: str
) -> EpisodeFigures:
    """Compares the episodes of two codings.

    Args:
        tracks: For each person, the human's track and ours.
        min_overlap: The least intersection over union of two episodes that are a pair.
        outside: The label that holds outside of coded spans; its episodes do not count, and
            neither do those of "unsure".
    """
    pairs: list[tuple[Span, Span]] = []
    human = ours = 0
    for one, other in tracks:
        theirs, mine = (
            [span for span in drop_unsure(track.episodes) if span.label != outside]
            for track in (one, other)
        )
        human += len(theirs)
        ours += len(mine)
        pairs += [(theirs[m], mine[n]) for m, n in match_episodes(theirs, mine, min_overlap)]
    return EpisodeFigures(
        human=human,
        ours=ours,
        right=sum(a.label == b.label for a, b in pairs),
        onset_difference_s=median(b.onset_s - a.onset_s for a, b in pairs) if pairs else None,
        offset_difference_s=median(b.offset_s - a.offset_s for a, b in pairs) if pairs else None,
        pairs=measure_pairs([(a.label, b.label) for a, b in pairs]),
    )


def pair_people(
    human: Mapping[str, Track], ours: Mapping[str, Track], named: Mapping[str, str]
) -> dict[str, str]:
    """Finds out who is who in two codings.

    People are paired as `named` says, else by the same name. If each coding has one person and
    none is named, these two are a pair. If some people are named, others may stay without a pair.

    Args:
        human: The human's tracks, by person.
        ours: Our tracks, by person.
        named: The pairs that the user gave, human's name -> ours.

    Returns:
        The pairs, human's name -> ours.

    Raises:
        DataError: A person has no partner.
    """
    if not human or not ours:
        raise DataError("One of the two says nothing of anybody. Give codings with labels.")
    for name in named:
        if name not in human:
            raise DataError(
                f"The human's coding has no person {name!r}. It is of {_listed(human)}."
            )
    if not named and len(human) == len(ours) == 1:
        return {next(iter(human)): next(iter(ours))}
    pairs: dict[str, str] = {}
    # Episodes call their tiers "face 3", records the same person "3".
    known = {name.removeprefix("face "): name for name in ours} | {name: name for name in ours}
    for name in human:
        wanted = named[name] if name in named else name.removeprefix("face ")
        if wanted in known:
            pairs[name] = known[wanted]
        elif name in named or not named:
            tier = " If these are tiers, name the one that is meant by --tier." * (len(human) > 1)
            raise DataError(
                f"The human's coding is of {_listed(human)}, ours of {_listed(ours)}. Say who is "
                f"who by --pair {_quoted(name)}={sorted(ours)[0]}.{tier}"
            )
    return pairs


def _listed(names: Mapping[str, Track]) -> str:
    shown = sorted(name or "a person without a name" for name in names)
    return ", ".join(shown[:8]) + (" …" if len(shown) > 8 else "")


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name
