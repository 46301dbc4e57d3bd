"""Two codings of one video side by side: what both say at the same instants, and which of their
episodes are the same."""

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
MIN_BLOCK_S = (
    2.0  # expressions last up to some seconds, and what we say is smoothed over half a one
)
MAX_CELLS = 20_000_000  # of the tables of all blocks


@dataclass(frozen=True, slots=True)
class ComparedInstants:
    """What both say at the same instants. `blocks (B, K, K)`: how often the human says label i and
    we say label j of `labels`, in each stretch that counts as independent of the others.

    `coded` instants have a label of the human; in `not_seen` of them our face is not there, in
    `unsure` we give none. `human_unsure` have none of the human."""

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
        """The share of what the human coded for which we give a label."""
        if not self.coded:
            return None
        return (self.coded - self.not_seen - self.unsure) / self.coded


def compare_instants(
    people: Sequence[tuple[Track, Track]], *, step_s: float, outside: str, keep_unsure: bool
) -> ComparedInstants:
    """Compares (human's, our) tracks at the instants of the one who says something at fewer of
    them; where both have coded spans, every `step_s` seconds. Raises `DataError` for too many of
    these."""
    names = {one.label for pair in people for track in pair for one in track.spans}
    labels = sorted((names | {outside}) - {NOT_CODED})
    number = {label: k for k, label in enumerate(labels)}
    unsure = -1 if keep_unsure else number.get(UNSURE, -1)
    k = len(labels)
    counts = np.zeros(4, np.int64)
    blocks: list[Numbers] = []
    for human, ours in people:
        times = choose_instants(human, ours, step_s=step_s)
        if not len(times):
            continue
        # Times that were typed or rounded may lie just before the frame that they mean.
        at = times + min(1e-3, 0.1 * find_usual_step(times))
        a, b = (track.numbers_at(at, number, outside) for track in (human, ours))
        # Where the human has no span and our face is not there, nobody says anything.
        silent = (b < 0) & (human.numbers_at(at, number, None) < 0)
        coded = (a >= 0) & ~silent & ((a != unsure) | (unsure < 0))
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
    """Returns the instants `(T,)` at which two tracks are compared."""
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
    # The middles of steps, so that no instant lies on the border of a span.
    return step_s * (np.arange(count, dtype=np.float64) + 0.5)


def number_blocks(times: Times, said: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the number `(T,)` of the block that each of `times (T,)` belongs to: a block is what
    the human calls by one label in a row, and goes on until it is `MIN_BLOCK_S` long."""
    changes = np.flatnonzero(said[1:] != said[:-1]) + 1
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
    """`pairs`: episodes that overlap, one with one. `right` of them have one label. Differences are
    ours minus the human's, medians over `pairs`."""

    human: int
    ours: int
    right: int
    onset_difference_s: float | None
    offset_difference_s: float | None
    pairs: AgreementFigures


def match_episodes(
    human: Sequence[Span], ours: Sequence[Span], min_overlap: float
) -> list[tuple[int, int]]:
    """Pairs episodes one to one, whatever their labels, so that their overlaps (intersection over
    union) sum up to the most; pairs that overlap less than `min_overlap` are none. Both are in
    order, and episodes of one person do not overlap."""
    edges: list[tuple[int, int]] = []  # that overlap; each shares an episode with the one before
    m = n = 0
    while m < len(human) and n < len(ours):
        if _overlap(human[m], ours[n]) > 0:
            edges.append((m, n))
        if human[m].offset_s <= ours[n].offset_s:
            m += 1
        else:
            n += 1
    # best[k]: the highest sum of the first k edges. Edges that share an episode stand in a row.
    best = [0.0]
    free: list[int] = []  # how many edges come before those that share an episode with this one
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
    """Returns who is who, human's name -> ours: as `named`, else by the same name, else one with
    one. Where some are named, others may be left out. Raises `DataError`."""
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
