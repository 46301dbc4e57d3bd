"""Finds faces in a stream of frames: near where they were, and everywhere every so often.

A face that is known costs one short look at the place where it was. The rest of the frame is gone
through glance by glance, so that a search of all of it does not hold up one frame: a round takes
`search_s` where all of it changes, and longer where little does (`app.detection.view_schedule`); it
takes much less at the beginning, as long as nobody is known, and when somebody was just lost. The
first frame of a file is searched whole. More than a few faces are looked at in turns, each at least
ten times a second, and moved on in between. What is live must not fall behind (`Pace`): there, all
that is done in one frame is bounded, however late it comes; faces rest in frames that follow each
other fast, and a crowd is looked at less often where frames are late.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from app.detection.boxes import find_centre, is_same_place, keep_largest
from app.detection.networks import Glance, list_glances
from app.detection.refused_hints import RefusedHints
from app.detection.search import SearchResult
from app.detection.view_schedule import ViewSchedule
from app.stage_state import SavedState, State, dump_face, load_face
from app.types import Face, Image

SEARCH_S, HURRIED_S = 1.0, 0.2  # a round of the search, and one in a hurry
MOST_GLANCES = 3  # in a frame: a slow machine must not fall further behind
MOST_NEW = 4  # so many possible faces are looked at from near in a frame of what is live
WAIT_S = 3.0  # what could not be looked at from near by then has moved
WATCH_S = 1.0  # how long the place of a lost face is looked at
# A pattern once taken for a face is not kept for long: where the mean score over a while is low, it
# is asked again whether it is one.
TRUST_S, TRUSTED = 0.5, 0.5
KEEP_SCORE = 0.3  # of the look at a face that is known
MAX_STEP_S = 1.0  # a longer pause between frames is a cut
FEW_LOOKS, LOOK_S = 3, 0.1  # so many faces are looked at in every frame, more at least that often


@dataclass(frozen=True, slots=True)
class Pace:
    """How often known faces are looked at. After a look a face rests for `rest_s`. Turns are shared
    out as if frames were at most `most_step_s` apart: those that are later hold no more work, or
    they would be later still. `thorough`: all of the frame is searched within `search_s`, whether
    or not it changes, however few frames that is. `at_once`: the first frame, and one after a cut,
    is searched whole, and all that may be a face is looked at from near in the same frame. Else
    there are at most `MOST_GLANCES` and `MOST_NEW` of these in a frame, and the others wait."""

    rest_s: float = 0.0
    most_step_s: float = math.inf
    thorough: bool = False
    at_once: bool = True

    def __post_init__(self) -> None:
        if not (self.rest_s >= 0 and self.most_step_s > 0):
            raise ValueError("rest_s is a time of at least 0 seconds, most_step_s of more")


FILE_PACE = Pace()
# Of 30 frames a second each face is looked at in every one, of 60 in half.
LIVE_PACE = Pace(rest_s=0.025, most_step_s=1 / 30, at_once=False)


class FaceLooker(Protocol):
    """What `app.detection.search.FaceSearch` does of it."""

    max_faces: int | None
    far_faces: bool

    def search(
        self,
        image: Image,
        plan: list[Glance],
        known: Sequence[Face],
        patterns: Sequence[Face],
        *,
        waiting: Sequence[Face],
        most: int | None,
    ) -> SearchResult: ...

    def look_again(self, image: Image, face: Face) -> Face | None: ...

    def is_face(self, image: Image, face: Face) -> bool: ...


@dataclass(frozen=True, slots=True)
class FollowedFace:
    """A face where it was last seen, and the mean of its scores over the last `TRUST_S`.
    `velocity_xy` in px/s; `lost`: the last look did not find it."""

    face: Face
    seen_s: float
    trust: float
    velocity_xy: tuple[float, float] = (0.0, 0.0)
    lost: bool = False

    def extrapolate(self, time_s: float) -> Face:
        """Where it should be then, not having been looked at."""
        step_s = time_s - self.seen_s
        x, y = self.velocity_xy[0] * step_s, self.velocity_xy[1] * step_s
        x0, y0, x1, y1 = self.face.box_xyxy
        return Face(
            (x0 + x, y0 + y, x1 + x, y1 + y),
            self.face.landmarks + np.array((x, y), np.float32),
            self.face.score,
            seen=False,
            key=self.face.key,
        )


class Follower:
    """`find(image, time_s)` for the frames of one stream, in order; times are the frames' own, so
    a file gives the same faces each time. `reset` (or time running backwards, a pause, or frames
    of another size) forgets everybody and begins with the frame as a whole. More faces than
    `few_looks` are looked at in turns."""

    def __init__(
        self,
        search: FaceLooker,
        *,
        search_s: float = SEARCH_S,
        few_looks: int = FEW_LOOKS,
        pace: Pace = FILE_PACE,
    ) -> None:
        if search_s < 0:
            raise ValueError("search_s is a time of at least 0 seconds")
        self._few_looks = few_looks
        self._pace = pace
        self._search = search
        self._search_s = search_s
        self._size_wh = (0, 0)
        self._patterns = RefusedHints()
        self._rounds = ViewSchedule()
        self._next_key = 1  # no key is given twice, not even after a reset
        self.reset()

    def reset(self) -> None:
        self._known: list[FollowedFace] = []
        self._waiting: list[tuple[Face, float]] = []  # hints, and when they were found
        self._patterns.clear()
        self._rounds.restart()
        self._time_s = -math.inf
        self._hurry_until_s = -math.inf
        self._due = 0.0  # glances, the part of one included

    def state(self) -> State:
        return {
            "known": [
                {
                    "face": dump_face(one.face),
                    "seen_s": float(one.seen_s),
                    "trust": float(one.trust),
                    "velocity_xy": [float(value) for value in one.velocity_xy],
                    "lost": one.lost,
                }
                for one in self._known
            ],
            "waiting": [[dump_face(hint), float(since_s)] for hint, since_s in self._waiting],
            "patterns": self._patterns.state(),
            "size_wh": list(self._size_wh),
            "time_s": self._time_s,
            "hurry_until_s": float(self._hurry_until_s),
            "rounds": self._rounds.state(),
            "due": float(self._due),
            "next_key": self._next_key,
        }

    def restore(self, state: SavedState) -> None:
        self._next_key = int(state.get("next_key", 1))
        known = []
        for one in state["known"]:
            x, y = (float(value) for value in one["velocity_xy"])
            face, seen_s = load_face(one["face"]), float(one["seen_s"])
            if face.key is None:  # of a state that was kept before faces had keys
                face = self._give_key(face)
            known.append(FollowedFace(face, seen_s, float(one["trust"]), (x, y), bool(one["lost"])))
        self._known = known
        self._waiting = [(load_face(hint), float(since_s)) for hint, since_s in state["waiting"]]
        self._patterns.restore(state["patterns"])
        width, height = state["size_wh"]
        self._size_wh = (int(width), int(height))
        self._time_s = float(state["time_s"])
        self._hurry_until_s = float(state["hurry_until_s"])
        self._rounds.restore(state["rounds"])
        self._due = float(state["due"])

    def find(self, image: Image, time_s: float) -> tuple[Face, ...]:
        """Faces of `image (H, W, 3)` uint8 BGR at `time_s`, largest first."""
        height, width = image.shape[:2]
        if height == 0 or width == 0:
            return ()
        step_s = time_s - self._time_s
        if (width, height) != self._size_wh or not 0 <= step_s <= MAX_STEP_S:
            self.reset()
            self._size_wh = (width, height)
            step_s = math.inf
        self._time_s = time_s
        faces = self._follow(image, time_s, step_s)
        plan = self._plan(image, faces, step_s, time_s)
        if plan or self._waiting:
            self._find_new(image, plan, faces, time_s)
        # A new face may be the lost one at another place: nobody is kept twice.
        self._known = [
            k
            for k in self._known
            if not k.lost or not any(is_same_place(k.face, face) for face in faces)
        ]
        return keep_largest(faces, self._search.max_faces)

    def _find_new(self, image: Image, plan: list[Glance], faces: list[Face], time_s: float) -> None:
        """Adds to `faces`, and to those that are known, who is found in the views of `plan` or was
        waiting."""
        waiting = [(hint, since_s) for hint, since_s in self._waiting if time_s - since_s <= WAIT_S]
        found = self._search.search(
            image,
            plan,
            faces,
            self._patterns.find_unchanged(image, time_s),
            waiting=[hint for hint, _ in waiting],
            most=None if self._pace.at_once or self._pace.thorough else MOST_NEW,
        )
        self._patterns.remember(image, found.refused, time_s)
        for face in map(self._give_key, found.faces):
            self._known.append(FollowedFace(face, time_s, max(TRUSTED, face.score)))
            faces.append(face)
        since = {id(hint): since_s for hint, since_s in waiting}
        self._waiting = [(hint, since.get(id(hint), time_s)) for hint in found.waiting]

    def _give_key(self, face: Face) -> Face:
        self._next_key += 1
        return replace(face, key=self._next_key - 1)

    def _follow(self, image: Image, time_s: float, step_s: float) -> list[Face]:
        """Looks where known faces were, or moves them on. Those that are there are returned."""
        faces: list[Face] = []
        kept: list[FollowedFace] = []
        turn = self._turn(time_s, step_s)
        # Who was seen last comes first: a lost face's place may be taken by another.
        for known in sorted(self._known, key=lambda k: (k.lost, -k.seen_s)):
            if id(known) not in turn:
                here = known.extrapolate(time_s)
                if not any(is_same_place(here, face) for face in faces):
                    faces.append(here)
                    kept.append(known)
                continue
            waited = not known.lost and time_s - known.seen_s > 1.01 * step_s
            now = self._search.look_again(
                image, known.extrapolate(time_s) if waited else known.face
            )
            if now is not None and now.score < KEEP_SCORE:
                now = None
            if now is not None and any(is_same_place(now, face) for face in faces):
                continue
            if now is not None:
                now = replace(now, key=known.face.key)
                share = 1 - math.exp(-(time_s - known.seen_s) / TRUST_S)
                trust = known.trust + share * (now.score - known.trust)
                if trust < TRUSTED and self._search.is_face(image, now):
                    trust = 1.0
                if trust >= TRUSTED:
                    faces.append(now)
                    kept.append(FollowedFace(now, time_s, trust, _velocity(known, now, time_s)))
            elif time_s - known.seen_s <= WATCH_S:
                kept.append(replace(known, lost=True))
                if self._hurry_until_s < known.seen_s + WATCH_S:
                    self._hurry_until_s = known.seen_s + WATCH_S
                    self._rounds.restart()  # with the whole frame
        self._known = kept
        return faces

    def _turn(self, time_s: float, step_s: float) -> set[int]:
        """`id`s of the known faces that are looked at in this frame: those that were not for the
        longest time, and the lost ones."""
        there = sorted((k for k in self._known if not k.lost), key=lambda k: k.seen_s)
        share = min(1.0, step_s / LOOK_S, self._pace.most_step_s / LOOK_S)
        count = max(self._few_looks, math.ceil(len(there) * share))
        turn = [k for k in there[:count] if time_s - k.seen_s >= self._pace.rest_s]
        return {id(known) for known in (*turn, *(k for k in self._known if k.lost))}

    def _plan(
        self, image: Image, faces: Sequence[Face], step_s: float, time_s: float
    ) -> list[Glance]:
        """The glances that are due in this frame."""
        width, height = self._size_wh
        plan = list_glances(width, height, far_faces=self._search.far_faces)
        begun = not self._rounds.is_round_over(plan)
        hurry = not faces or begun or time_s <= self._hurry_until_s
        round_s = min(HURRIED_S, self._search_s) if hurry else self._search_s
        share = min(1.0, step_s / round_s) if round_s > 0 else 1.0
        whole = self._pace.thorough or (self._pace.at_once and step_s == math.inf)
        most = len(plan) if whole else min(MOST_GLANCES, len(plan))
        self._due = min(self._due + share * len(plan), float(most))
        chosen = self._rounds.choose_views(
            image,
            plan,
            min(int(self._due), math.ceil(share * len(plan))),
            time_s=time_s,
            round_s=0.0 if hurry or self._pace.thorough else self._search_s,
            known=faces,
        )
        self._due -= len(chosen)
        return chosen


def _velocity(before: FollowedFace, now: Face, time_s: float) -> tuple[float, float]:
    """In px/s, from one sight of a face to the next."""
    step_s = time_s - before.seen_s
    if step_s <= 0 or before.lost:
        return (0.0, 0.0)
    (x0, y0), (x1, y1) = find_centre(before.face), find_centre(now)
    return ((x1 - x0) / step_s, (y1 - y0) / step_s)
