"""Finds the faces of a stream, frame by frame: near where they were, and from time to time
everywhere.

A known face costs one short look at its last place. The rest of the frame is searched view by view,
so that no frame waits for a search of all views. A round of all views takes `search_s` where
everything changes, and longer where little does (`app.detection.view_schedule`). A round takes much
less time at the beginning, while no face is known, and after a face was lost. The first frame of a
file is searched as a whole.

The known faces are looked at as `app.detection.known_faces` says.

A live stream must not fall behind (`app.detection.pace`). There, the work on one frame is bounded,
however late the frame comes; faces rest while frames follow each other fast, and a crowd is looked
at less often where frames come late.

Each face gets a key (`Face.key`), which stays the same as long as looks find the face again. Later
stages go by the key where they ask whether a face is one of the frame before.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.detection.boxes import is_same_place, keep_largest
from app.detection.followed_face import FollowedFace
from app.detection.glimpses import glimpse_frame, show_different_scenes
from app.detection.known_faces import FEW_LOOKS, KnownFaces
from app.detection.networks import Glance, list_glances
from app.detection.pace import FILE_PACE, Pace
from app.detection.ports import FaceLooker
from app.detection.refused_hints import RefusedHints
from app.detection.view_schedule import ViewSchedule
from app.stage_state import SavedState, State, dump_array, dump_face, load_array, load_face
from app.types import Face, Frame, Image

SEARCH_S = 1.0  # a round of the search
HURRIED_S = 0.2  # a round while no face is known, or after one was lost
MAX_GLANCES = 3  # views searched in a frame, so that a slow machine does not fall further behind
MAX_NEW_HINTS = 4  # hints looked at from near in a frame of a live stream
WAIT_S = 3.0  # a hint that waited longer for its nearer look has moved, and is dropped
MAX_STEP_S = 1.0  # a longer step between frames is a cut


class Follower:
    """Follows the faces of one stream, whose frames are given to `find` in order.

    Times are those of the frames, so a file gives the same faces each time. A time that runs
    backwards, a step of more than `MAX_STEP_S` and a frame of another size are cuts: all faces are
    forgotten, as after `reset`.

    Args:
        search: The search for new faces.
        search_s: The time in seconds, at least 0, of a round of all views.
        few_looks: The number of faces that are looked at in every frame; more take turns.
        pace: The amount of work that one frame may take.

    Raises:
        ValueError: `search_s` is no such time.
    """

    def __init__(
        self,
        search: FaceLooker,
        *,
        search_s: float = SEARCH_S,
        few_looks: int = FEW_LOOKS,
        pace: Pace = FILE_PACE,
    ) -> None:
        if search_s < 0:
            raise ValueError(f"search_s is a time of at least 0 seconds, got {search_s}")
        self._pace = pace
        self._known = KnownFaces(search, few_looks=few_looks, pace=pace)
        self._search = search
        self._search_s = search_s
        self._size_wh = (0, 0)
        self._patterns = RefusedHints()
        self._rounds = ViewSchedule()
        self._next_key = 1  # no key is given twice, not even after a reset
        self.reset()

    def reset(self) -> None:
        """Forgets all faces. The next frame is searched from the beginning."""
        self._known.clear()
        self._waiting: list[tuple[Face, float]] = []  # hints, and the times of their first looks
        self._patterns.clear()
        self._rounds.restart()
        self._time_s = -math.inf
        self._glimpse: NDArray[np.uint8] | None = None  # of the last frame of a group
        self._due = 0.0  # views that are due; the fraction is kept for the next frame

    def state(self) -> State:
        """Returns all that the next frame's faces depend on but the frame itself."""
        return {
            "known": [one.state() for one in self._known.all],
            "waiting": [[dump_face(hint), float(since_s)] for hint, since_s in self._waiting],
            "patterns": self._patterns.state(),
            "size_wh": list(self._size_wh),
            "time_s": self._time_s,
            "hurry_until_s": float(self._known.hurry_until_s),
            "rounds": self._rounds.state(),
            "glimpse": None if self._glimpse is None else dump_array(self._glimpse),
            "due": float(self._due),
            "next_key": self._next_key,
        }

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._next_key = int(state.get("next_key", 1))
        self._known.clear()
        for known in map(FollowedFace.load, state["known"]):
            if known.face.key is None:  # of a state that was kept before faces had keys
                known = replace(known, face=self._give_key(known.face))
            self._known.all.append(known)
        self._waiting = [(load_face(hint), float(since_s)) for hint, since_s in state["waiting"]]
        self._patterns.restore(state["patterns"])
        width, height = state["size_wh"]
        self._size_wh = (int(width), int(height))
        self._time_s = float(state["time_s"])
        self._known.hurry_until_s = float(state["hurry_until_s"])
        self._rounds.restore(state["rounds"])
        glimpse = state.get("glimpse")
        self._glimpse = None if glimpse is None else load_array(glimpse)
        self._due = float(state["due"])

    def find(self, image: Image, time_s: float, restless: Collection[int] = ()) -> tuple[Face, ...]:
        """Finds the faces of the next frame.

        Args:
            image: The frame, uint8 (H, W, 3) BGR. A frame without pixels has no faces.
            time_s: The time of the frame in seconds.
            restless: The keys of faces that are about to get another label. A live stream's other
                faces rest longer after a look.

        Returns:
            The faces in px of the frame, the largest first, each with its key.
        """
        height, width = image.shape[:2]
        if height == 0 or width == 0:
            return ()
        step_s = self._begin(image, time_s)
        hurried_s = self._known.hurry_until_s
        faces = self._known.follow(image, time_s, step_s, restless)
        self._search_rest(image, faces, step_s, time_s, hurried_s)
        return keep_largest(faces, self._search.max_faces)

    def find_group(self, frames: Sequence[Frame]) -> list[tuple[Face, ...]]:
        """Finds the faces of the next frames of a file at once, with fewer looks than `find` takes
        for each of them (`app.detection.known_faces`).

        Args:
            frames: The frames. Their images are asked for only where a look is needed.

        Returns:
            The faces of each frame, as `find` returns them.
        """
        times_s = [self._time_s, *(frame.time_s for frame in frames)]
        sizes_wh = {frame.size_wh for frame in frames} | {self._size_wh}
        is_cut = any(not 0 < b - a <= MAX_STEP_S for a, b in pairwise(times_s))
        is_cut = is_cut or len(sizes_wh) > 1 or self._is_cut_within(frames)
        if len(frames) < 2 or is_cut:
            return [self.find(frame.image, frame.time_s) for frame in frames]
        image, time_s = frames[-1].image, frames[-1].time_s
        step_s = self._begin(image, time_s)
        hurried_s = self._known.hurry_until_s
        found = self._known.follow_group(frames)
        known = len(found[-1])
        self._search_rest(image, found[-1], step_s, time_s, hurried_s, len(frames))
        for face in found[-1][known:]:
            for faces, before in zip(
                found[:-1], self._known.trace_back(face, frames[:-1]), strict=True
            ):
                if before is not None and not any(is_same_place(before, one) for one in faces):
                    faces.append(before)
        return [keep_largest(faces, self._search.max_faces) for faces in found]

    def _is_cut_within(self, frames: Sequence[Frame]) -> bool:
        """Tells whether a cut lies between the frames of a group, or before the first one."""
        glimpses = [glimpse_frame(frame.rough_grey) for frame in frames]
        before, self._glimpse = self._glimpse, glimpses[-1]
        pairs = pairwise(glimpses if before is None else [before, *glimpses])
        return any(show_different_scenes(one, other) for one, other in pairs)

    def _begin(self, image: Image, time_s: float) -> float:
        """Begins a frame, after a cut anew. Returns the time since the frame before."""
        size_wh = image.shape[1], image.shape[0]
        step_s = time_s - self._time_s
        if size_wh != self._size_wh or not 0 <= step_s <= MAX_STEP_S:
            self.reset()
            self._size_wh = size_wh
            step_s = math.inf
        self._time_s = time_s
        return step_s

    def _search_rest(
        self,
        image: Image,
        faces: list[Face],
        step_s: float,
        time_s: float,
        hurried_s: float,
        frames: int = 1,
    ) -> None:
        """Searches for further faces and adds them to `faces`. `hurried_s` is the time until which
        the search hurried before this frame; `frames` counts the frames that this one stands
        for."""
        if self._known.hurry_until_s > hurried_s:  # a face was lost in this frame
            self._rounds.restart()  # with the whole frame
        plan = self._plan(image, faces, step_s, time_s, frames)
        if plan or self._waiting:
            self._find_new(image, plan, faces, time_s)
        self._known.drop_lost_at(faces)

    def _find_new(self, image: Image, plan: list[Glance], faces: list[Face], time_s: float) -> None:
        """Searches the views of `plan` and looks at waiting hints. Adds new faces to `faces` and to
        the known ones."""
        waiting = [(hint, since_s) for hint, since_s in self._waiting if time_s - since_s <= WAIT_S]
        found = self._search.search(
            image,
            plan,
            faces,
            self._patterns.find_unchanged(image, time_s),
            waiting=[hint for hint, _ in waiting],
            most=None if self._pace.is_immediate or self._pace.is_thorough else MAX_NEW_HINTS,
        )
        self._patterns.remember(image, found.refused, time_s)
        for face in map(self._give_key, found.faces):
            self._known.add(face, time_s)
            faces.append(face)
        since = {id(hint): since_s for hint, since_s in waiting}
        self._waiting = [(hint, since.get(id(hint), time_s)) for hint in found.waiting]

    def _give_key(self, face: Face) -> Face:
        self._next_key += 1
        return replace(face, key=self._next_key - 1)

    def _plan(
        self, image: Image, faces: Sequence[Face], step_s: float, time_s: float, frames: int
    ) -> list[Glance]:
        """Chooses the views to search in this frame."""
        width, height = self._size_wh
        plan = list_glances(width, height, far_faces=self._search.far_faces)
        begun = not self._rounds.is_round_over(plan)
        hurry = not faces or begun or time_s <= self._known.hurry_until_s
        round_s = min(HURRIED_S, self._search_s) if hurry else self._search_s
        share = min(1.0, step_s / round_s) if round_s > 0 else 1.0
        whole = self._pace.is_thorough or (self._pace.is_immediate and step_s == math.inf)
        most = len(plan) if whole else min(MAX_GLANCES * frames, len(plan))
        self._due = min(self._due + share * len(plan), float(most))
        chosen = self._rounds.choose_views(
            image,
            plan,
            min(int(self._due), math.ceil(share * len(plan))),
            time_s=time_s,
            round_s=0.0 if hurry or self._pace.is_thorough else self._search_s,
            known=faces,
        )
        self._due -= len(chosen)
        return chosen
