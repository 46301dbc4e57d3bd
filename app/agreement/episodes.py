"""Compares the episodes of two codings of one video."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from app.agreement.figures import AgreementFigures, measure_pairs
from app.codings.tracks import Span, Track, drop_unsure

OVERLAP_SLACK = 1e-9  # decimal times such as 0.1 s are rounded in binary


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
    least = min_overlap - OVERLAP_SLACK
    return [(m, n) for m, n in reversed(found) if _overlap(human[m], ours[n]) >= least]


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
