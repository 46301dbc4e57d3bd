"""Finds every face of a picture.

First looks at the frame and its tiles give hints (`app.detection.networks`). A nearer look at each
hint, upright, places the landmarks as in training, whatever the size of the face. The face check
judges the aligned crop (`app.detection.face_check`) and refuses most patterns that are no face. The
remaining hints are looked at from near and far; where the face check is unsure, more of these looks
must agree.

The networks sometimes read the mouth and the chin of a face that is upside down as eyes and brow.
So a doubtful face is also looked at the other way up, and is taken that way if it is seen better.
"""

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
# Mean scores of six more looks from near and far. Patterns reach 0.73, most faces have 0.85.
SURELY_SEEN = 0.35  # needed where the face check is sure
SEEN = 0.66  # needed where the face check is not sure
WELL_SEEN = 0.75  # below this, where the check is not sure, the other network has to agree
AGREED = 0.4  # mean score of the other network's looks with which it agrees
UPRIGHT = 0.85  # from this mean score on, a face is surely not upside down


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
        faces: list[Face] = []
        refused: list[Face] = []
        left: list[Face] = []
        asked = 0
        for hint in (*waiting, *self.find_hints(image, plan)):
            if any(is_same_place(hint, face) for face in (*known, *faces)):
                continue
            if any(is_same_look(hint, other) for other in (*patterns, *refused, *left)):
                continue
            if most is not None and asked >= most:
                left.append(hint)
                continue
            asked += 1
            face = self._confirm(image, hint)
            if face is None:
                refused.append(hint)
            elif not any(is_same_place(face, f) for f in (*known, *faces)):
                faces.append(face)
        return SearchResult(faces, refused, left)

    @property
    def inference_s(self) -> float:
        """The time in seconds that the networks took, the face check included."""
        return super().inference_s + self._check.inference_s

    def is_face(self, image: Image, face: Face) -> bool:
        """Tells whether the face check is sure of a face in `image`, uint8 (H, W, 3) BGR, whatever
        score the detector gave."""
        return self._check.estimate_probability(image, face) >= SURE_FACE

    def _confirm(self, image: Image, hint: Face) -> Face | None:
        """Returns the face that nearer looks make of a hint; None if it is not surely a face."""
        first = self.look_again(image, hint, margin=FIRST_MARGIN, quick=False)
        if (
            first is None
            or (before := self._check.estimate_probability(image, first)) < FIRST_DOUBT
        ):
            return None
        face = self.look_again(image, first, quick=False)
        if face is None or (share := self._check.estimate_probability(image, face)) < NO_FACE:
            return None
        sure = (before + share) / 2 >= SURE_FACE
        needed = SURELY_SEEN if sure else SEEN
        score = self.measure_certainty(image, face, full_range=False, needed=needed)
        if score < needed:
            return None
        agreed = sure or score >= WELL_SEEN
        if not agreed:
            agreed = self.measure_certainty(image, face, full_range=True, needed=AGREED) >= AGREED
        return self._right_way_up(image, replace(face, score=score)) if agreed else None

    def _right_way_up(self, image: Image, face: Face) -> Face | None:
        """Chooses between `face`, whose score is the mean of looks from near and far, and the face
        at its place the other way up.

        The other face is taken if it is seen better and the face check is sure of it. Returns None
        if the other face is seen better and the face check is sure of neither.
        """
        if face.score >= UPRIGHT:
            return face
        other = self.look_again(image, turn_half(face), quick=False)
        if other is None:
            return face
        score = self.measure_certainty(image, other, full_range=False, needed=face.score)
        if score <= face.score:
            return face
        if self.is_face(image, other):
            return replace(other, score=score)
        return face if self.is_face(image, face) else None
