"""Groups pictures that belong together, and splits whole groups into training and validation.

Pictures of one person, and two copies of one picture, must not stand on both sides: a network that
has seen the face would score for recognising it. Groups are the connected parts of such relations.
"""

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from app.errors import DataError
from app.wording import format_count

# Thumbnails are compared first by 64 bits of each and then by their correlation. Of pictures saved
# again, resized, relit or mirrored, 97 to 100 % are found so; of 18 million pairs of FER+ pictures,
# some 140 are found, almost all of them one picture twice.
THUMBNAIL = (24, 27)  # rows, columns
MAX_HAMMING = 8  # different bits
MIN_CORRELATION = 0.95  # of the grey values


def hash_differences(thumbnails: NDArray[np.floating]) -> NDArray[np.uint64]:
    """Hashes thumbnails by brightness differences, which light, contrast and size do not change.

    Args:
        thumbnails: `(N, 24, 27)` grey.

    Returns:
        `(N,)` uint64: of 8 x 9 means, a bit for each that is brighter than its left neighbour.

    >>> rising = np.broadcast_to(np.arange(27.0), (1, 24, 27))
    >>> hash_differences(rising).tolist() == [2**64 - 1], hash_differences(-rising).tolist()
    (True, [0])
    """
    means = thumbnails.reshape(-1, 8, 3, 9, 3).mean(axis=(2, 4))
    bits = means[:, :, 1:] > means[:, :, :-1]
    packed = np.packbits(bits.reshape(len(bits), 64), axis=1)
    return np.ascontiguousarray(packed).view(np.uint64).reshape(len(bits))


def pair_equal(values: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Yields each place with the first place that holds the same value; None equals nothing.

    >>> list(pair_equal(["a", None, "b", "a", None]))
    [(0, 3)]
    """
    first: dict[Hashable, int] = {}
    for place, value in enumerate(values):
        if value is not None and first.setdefault(value, place) != place:
            yield first[value], place


def pair_near_hashes(
    hashes: NDArray[np.uint64], others: NDArray[np.uint64], limit: int = MAX_HAMMING
) -> Iterator[tuple[int, int]]:
    """Yields pairs (i, j), i < j, whose `hashes[i]` and `others[j]` differ in at most `limit` bits.

    Args:
        hashes: `(N,)` uint64.
        others: `(N,)` uint64.
        limit: Count of bits.

    >>> hashes = np.array([0, 1, 2**64 - 1], np.uint64)
    >>> list(pair_near_hashes(hashes, hashes, limit=1))
    [(0, 1)]
    """
    for begin in range(0, len(hashes), 512):
        apart = np.bitwise_count(hashes[begin : begin + 512, None] ^ others[None])
        for i, j in np.argwhere(apart <= limit).tolist():
            if begin + i < j:
                yield begin + i, j


def pair_look_alikes(thumbnails: NDArray[np.floating]) -> Iterator[tuple[int, int]]:
    """Yields pairs (i, j), i < j, of thumbnails that show the same, apart from light and a mirror.

    Args:
        thumbnails: `(N, 24, 27)` grey.

    >>> picture = np.random.default_rng(0).random((24, 27))
    >>> list(pair_look_alikes(np.array([picture, picture[:, ::-1] * 2])))
    [(0, 1)]
    """
    mirrored = thumbnails[:, :, ::-1]
    hashes, own = hash_differences(thumbnails), _normalised(thumbnails)
    for others, theirs in ((hashes, own), (hash_differences(mirrored), _normalised(mirrored))):
        for i, j in pair_near_hashes(hashes, others):
            if float(own[i] @ theirs[j]) >= MIN_CORRELATION:
                yield i, j


def _normalised(thumbnails: NDArray[np.floating]) -> NDArray[np.floating]:
    """Scales thumbnails to rows of mean 0 and length 1, `(N, 648)`, whose products are
    correlations."""
    rows = thumbnails.reshape(-1, math.prod(THUMBNAIL))
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-6))


def unite_pairs(count: int, pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """Numbers the groups that pairs connect.

    Args:
        count: Count of places.
        pairs: Pairs of places that belong together.

    Returns:
        `(count,)` int64 group of each place, numbered from 0 in the order of their first places.

    >>> unite_pairs(4, [(0, 2), (2, 3)]).tolist()
    [0, 1, 0, 0]
    """
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
    """Counts the pictures of each group by label.

    Args:
        groups: `(N,)` int64 group of each picture.
        labels: `(N,)` int64 label of each picture.
        classes: K.

    Returns:
        `(G, K)` float64.

    >>> count_by_group(np.array([0, 1, 0]), np.array([0, 1, 0]), 2).tolist()
    [[2.0, 0.0], [0.0, 1.0]]
    """
    table = np.zeros((int(groups.max(initial=-1)) + 1, classes))
    np.add.at(table, (groups, labels), 1)
    return table


ATTEMPTS = 8  # random orders that are tried; the cheapest result wins


def split_groups(
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    *,
    classes: int,
    share: float,
    seed: int,
) -> NDArray[np.bool_]:
    """Chooses whole groups for validation, about `share` of each label.

    No label goes to validation entirely. Every label of two groups or more stands on both sides
    where whole groups allow it. The choice is made by chance, then improved a group at a time.

    Args:
        groups: `(N,)` int64 group of each picture.
        labels: `(N,)` int64 label of each picture.
        classes: K.
        share: In 0..1.
        seed: Of the choice.

    Returns:
        `(N,)` True for validation.

    Raises:
        DataError: There are too few groups to put one aside.

    >>> groups, labels = np.arange(4), np.zeros(4, np.int64)
    >>> int(split_groups(groups, labels, classes=1, share=0.25, seed=0).sum())
    1
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
    """Computes the costs of validation counts `chosen (…, K)`: the highest for a label that
    training lacks, then for a label that validation lacks without need, then for distance
    from the share."""
    present = total > 0
    divisible = (table > 0).sum(axis=0) > 1
    off = np.abs(chosen / np.maximum(total, 1) - share).sum(axis=-1)  # at most K
    unlearnable = ((chosen == total) & present).sum(axis=-1)
    unmeasured = ((chosen == 0) & divisible).sum(axis=-1)
    unit = 2.0 * len(total)
    return np.asarray(off + unit * unmeasured + unit**2 * unlearnable)


def _good(total: NDArray[np.float64]) -> float:
    """Computes the cost at which each label is within one picture of its share."""
    return float((1 / np.maximum(total, 1)).sum())


def _attempt(
    table: NDArray[np.float64],
    total: NDArray[np.float64],
    share: float,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], float]:
    """Chooses groups in random order, each where it lowers the cost; then makes the change that
    lowers it most, until none does or the cost is good. Returns `(G,)`, 1 for a chosen group,
    and the cost."""
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
    """Finds the labels without a training picture, and those without a validation picture.

    Args:
        valid: `(N,)` True for validation.
        labels: `(N,)` int64.
        classes: K.

    Returns:
        (the labels without a training picture, those without a validation picture), both rising.

    >>> find_one_sided(np.array([True, False, False]), np.array([0, 1, 1]), 2)
    ([0], [1])
    """
    without = [
        [k for k in range(classes) if not (labels[side] == k).any()] for side in (~valid, valid)
    ]
    return without[0], without[1]
