"""Finds every face of a picture.

Whatever one of MediaPipe's networks takes for a face at a first look (`app.detection.networks`) is
looked at again, upright and near, which places the landmarks as in training, whatever the size of
the face. A small network of our own judges its crop (`app.detection.face_check`), which ends most
patterns. What is left is looked at from near and far, and where the check is unsure, more of these
must agree. A face that is seen better the other way up is taken that way: the networks now and then
read mouth and chin of one that is upside down as eyes and brow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from app.detection.boxes import is_same_look, is_same_place, keep_largest, turn_half
from app.detection.face_check import FaceCheck
from app.detection.networks import FIRST_MARGIN, Glance, NetworkLooks, list_glances
from app.types import Face, Image

# Probabilities of the face check: after the first of two nearer looks, what is under the first is
# dropped; after the second, under the second; a mean of both from the third on is a face.
FIRST_DOUBT, NO_FACE, SURE_FACE = 0.05, 0.2, 0.9
# Mean score of six more looks. What the check is sure of needs the first, all else the second;
# under the third the other network's looks must agree. Patterns reach 0.73, most faces have 0.85.
SURELY_SEEN, SEEN, WELL_SEEN, AGREED = 0.35, 0.66, 0.75, 0.4


UPRIGHT = 0.85  # mean score of looks at faces that are surely not upside down


class SearchResult(NamedTuple):
    """What a search found: faces, hints that nearer looks refused, and hints that wait for such
    looks."""

    faces: list[Face]
    refused: list[Face]
    waiting: Sequence[Face] = ()


class FaceSearch(NetworkLooks):
    """All faces of single pictures. `far_faces` adds smaller tiles, for faces from 3 % of the
    frame's width on; `max_faces` keeps the largest."""

    def __init__(self, *, max_faces: int | None = None, far_faces: bool = False) -> None:
        self.max_faces = max_faces
        self.far_faces = far_faces
        self._check = FaceCheck()
        super().__init__()

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Faces of `image (H, W, 3)` uint8 BGR, largest first. An image without pixels has none."""
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
        """Confirmed faces in the glances of `plan`, without those that are `known`. `patterns` are
        hints that nearer looks refused, at places that look as they did then. `waiting` are hints
        of frames before, which come first; at most `most` hints (None: all) are looked at from
        near, the others wait."""
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
        """With the check's."""
        return super().inference_s + self._check.inference_s

    def is_face(self, image: Image, face: Face) -> bool:
        """Whether a face that is followed still is one, whatever the detector's score."""
        return self._check.estimate_probability(image, face) >= SURE_FACE

    def _confirm(self, image: Image, hint: Face) -> Face | None:
        """The face that nearer looks make of a hint; None where it is none, or that is not sure."""
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
        """`face`, whose score is the mean of looks from near and far, or the face that is there the
        other way up, if that is seen better and is a sure face; None where neither is a sure
        face."""
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
