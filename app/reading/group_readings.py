"""Reads the faces of a group of frames with few runs of the network.

Every face is read in the last frame of the group. In the frames before, a reading lies between
those of the groups' last frames, if they say the same; else the frame is read. So a change of
expression is read frame by frame, and a face at rest ten times a second.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.tracking.smoothing import FLOOR, SurenessFunction
from app.types import Face, Floats

# The most by which the probabilities of two readings that say the same may differ: half the sum of
# the differences of all classes (their distance of total variation).
MAX_DISTANCE = 0.1
FEW_FACES = 3  # of more faces, none is read between the last frames of two groups

Place = tuple[int, int]  # the number of a frame in the group, and of a face in the frame
# Gives probabilities (N, K) of N places, which may be none.
GroupReader = Callable[[Sequence[Place]], Floats]


def read_group(
    faces: Sequence[Sequence[Face]],
    times_s: Sequence[float],
    before: tuple[float, Callable[[int | None], Floats | None]],
    read: GroupReader,
    sureness: SurenessFunction,
) -> list[Floats]:
    """Reads the faces of a group of frames.

    Args:
        faces: The faces of each frame, with their keys.
        times_s: The times of the frames in seconds.
        before: The time of the frame before the group, and a function that gives the reading
            `(K,)` that a face had there, by its key; None if it had none.
        read: Reads the faces at some places.
        sureness: Tells how sure readings are.

    Returns:
        The readings of each frame, (number of faces, K).

    >>> box, points = (0.0, 0.0, 9.0, 9.0), np.zeros((6, 2), np.float32)
    >>> between, last = (Face(box, points, 0.9, seen=seen, key=7) for seen in (False, True))
    >>> def read(places): return np.tile(np.float32([0.75, 0.25]), (len(places), 1))
    >>> before = 0.0, {7: np.float32([0.75, 0.25])}.get
    >>> found = read_group([[between], [last]], [0.5, 1.0], before, read, lambda rows: rows[:, 0])
    >>> [rows.round(3).tolist() for rows in found]
    [[[0.75, 0.25]], [[0.75, 0.25]]]
    """
    end = len(faces) - 1
    first = [(end, row) for row in range(len(faces[end]))]
    looked = read(first)
    readings: dict[Place, Floats] = dict(zip(first, looked, strict=True))
    after = {face.key: readings[end, row] for row, face in enumerate(faces[end])}
    unread: list[Place] = []
    for number, row in _list_places(faces):
        if (number, row) in readings:
            continue
        key = faces[number][row].key
        one, other = before[1](key), after.get(key)
        if one is None or other is None:
            unread.append((number, row))
        elif len(faces[end]) > FEW_FACES or is_same_reading(one, other, sureness):
            share = (times_s[number] - before[0]) / (times_s[end] - before[0])
            readings[number, row] = interpolate_reading(one, other, share)
        else:
            unread.append((number, row))
    if unread:
        readings |= dict(zip(unread, read(unread), strict=True))
    return [
        np.array([readings[number, row] for row in range(len(group))], np.float32).reshape(
            len(group), looked.shape[1]
        )
        for number, group in enumerate(faces)
    ]


def is_same_reading(one: Floats, other: Floats, sureness: SurenessFunction) -> bool:
    """Tells whether two readings say the same, so that those between them do, too.

    Args:
        one: The first reading, probabilities (K,).
        other: The second reading.
        sureness: Tells how sure readings are.

    >>> def always(readings: Floats) -> NDArray[np.float64]: return np.ones(len(readings))
    >>> one, other = np.array([0.9, 0.1], np.float32), np.array([0.85, 0.15], np.float32)
    >>> is_same_reading(one, other, always), is_same_reading(one, 1 - one, always)
    (True, False)
    """
    if one.argmax() != other.argmax() or float(np.abs(one - other).sum()) / 2 > MAX_DISTANCE:
        return False
    are_sure: NDArray[np.bool_] = sureness(np.stack([one, other])) >= 0
    return bool(are_sure[0] == are_sure[1])


def interpolate_reading(one: Floats, other: Floats, share: float) -> Floats:
    """Interpolates the logarithms of two readings, as averages over time are made of them, too.

    Args:
        one: The first reading, probabilities (K,) float32.
        other: The second reading.
        share: The share of the time between them that has passed, 0 to 1.

    Returns:
        Probabilities (K,) float32, which sum to 1.

    >>> interpolate_reading(np.float32([0.8, 0.2]), np.float32([0.2, 0.8]), 0.5).tolist()
    [0.5, 0.5]
    """
    first, second = (np.log(np.maximum(row.astype(np.float64), FLOOR)) for row in (one, other))
    powers = np.exp((1 - share) * first + share * second)
    return np.asarray(powers / powers.sum(), np.float32)


def _list_places(faces: Sequence[Sequence[Face]]) -> list[Place]:
    return [(number, row) for number, group in enumerate(faces) for row in range(len(group))]
