"""Holds the faces that a follower knows, and looks for them where they should be.

If there are more than a few faces, they are looked at in turns. Between its turns, a face is moved
on: in a live stream with the picture (`app.detection.flow`), else by its last velocity. In a live
stream, a face that is calm is not looked at in every frame either.

In a group of a file's frames, every face is looked at in the last frame. Its places in the frames
before are interpolated, unless it moved, changed, looks otherwise there or was lost: then it is
looked at in each of them (`app.detection.between`).
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.detection.between import interpolate_face, is_steady, looks_alike
from app.detection.boxes import is_same_place, measure_distance
from app.detection.flow import cut_patch, measure_shift
from app.detection.followed_face import FollowedFace
from app.detection.glimpses import glimpse_face
from app.detection.pace import Pace
from app.detection.ports import FaceLooker
from app.types import Face, Frame, Image

WATCH_S = 1.0  # for which the place of a lost face is looked at
# Where the mean score of a face over `TRUST_S` falls below `TRUSTED`, the face check is asked
# again, so that a pattern that was once taken for a face is not kept for long.
TRUST_S = 0.5
TRUSTED = 0.5  # midway between the scores of surely no face, 0, and of surely a face, 1
KEEP_SCORE = 0.3  # score below which a look at a known face does not count
FEW_LOOKS = 3  # faces that are looked at in every frame; more are looked at in turns
MIN_AHEAD = 0.1  # sides that a face must have moved on for a look at its expected place

# Share of the score with which a face was found that it needs in earlier frames. A face that comes
# in at the picture's edge is cut off there, and its reading would be a false start.
MIN_TRACED_SHARE = 0.9


class KnownFaces:
    """The known faces of one stream.

    Args:
        search: Looks at faces.
        few_looks: The number of faces that are looked at in every frame; more take turns.
        pace: The amount of work that one frame may take.

    Attributes:
        all: The faces as they were last seen, those that are lost included.
        hurry_until_s: The time until which the search hurries, because a face was lost.
    """

    def __init__(self, search: FaceLooker, *, few_looks: int = FEW_LOOKS, pace: Pace) -> None:
        self._search = search
        self._few_looks = few_looks
        self._pace = pace
        self.clear()

    def clear(self) -> None:
        """Forgets all faces."""
        self.all: list[FollowedFace] = []
        self.hurry_until_s = -math.inf

    def add(self, face: Face, time_s: float) -> None:
        """Adds a new face that was confirmed at `time_s`."""
        self.all.append(FollowedFace(face, time_s, max(TRUSTED, face.score)))

    def drop_lost_at(self, faces: Iterable[Face]) -> None:
        """Forgets the lost faces at whose places `faces` are. A new face may be the lost one at
        another place, which must not be kept twice."""
        there = list(faces)
        self.all = [k for k in self.all if not k.is_lost or not _is_taken(k.face, there)]

    def follow(
        self, image: Image, time_s: float, step_s: float, restless: Collection[int] = ()
    ) -> list[Face]:
        """Looks at the faces whose turn it is, and moves the others on.

        Args:
            image: The frame, uint8 (H, W, 3) BGR.
            time_s: The time of the frame.
            step_s: The time since the frame before.
            restless: The keys of faces that are about to get another label.

        Returns:
            The faces that are there.
        """
        faces: list[Face] = []
        kept: list[FollowedFace] = []
        turn = self._choose_turn(time_s, step_s, restless)
        for known in self._in_order():
            if id(known) not in turn:
                moved = self._move_on(image, known, time_s)
                if moved is not None:
                    if not _is_taken(moved[0], faces):
                        faces.append(moved[0])
                        kept.append(moved[1])
                    continue
            waited = not known.is_lost and time_s - known.seen_s > 1.01 * step_s
            place = known.face
            if known.patch is not None and any(known.moved_xy):
                place = known.shift(*known.moved_xy)
            elif waited:
                place = known.extrapolate(time_s)
            sight = self._look(image, known, place, time_s)
            if sight is None or _is_taken(sight.face, faces):
                continue
            if not sight.is_lost:
                faces.append(sight.face)
                if self._pace.has_flow:
                    sight = replace(sight, patch=cut_patch(image, sight.face))
            kept.append(sight)
        self.all = kept
        return faces

    def follow_group(self, frames: Sequence[Frame]) -> list[list[Face]]:
        """Finds the faces in a group of frames that follow each other: surely in the last one, and
        in the others by interpolation where that is safe.

        Args:
            frames: At least one frame.

        Returns:
            The faces of each frame.
        """
        found: list[list[Face]] = [[] for _ in frames]
        kept: list[FollowedFace] = []
        are_few = self._count_there() <= self._few_looks
        for known in self._in_order():
            way, last = self._follow_one(known, frames, are_few=are_few)
            if last is None or (not last.is_lost and _is_taken(last.face, found[-1])):
                last = None
            else:
                kept.append(last)
            for faces, face in zip(found[:-1], way[:-1], strict=True):
                if face is not None and not _is_taken(face, faces):
                    faces.append(face)
            if last is not None and not last.is_lost:
                found[-1].append(last.face)
        self.all = kept
        return found

    def trace_back(self, face: Face, frames: Sequence[Frame]) -> list[Face | None]:
        """Looks for a face in the frames before the one in which it was found, the latest first,
        until a look hardly finds it. Returns its place in each of them, or None."""
        way: list[Face | None] = [None] * len(frames)
        here = face
        for place in reversed(range(len(frames))):
            now = self._search.look_again(frames[place].image, here)
            if now is None or now.score < MIN_TRACED_SHARE * face.score:
                break
            way[place] = here = replace(now, key=face.key)
        return way

    def _in_order(self) -> list[FollowedFace]:
        """Lists the faces, those that were seen last first, because another face may take a lost
        one's place."""
        return sorted(self.all, key=lambda k: (k.is_lost, -k.seen_s))

    def _follow_one(
        self, known: FollowedFace, frames: Sequence[Frame], *, are_few: bool
    ) -> tuple[list[Face | None], FollowedFace | None]:
        """Follows one face through a group of frames. Returns its place in each of them, None where
        it is not there, and the face as it is known at the end; None: it is to be forgotten."""
        image, end_s = frames[-1].image, frames[-1].time_s
        place = known.face
        ahead = known.face if known.is_lost else known.extrapolate(end_s)
        if measure_distance(ahead, known.face) > MIN_AHEAD:
            place = ahead
        now = self._search.look_again(image, place)
        if now is None or now.score < KEEP_SCORE:
            return self._look_at_each(known, frames)
        thumb = glimpse_face(frames[-1].rough_grey, now)
        if known.is_lost:
            last = self._take(image, known, now, end_s)
            if last is None:
                return [None] * len(frames), None
            way = [*self.trace_back(last.face, frames[:-1]), last.face]
            return way, replace(last, thumb=thumb)
        goes_straight = is_steady(known.face, now) or is_steady(ahead, now)
        changed = known.thumb is not None and not looks_alike(known.thumb, thumb)
        if are_few and (changed or not goes_straight):
            return self._look_at_each(known, frames)
        last = self._take(image, known, now, end_s)
        if last is None:
            return self._look_at_each(known, frames)
        span_s = end_s - known.seen_s
        between = [
            interpolate_face(known.face, last.face, (frame.time_s - known.seen_s) / span_s)
            for frame in frames[:-1]
        ]
        if are_few and not all(
            _looks_like_either(glimpse_face(frame.rough_grey, face), known.thumb, thumb)
            for frame, face in zip(frames[:-1], between, strict=True)
        ):
            return self._look_at_each(known, frames)
        return [*between, last.face], replace(last, thumb=thumb)

    def _look_at_each(
        self, known: FollowedFace, frames: Sequence[Frame]
    ) -> tuple[list[Face | None], FollowedFace | None]:
        """Does what `_follow_one` describes, with a look at each frame."""
        way: list[Face | None] = []
        here: FollowedFace | None = known
        for frame in frames:
            if here is not None:
                here = self._look(frame.image, here, here.face, frame.time_s)
            way.append(None if here is None or here.is_lost else here.face)
        if here is not None and not here.is_lost:
            here = replace(here, thumb=glimpse_face(frames[-1].rough_grey, here.face))
        return way, here

    def _look(
        self, image: Image, known: FollowedFace, place: Face, time_s: float
    ) -> FollowedFace | None:
        """Looks for a known face at `place`. Returns the face as it is known now, which may be
        lost; None where it is to be forgotten."""
        now = self._search.look_again(image, place)
        if now is None or now.score < KEEP_SCORE:
            return self._lose(known, time_s)
        return self._take(image, known, now, time_s)

    def _take(
        self, image: Image, known: FollowedFace, now: Face, time_s: float
    ) -> FollowedFace | None:
        """Takes the sight `now` of a known face. Returns None where the face check refuses it."""
        now = replace(now, key=known.face.key)
        share = 1 - math.exp(-(time_s - known.seen_s) / TRUST_S)
        trust = known.trust + share * (now.score - known.trust)
        if trust < TRUSTED and self._search.is_face(image, now):
            trust = 1.0
        if trust < TRUSTED:
            return None
        return FollowedFace(now, time_s, trust, known.measure_velocity_xy(now, time_s))

    def _lose(self, known: FollowedFace, time_s: float) -> FollowedFace | None:
        """Marks a face as lost, and hurries the search. Returns None when the face has been lost
        for too long."""
        if time_s - known.seen_s > WATCH_S:
            return None
        self.hurry_until_s = max(self.hurry_until_s, known.seen_s + WATCH_S)
        return replace(known, is_lost=True)

    def _move_on(
        self, image: Image, known: FollowedFace, time_s: float
    ) -> tuple[Face, FollowedFace] | None:
        """Moves a face on without a look at it. Returns its place, and the face as it is known now;
        None where it has changed, or cannot be moved with the picture as it should be, and is to be
        looked at at once."""
        if not self._pace.has_flow:
            return known.extrapolate(time_s), known
        after = known.patch and cut_patch(image, known.face, known.moved_xy)
        shift = known.patch and after and measure_shift(known.patch, after)
        if shift and not shift.has_changed:
            moved_xy = (shift.x, shift.y)
            return known.shift(*moved_xy), replace(known, moved_xy=moved_xy)
        if self._count_there() <= self._few_looks and time_s - known.seen_s >= self._pace.rest_s:
            return None
        if shift:
            return known.shift(shift.x, shift.y), known
        return known.extrapolate(time_s), known

    def _count_there(self) -> int:
        return sum(not known.is_lost for known in self.all)

    def _choose_turn(self, time_s: float, step_s: float, restless: Collection[int]) -> set[int]:
        """Chooses the known faces to look at in this frame: those whose last look is the longest
        ago, and all lost ones. Returns their `id`s."""
        pace = self._pace
        there = sorted((k for k in self.all if not k.is_lost), key=lambda k: k.seen_s)
        share = min(1.0, step_s / pace.turn_s, pace.most_step_s / pace.turn_s)
        count = max(self._few_looks, math.ceil(len(there) * share))

        def rest_s(known: FollowedFace) -> float:
            is_calm = known.patch is not None and known.face.key not in restless
            return pace.calm_s if is_calm else pace.rest_s

        turn = [k for k in there[:count] if time_s - k.seen_s >= rest_s(k)]
        return {id(known) for known in (*turn, *(k for k in self.all if k.is_lost))}


def _looks_like_either(
    thumb: NDArray[np.uint8], before: NDArray[np.uint8] | None, after: NDArray[np.uint8]
) -> bool:
    return looks_alike(after, thumb) or (before is not None and looks_alike(before, thumb))


def _is_taken(face: Face, faces: Iterable[Face]) -> bool:
    return any(is_same_place(face, other) for other in faces)
