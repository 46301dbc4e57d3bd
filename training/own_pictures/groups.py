"""Who belongs together, and on which side of the split each group stands.

Pictures of one person, and one picture twice, must not stand on both sides: a network that has seen
the face would be praised for knowing it again. Groups are what is connected by such relations; they
are split whole.
"""

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from app.errors import DataError
from app.wording import format_count

# Thumbnails are compared, first by 64 bits of each and then by what they show. Of pictures saved
# again, resized, relit or mirrored, 97 to 100 % are found so; of 18 million pairs of FER+ pictures,
# some 140 are, almost all of them one picture twice.
THUMBNAIL = (24, 27)  # rows, columns
MAX_HAMMING = 8
MIN_CORRELATION = 0.95


def hash_differences(thumbnails: NDArray[np.floating]) -> NDArray[np.uint64]:
    """`(N,)` difference hashes of `thumbnails (N, 24, 27)` grey: of 8 x 9 means, a bit for each
    that is brighter than its left neighbour. Light, contrast and size do not change it."""
    means = thumbnails.reshape(-1, 8, 3, 9, 3).mean(axis=(2, 4))
    bits = means[:, :, 1:] > means[:, :, :-1]
    packed = np.packbits(bits.reshape(len(bits), 64), axis=1)
    return np.ascontiguousarray(packed).view(np.uint64).reshape(len(bits))


def pair_equal(values: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Each place with the first that holds the same value; None is the same as nothing."""
    first: dict[Hashable, int] = {}
    for place, value in enumerate(values):
        if value is not None and first.setdefault(value, place) != place:
            yield first[value], place


def pair_near_hashes(
    hashes: NDArray[np.uint64], others: NDArray[np.uint64], limit: int = MAX_HAMMING
) -> Iterator[tuple[int, int]]:
    """Pairs (i, j), i < j, whose `hashes[i]` and `others[j]` differ in at most `limit` bits."""
    for begin in range(0, len(hashes), 512):
        apart = np.bitwise_count(hashes[begin : begin + 512, None] ^ others[None])
        for i, j in np.argwhere(apart <= limit).tolist():
            if begin + i < j:
                yield begin + i, j


def pair_look_alikes(thumbnails: NDArray[np.floating]) -> Iterator[tuple[int, int]]:
    """Pairs (i, j), i < j, of `thumbnails (N, 24, 27)` grey that show the same, up to light and a
    mirror."""
    mirrored = thumbnails[:, :, ::-1]
    hashes, own = hash_differences(thumbnails), _normalised(thumbnails)
    for others, theirs in ((hashes, own), (hash_differences(mirrored), _normalised(mirrored))):
        for i, j in pair_near_hashes(hashes, others):
            if float(own[i] @ theirs[j]) >= MIN_CORRELATION:
                yield i, j


def _normalised(thumbnails: NDArray[np.floating]) -> NDArray[np.floating]:
    """`(N, 648)`, rows of mean 0 and length 1, whose products are correlations."""
    rows = thumbnails.reshape(-1, math.prod(THUMBNAIL))
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-6))


def unite_pairs(count: int, pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """`(count,)` number of each place's group: groups are what the pairs connect, numbered from 0
    in the order of their first places."""
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    roots = [root(place) for place in range(count)]
    numbers = {place: number for number, place in enumerate(sorted(set(roots)))}
    return np.array([numbers[place] for place in roots], np.int64)


def count_by_group(
    groups: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """`(G, K)` pictures of each group by label."""
    table = np.zeros((int(groups.max(initial=-1)) + 1, classes))
    np.add.at(table, (groups, labels), 1)
    return table


ATTEMPTS = 8


def split_groups(
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    *,
    classes: int,
    share: float,
    seed: int,
) -> NDArray[np.bool_]:
    """`(N,)` which pictures are for validation: whole groups, about `share` of each label.

    No label goes to validation entirely; every label of two groups or more stands on both sides
    where whole groups allow it. Chosen by chance, then improved a group at a time. Raises
    `DataError` when nothing can be put aside.
    """
    table = count_by_group(groups, labels, classes)
    total = table.sum(axis=0)
    found = []
    for number in range(ATTEMPTS):
        picked, cost = _attempt(table, total, share, np.random.default_rng([seed, number]))
        found.append((cost, picked))
        if cost <= _good(total):
            break
    valid = min(found, key=lambda pair: pair[0])[1].astype(bool)[groups]
    if not valid.any():
        raise DataError(
            f"{format_count(len(groups), 'picture')} make {format_count(len(table), 'group')} "
            "(same person, or same picture), too few to put some aside for validation. Add "
            "pictures of other people; or, where file names do not tell people apart, use "
            "--group-by picture."
        )
    return valid


def _costs(
    chosen: NDArray[np.float64],
    total: NDArray[np.float64],
    table: NDArray[np.float64],
    share: float,
) -> NDArray[np.float64]:
    """What validation counts `chosen (…, K)` cost: most for a label that training lacks, then for
    one that validation lacks without need, then for being off the share."""
    present = total > 0
    divisible = (table > 0).sum(axis=0) > 1
    off = np.abs(chosen / np.maximum(total, 1) - share).sum(axis=-1)  # at most K
    unlearnable = ((chosen == total) & present).sum(axis=-1)
    unmeasured = ((chosen == 0) & divisible).sum(axis=-1)
    unit = 2.0 * len(total)
    return np.asarray(off + unit * unmeasured + unit**2 * unlearnable)


def _good(total: NDArray[np.float64]) -> float:
    """Each label within one picture of its share."""
    return float((1 / np.maximum(total, 1)).sum())


def _attempt(
    table: NDArray[np.float64],
    total: NDArray[np.float64],
    share: float,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], float]:
    """`(G,)` 1 for the groups to put aside, and what that costs. Groups in random order, each taken
    if that helps; then the one change that helps most, until none does or it is good."""
    order = generator.permutation(len(table))
    picked = np.zeros(len(table))
    chosen = np.zeros_like(total)
    cost = float(_costs(chosen, total, table, share))
    for group in order:
        then = float(_costs(chosen + table[group], total, table, share))
        if then < cost:
            picked[group], chosen, cost = 1, chosen + table[group], then
    while cost > _good(total):
        changed = chosen + (1 - 2 * picked)[:, None] * table  # (G, K)
        costs = _costs(changed, total, table, share)[order]
        best = int(costs.argmin())
        if costs[best] >= cost - 1e-9:
            break
        group = order[best]
        picked[group], chosen, cost = 1 - picked[group], changed[group], float(costs[best])
    return picked, cost


def find_one_sided(
    valid: NDArray[np.bool_], labels: NDArray[np.int64], classes: int
) -> tuple[list[int], list[int]]:
    """(labels without a picture for training, labels without one for validation)."""
    without = [
        [k for k in range(classes) if not (labels[side] == k).any()] for side in (~valid, valid)
    ]
    return without[0], without[1]
