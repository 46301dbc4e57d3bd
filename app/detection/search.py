"""Finds every face of a picture.

First looks at the frame and its tiles give hints (`app.detection.networks`). A nearer look at each
hint, upright, places the landmarks as in training, whatever the size of the face. The face check
judges the aligned crop (`app.detection.face_check`) and refuses most patterns that are no face. The
remaining hints are looked at from near and far; the less sure the face check is of a face, the
better these looks must see it.

The networks sometimes read the mouth and the chin of a face that is upside down as eyes and brow.
So a doubtful face is also looked at the other way up, and is taken that way if it is seen better.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from app.detection.boxes import is_same_look, is_same_place, keep_largest, turn_half
from app.detection.face_check import FaceCheck
from app.detection.networks import FIRST_MARGIN, Glance, NetworkLooks, list_glances
from app.types import Face, Image

# Probabilities of the face check, which is asked after each of two nearer looks.
FIRST_DOUBT = 0.05  # a hint below this after the first look is refused
NO_FACE = 0.2  # a hint below this after the second look is refused
SURE_FACE = 0.9  # a hint whose two answers have this mean is surely a face
# Where both answers of the face check and the mean score of both nearer looks reach these, no other
# look is taken. Four in five of the hints that are surely faces do. Of 1,664 such hints, patterns
# and faces that are upside down have a mean score of at most 0.71.
CLEARLY_A_FACE = 0.98
CLEARLY_SEEN = 0.75
# Mean of the scores of the second nearer look and of one more, from which on no others are taken
# where the face check is sure. Of 1,664 such hints 99 % reach it, of which six looks refuse none.
SEEN_AT_ONCE = 0.6
# Mean score of six looks from near and far that a hint needs where the face check is undecided, and
# how much less it needs for each unit of the mean log-odds of the check's two answers: 0.66 at even
# odds, 0.55 where both answers are 0.9, 0.43 where both are 0.99 (docs/faces.md).
EVEN_SCORE = 0.66
SCORE_PER_LOG_ODDS = 0.05
LEAST_SCORE = 0.3  # however sure the check is
MAX_LOG_ODDS = 9.2  # of the probabilities 0.0001 and 0.9999, where the odds stop to say more
UPRIGHT = 0.85  # from this mean score on, a face is surely not upside down


def compute_needed_score(
    before: float,
    share: float,
    *,
    even_score: float = EVEN_SCORE,
    per_log_odds: float = SCORE_PER_LOG_ODDS,
) -> float:
    """Computes the mean score of six looks that a hint needs to be a face.

    Args:
        before: The face check's answer after the first nearer look, 0 to 1.
        share: Its answer after the second.
        even_score: The score that is needed at even odds.
        per_log_odds: How much less is needed for each unit of the mean log-odds.

    Returns:
        A score, at least `LEAST_SCORE`.

    >>> [round(compute_needed_score(p, p), 2) for p in (0.2, 0.5, 0.9, 1.0)]
    [0.73, 0.66, 0.55, 0.3]
    """
    odds = (_compute_log_odds(before) + _compute_log_odds(share)) / 2
    return max(LEAST_SCORE, even_score - per_log_odds * odds)


def _compute_log_odds(probability: float) -> float:
    if probability <= 0.0 or probability >= 1.0:
        return math.copysign(MAX_LOG_ODDS, probability - 0.5)
    odds = math.log(probability / (1 - probability))
    return max(-MAX_LOG_ODDS, min(MAX_LOG_ODDS, odds))


class SearchResult(NamedTuple):
    """The faces that a search confirmed, the hints that nearer looks refused, and the hints that
    wait for nearer looks."""

    faces: list[Face]
    refused: list[Face]
    waiting: Sequence[Face] = ()


class FaceSearch(NetworkLooks):
    """A search of single pictures for all faces. A context manager, which must not be shared by
    threads.

    Args:
        max_faces: The number of faces to keep, the largest ones; None keeps all.
        far_faces: True adds smaller tiles, which show faces from 3 % of the frame's width on.

    Raises:
        ModelError: A network's file is missing or is no such network.
        DeviceError: The networks cannot run here.
    """

    def __init__(self, *, max_faces: int | None = None, far_faces: bool = False) -> None:
        self.max_faces = max_faces
        self.far_faces = far_faces
        self._check = FaceCheck()
        super().__init__()

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Finds the faces of one picture.

        Args:
            image: uint8 (H, W, 3) BGR. An image without pixels has no faces.

        Returns:
            The faces in px of `image`, the largest first.
        """
        height, width = image.shape[:2]
        if height == 0 or width == 0:
            return ()
        plan = list_glances(width, height, far_faces=self.far_faces)
        return keep_largest(self.search(image, plan).faces, self.max_faces)

    def search(
        self,
        image: Image,
        plan: Iterable[Glance],
        known: Sequence[Face] = (),
        patterns: Sequence[Face] = (),
        *,
        waiting: Sequence[Face] = (),
        most: int | None = None,
    ) -> SearchResult:
        """Searches parts of a picture.

        Args:
            image: uint8 (H, W, 3) BGR.
            plan: The first looks to take.
            known: Faces that are known already. They are not found again.
            patterns: Hints that nearer looks refused, at places that look as they did then.
            waiting: Hints of frames before, which are looked at before new ones.
            most: The number of hints to look at from near, the others wait; None: all.

        Returns:
            The confirmed faces, and what became of the other hints.
        """
        found = _Findings(list(known), list(patterns), most)
        views = list(plan)
        whole = [view for view in views if _shows_whole(view, image)]
        tiles = [view for view in views if not _shows_whole(view, image)]
        hints = self.find_hints(image, whole)
        # Close-ups come first, because the tiles inside of them need not be searched. Of the other
        # hints, those with the highest scores come first, as they cost the fewest looks.
        large = [hint for hint in hints if any(_lies_inside(tile, hint) for tile in tiles)]
        self._look_near(image, (*waiting, *large), found)
        hints += self.find_hints(
            image,
            [tile for tile in tiles if not any(_lies_inside(tile, face) for face in found.known)],
        )
        hints.sort(key=lambda hint: hint.score, reverse=True)
        self._look_near(image, hints, found)
        return SearchResult(found.faces, found.refused, found.waiting)

    def _look_near(self, image: Image, hints: Iterable[Face], found: "_Findings") -> None:
        """Looks at hints from near, and adds to `found` what becomes of them."""
        for hint in hints:
            if found.knows(hint) or any(is_same_look(hint, other) for other in found.judged):
                continue
            if found.left == 0:
                found.waiting.append(hint)
                found.judged.append(hint)
                continue
            found.count_look()
            first = self.look_again(image, hint, margin=FIRST_MARGIN, quick=False)
            if first is not None and found.knows(first):
                continue
            face = None if first is None else self._confirm(image, first)
            if face is None:
                found.refused.append(hint)
                found.judged.append(hint)
            elif not found.knows(face):
                found.add(face)

    @property
    def inference_s(self) -> float:
        """The time in seconds that the networks took, the face check included."""
        return super().inference_s + self._check.inference_s

    def is_face(self, image: Image, face: Face) -> bool:
        """Tells whether the face check is sure of a face in `image`, uint8 (H, W, 3) BGR, whatever
        score the detector gave."""
        return self._check.estimate_probability(image, face) >= SURE_FACE

    def _confirm(self, image: Image, first: Face) -> Face | None:
        """Returns the face that further looks make of what a first nearer look saw; None if it is
        not surely a face."""
        before = self._check.estimate_probability(image, first)
        if before < FIRST_DOUBT:
            return None
        face = self.look_again(image, first, quick=False)
        if face is None or (share := self._check.estimate_probability(image, face)) < NO_FACE:
            return None
        two = (first.score + face.score) / 2
        if min(before, share) >= CLEARLY_A_FACE and two >= CLEARLY_SEEN:
            return replace(face, score=two)
        score = self._measure_score(image, face, before, share)
        if score is None:
            return None
        return self._right_way_up(image, replace(face, score=score), sure=share >= SURE_FACE)

    def _measure_score(self, image: Image, face: Face, before: float, share: float) -> float | None:
        """Returns the mean score of looks at a face from near and far; None if they do not confirm
        it. `before` and `share` are the face check's two answers."""
        if (before + share) / 2 >= SURE_FACE:
            two = (face.score + self.measure_distant_look(image, face)) / 2
            if two >= SEEN_AT_ONCE:
                return two
        needed = compute_needed_score(before, share)
        score = self.measure_certainty(image, face, full_range=False, needed=needed)
        return score if score >= needed else None

    def _right_way_up(self, image: Image, face: Face, *, sure: bool) -> Face | None:
        """Chooses between `face`, whose score is the mean of looks from near and far, and the face
        at its place the other way up. `sure`: the face check is sure of `face`.

        The other face is taken if it is seen better and the face check is sure of it. Returns None
        if the other face is seen better and the face check is sure of neither.
        """
        if face.score >= UPRIGHT:
            return face
        other = self.look_again(image, turn_half(face), quick=False)
        if other is None:
            return face
        is_other = self.is_face(image, other)
        if sure and not is_other:  # however well the other face is seen
            return face
        score = self.measure_certainty(image, other, full_range=False, needed=face.score)
        if score <= face.score:
            return face
        return replace(other, score=score) if is_other else None


class _Findings:
    """The faces and the hints of one search so far.

    `known` are all faces, `faces` the new ones; `judged` are hints that need no nearer look.
    `left` is the number of nearer looks that may still be taken, None for any number.
    """

    def __init__(self, known: list[Face], judged: list[Face], left: int | None) -> None:
        self.known = known
        self.faces: list[Face] = []
        self.refused: list[Face] = []
        self.waiting: list[Face] = []
        self.judged = judged
        self.left = left

    def knows(self, face: Face) -> bool:
        """Tells whether a face at this place is known."""
        return any(is_same_place(face, other) for other in self.known)

    def add(self, face: Face) -> None:
        """Adds a new face."""
        self.faces.append(face)
        self.known.append(face)

    def count_look(self) -> None:
        """Takes one of the hints that may be looked at from near."""
        if self.left is not None:
            self.left -= 1


def _shows_whole(view: Glance, image: Image) -> bool:
    """Tells whether a first look shows the whole of an image, uint8 (H, W, 3)."""
    height, width = image.shape[:2]
    return view.box_xyxy == (0.0, 0.0, float(width), float(height))


def _lies_inside(view: Glance, face: Face) -> bool:
    """Tells whether a first look shows nothing but parts of a face."""
    x0, y0, x1, y1 = face.box_xyxy
    left, top, right, bottom = view.box_xyxy
    return x0 <= left and y0 <= top and x1 >= right and y1 >= bottom
