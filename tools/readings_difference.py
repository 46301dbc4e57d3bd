"""Compares two records of the same frames: which faces, labels, places and episodes differ.

Faces of a frame are matched by their places, never by their numbers.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from app.episodes.episode import Episode
from app.episodes.finder import EpisodeRules, find_episodes
from app.errors import DataError
from app.records.frames import group_by_frame
from app.records.schema import FaceRecord, Record

MIN_SHARED = 0.3  # of what two boxes cover together, for boxes of one face
NEAR_SHARE = 0.02  # of a face's size, by which two centres may differ and count as equal
MIN_EPISODE_S = 0.5  # of an episode that must not be lost
MIN_PARTNER_S = 0.3  # of its counterpart, so that one just under the limit is not "lost"
MAX_SHIFT_S = 0.1  # of onset or offset
ROUNDING_S = 1e-9  # a shift of 0.1 s counts as 0.1 s in spite of its rounding in binary

Box = tuple[float, float, float, float]  # x, y, width, height in px


@dataclass(frozen=True, slots=True)
class FacePair:
    """One face in one frame of both records."""

    frame: int
    time_s: float
    base: FaceRecord
    head: FaceRecord

    @property
    def is_same_label(self) -> bool:
        """True if both show the same label, "unsure" included."""
        return self.base.label == self.head.label

    @property
    def moved(self) -> float:
        """The distance of the two centres, as a share of the face's size in the base."""
        (x, y, w, h), (u, v, a, b) = self.base.box_xywh, self.head.box_xywh
        return math.hypot(x + w / 2 - u - a / 2, y + h / 2 - v - b / 2) / math.sqrt(w * h)


@dataclass(frozen=True, slots=True)
class LoneFace:
    """A face that only one of the two records has in a frame."""

    frame: int
    time_s: float
    face: FaceRecord


@dataclass(frozen=True, slots=True)
class EpisodePair:
    """An episode of the base and its counterpart."""

    base: Episode
    head: Episode

    @property
    def shift_s(self) -> float:
        """The larger of the shifts of onset and offset."""
        onset_s = abs(self.base.onset_s - self.head.onset_s)
        return max(onset_s, abs(self.base.offset_s - self.head.offset_s))


@dataclass(frozen=True, slots=True)
class ReadingsDifference:
    """The difference of two records.

    `frames` counts the frames of both. `lone_frames` are in one of them only. `identities` are the
    face-frames whose number is that of the same person in both; `same_numbers` those whose number
    is equal. `lost`, `gained` and `pairs` of episodes are of `MIN_EPISODE_S` or longer on the side
    that they are counted for.
    """

    frames: int
    lone_frames: int
    pairs: tuple[FacePair, ...]
    base_only: tuple[LoneFace, ...]
    head_only: tuple[LoneFace, ...]
    identities: int
    same_numbers: int
    people: tuple[int, int]
    lost: tuple[Episode, ...]
    gained: tuple[Episode, ...]
    episodes: tuple[EpisodePair, ...]

    @property
    def shifted(self) -> tuple[EpisodePair, ...]:
        """The episodes that begin or end by more than `MAX_SHIFT_S` elsewhere."""
        return tuple(one for one in self.episodes if one.shift_s > MAX_SHIFT_S + ROUNDING_S)

    @property
    def same_labels(self) -> int:
        """The number of face-frames with the same label."""
        return sum(pair.is_same_label for pair in self.pairs)

    @property
    def near_centres(self) -> int:
        """The number of face-frames whose centres are within `NEAR_SHARE`."""
        return sum(pair.moved <= NEAR_SHARE for pair in self.pairs)


def measure_overlap(one: Box, other: Box) -> float:
    """Returns the area that two boxes share, as a share of what they cover together.

    >>> measure_overlap((0, 0, 10, 10), (5, 0, 10, 10))
    0.3333333333333333
    """
    (x, y, w, h), (u, v, a, b) = one, other
    shared = max(0.0, min(x + w, u + a) - max(x, u)) * max(0.0, min(y + h, v + b) - max(y, v))
    return shared / (w * h + a * b - shared) if shared > 0 else 0.0


def match_faces(base: Sequence[FaceRecord], head: Sequence[FaceRecord]) -> list[tuple[int, int]]:
    """Matches the faces of one frame by their boxes, so that the overlaps sum up to the most.
    Returns the indices of each pair that shares `MIN_SHARED` or more."""
    if not base or not head:
        return []
    shared = np.array([[measure_overlap(a.box_xywh, b.box_xywh) for b in head] for a in base])
    rows, columns = linear_sum_assignment(np.where(shared >= MIN_SHARED, shared, 0.0), True)
    return [
        (int(row), int(column))
        for row, column in zip(rows, columns, strict=True)
        if shared[row, column] >= MIN_SHARED
    ]


def pair_frames(
    base: Iterable[Record], head: Iterable[Record]
) -> Iterator[tuple[list[Record], list[Record]]]:
    """Pairs the frames of two records by their numbers, which go up. A frame of one record alone is
    paired with an empty list. Raises `DataError` where a record has more than one source."""
    sides = [_check_source(group_by_frame(rows)) for rows in (base, head)]
    one, two = (next(side, None) for side in sides)
    while one or two:
        number = min(rows[0].frame for rows in (one, two) if rows)
        here = one if one and one[0].frame == number else None
        there = two if two and two[0].frame == number else None
        yield here or [], there or []
        one = next(sides[0], None) if here else one
        two = next(sides[1], None) if there else two


def _check_source(frames: Iterator[list[Record]]) -> Iterator[list[Record]]:
    source = None
    for rows in frames:
        source = source or rows[0].source
        if rows[0].source != source:
            raise DataError(
                f"These records have several sources, {source} and {rows[0].source}. Compare "
                "records of one video."
            )
        yield rows


def match_people(pairs: Iterable[FacePair]) -> dict[int, int]:
    """Matches the people of the base with those of the head, one to one, by the frames in which
    both numbers are at one place. Returns the head's number by the base's."""
    met = Counter((pair.base.face_id, pair.head.face_id) for pair in pairs)
    base = sorted({one for one, _ in met})
    head = sorted({other for _, other in met})
    counts = np.array([[met[one, other] for other in head] for one in base]).reshape(
        len(base), len(head)
    )
    rows, columns = linear_sum_assignment(counts, True)
    return {base[r]: head[c] for r, c in zip(rows, columns, strict=True) if counts[r, c]}


def match_episodes(
    base: Sequence[Episode], head: Sequence[Episode], people: dict[int, int]
) -> tuple[list[Episode], list[Episode], list[EpisodePair]]:
    """Matches the episodes of one person and label that overlap the most.

    Args:
        base: The base's episodes of `MIN_PARTNER_S` or longer.
        head: The head's.
        people: The head's number of each of the base's people.

    Returns:
        The base's episodes of `MIN_EPISODE_S` or longer without a counterpart, those of the head,
        and all pairs of which one is as long as that.
    """
    shared = np.zeros((len(base), len(head)))
    for row, one in enumerate(base):
        for column, two in enumerate(head):
            if one.label == two.label and people.get(one.face_id) == two.face_id:
                ends_s = min(one.offset_s, two.offset_s)
                shared[row, column] = max(0.0, ends_s - max(one.onset_s, two.onset_s))
    rows, columns = linear_sum_assignment(shared, True)
    found = [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if shared[r, c] > 0]

    def is_long(episode: Episode) -> bool:
        return episode.duration_s >= MIN_EPISODE_S - ROUNDING_S

    taken, partners = {r for r, _ in found}, {c for _, c in found}
    pairs = [EpisodePair(base[r], head[c]) for r, c in found]
    return (
        [one for row, one in enumerate(base) if row not in taken and is_long(one)],
        [two for column, two in enumerate(head) if column not in partners and is_long(two)],
        [pair for pair in pairs if is_long(pair.base) or is_long(pair.head)],
    )


def compare_records(base: Sequence[Record], head: Sequence[Record]) -> ReadingsDifference:
    """Compares two records of one video. Raises `DataError` where one has several sources."""
    frames = lone_frames = 0
    pairs: list[FacePair] = []
    base_only: list[LoneFace] = []
    head_only: list[LoneFace] = []
    for here, there in pair_frames(base, head):
        if not here or not there:
            lone_frames += 1
        else:
            frames += 1
        row = (here or there)[0]
        one, two = ([row.face for row in rows if row.face is not None] for rows in (here, there))
        matched = match_faces(one, two)
        pairs += [FacePair(row.frame, row.time_s, one[a], two[b]) for a, b in matched]
        for faces, lone, taken in (
            (one, base_only, {a for a, _ in matched}),
            (two, head_only, {b for _, b in matched}),
        ):
            lone += [
                LoneFace(row.frame, row.time_s, face)
                for number, face in enumerate(faces)
                if number not in taken
            ]
    people = match_people(pairs)
    rules = EpisodeRules(min_s=MIN_PARTNER_S)
    lost, gained, episodes = match_episodes(
        find_episodes(base, rules), find_episodes(head, rules), people
    )
    return ReadingsDifference(
        frames=frames,
        lone_frames=lone_frames,
        pairs=tuple(pairs),
        base_only=tuple(base_only),
        head_only=tuple(head_only),
        identities=sum(people.get(one.base.face_id) == one.head.face_id for one in pairs),
        same_numbers=sum(one.base.face_id == one.head.face_id for one in pairs),
        people=(_count_people(base), _count_people(head)),
        lost=tuple(lost),
        gained=tuple(gained),
        episodes=tuple(episodes),
    )


def _count_people(records: Iterable[Record]) -> int:
    return len({row.face.face_id for row in records if row.face is not None})
