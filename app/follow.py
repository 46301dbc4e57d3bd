"""Finds faces in a stream of frames: near where they were, and everywhere every so often.

A face that is known costs one short look at the place where it was. The rest of the frame is gone
through glance by glance, so that a search of all of it does not hold up one frame: a round takes
`search_s`, and a tenth of that as long as nobody is known or somebody was just lost.
"""

import math
from dataclasses import dataclass
from typing import Protocol

from app.search import KEEP_SCORE, Glance, glances, largest, same_place
from app.types import Face, Image

HURRY = 10  # rounds in the time of one
MOST_GLANCES = 3  # in a frame: a slow machine must not fall further behind
WATCH_S = 1.0  # how long the place of a lost face is looked at
# A pattern once taken for a face is not kept for long: the mean score over a while decides.
TRUST_S, TRUSTED = 0.5, 0.5
MAX_STEP_S = 1.0  # a longer pause between frames is a cut


class Looker(Protocol):
    """What `app.search.FaceSearch` does of it."""

    max_faces: int | None
    far_faces: bool

    def search(self, image: Image, plan: list[Glance], known: list[Face]) -> list[Face]: ...

    def look_again(self, image: Image, face: Face) -> Face | None: ...


@dataclass(frozen=True, slots=True)
class Followed:
    """A face where it was last seen, and the mean of its scores over the last `TRUST_S`."""

    face: Face
    seen_s: float
    trust: float


class Follower:
    """`find(image, time_s)` for the frames of one stream, in order; times are the frames' own, so
    a file gives the same faces each time. `reset` (or time running backwards, a pause, or frames
    of another size) forgets everybody and begins with the frame as a whole."""

    def __init__(self, search: Looker, *, search_s: float = 0.5) -> None:
        if search_s < 0:
            raise ValueError("search_s is a time of at least 0 seconds")
        self._search = search
        self._search_s = search_s
        self._size_wh = (0, 0)
        self.reset()

    def reset(self) -> None:
        self._known: list[Followed] = []
        self._time_s = -math.inf
        self._hurry_until_s = -math.inf
        self._next = 0  # glance of the plan
        self._due = 0.0  # glances, the part of one included

    def find(self, image: Image, time_s: float) -> tuple[Face, ...]:
        """Faces of `image (H, W, 3)` uint8 BGR at `time_s`, largest first."""
        height, width = image.shape[:2]
        if height == 0 or width == 0:
            return ()
        step_s = time_s - self._time_s
        if (width, height) != self._size_wh or not 0 <= step_s <= MAX_STEP_S:
            self.reset()
            self._size_wh = (width, height)
            step_s = step_s if step_s > MAX_STEP_S else math.inf
        self._time_s = time_s
        faces = self._follow(image, time_s)
        plan = self._plan(step_s, time_s, anybody=bool(faces))
        for face in self._search.search(image, plan, faces):
            self._known.append(Followed(face, time_s, face.score))
            faces.append(face)
        # A new face may be the lost one at another place: nobody is kept twice.
        self._known = [
            k
            for k in self._known
            if k.seen_s == time_s or not any(same_place(k.face, face) for face in faces)
        ]
        return largest(faces, self._search.max_faces)

    def _follow(self, image: Image, time_s: float) -> list[Face]:
        """Looks where each known face was. Those seen there are returned."""
        faces: list[Face] = []
        kept: list[Followed] = []
        # Who was seen last comes first: a lost face's place may be taken by another.
        for known in sorted(self._known, key=lambda k: k.seen_s, reverse=True):
            now = self._search.look_again(image, known.face)
            if now is not None and now.score < KEEP_SCORE:
                now = None
            if now is not None and any(same_place(now, face) for face in faces):
                continue
            if now is not None:
                share = 1 - math.exp(-(time_s - known.seen_s) / TRUST_S)
                trust = known.trust + share * (now.score - known.trust)
                if trust >= TRUSTED:
                    faces.append(now)
                    kept.append(Followed(now, time_s, trust))
            elif time_s - known.seen_s <= WATCH_S:
                kept.append(known)
                if self._hurry_until_s < known.seen_s + WATCH_S:
                    self._hurry_until_s = known.seen_s + WATCH_S
                    self._next = 0  # with the whole frame
        self._known = kept
        return faces

    def _plan(self, step_s: float, time_s: float, *, anybody: bool) -> list[Glance]:
        """The glances that are due in this frame."""
        width, height = self._size_wh
        plan = glances(width, height, far_faces=self._search.far_faces)
        hurry = not anybody or time_s <= self._hurry_until_s
        round_s = self._search_s / HURRY if hurry else self._search_s
        share = min(1.0, step_s / round_s) if round_s > 0 else 1.0
        slow = MAX_STEP_S < step_s < math.inf  # frames this far apart leave time for all of it
        most = len(plan) if slow else min(MOST_GLANCES, len(plan))
        self._due = min(self._due + share * len(plan), float(most))
        count = int(self._due)
        self._due -= count
        chosen = [plan[(self._next + i) % len(plan)] for i in range(count)]
        self._next = (self._next + count) % len(plan)
        return chosen
