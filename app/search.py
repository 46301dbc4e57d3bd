"""Finds every face of a picture, with both of MediaPipe's networks.

The short-range network reads 128 x 128 pixels and needs a face that fills a sixth of them; the
full-range one reads 192 x 192, sees smaller faces, places them coarsely and misses close-ups. So a
search shows the whole frame to both and tiles of it to the faster one, and whatever any of them
takes for a face is looked at again, upright and near. That nearer look decides: it places the
landmarks as in training, whatever the size of the face, and what it does not confirm is dropped.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from app.detector import FULL_RANGE, SHORT_RANGE, Detector
from app.types import Face, Image
from app.views import View, face_view, part_view, render, tiles

SHORT_SIDE_PX, FULL_SIDE_PX = 128, 192  # what the networks read
# A first look only has to raise a suspicion, which the second one must strengthen.
HINT_SCORE, FIRST_SCORE = 0.25, 0.4
# Mean score of all nearer looks: patterns reach 0.73, most faces have 0.85. Between these two, the
# other network's looks must agree.
SURE_SCORE, FACE_SCORE, AGREED_SCORE = 0.75, 0.66, 0.4
KEEP_SCORE = 0.3  # of the look at a face that is known
# Tiles as shares of the frame's longer side: 480 and 240 px in 1280 x 720.
TILE, TILE_OVERLAP = 0.375, 0.1
FAR_TILE, FAR_OVERLAP = 0.1875, 0.0625
# Side of what is looked at again, in sides of the classifier's crop.
FIRST_MARGIN, MARGIN = 2.0, 1.4
SHORT_MARGINS, FULL_MARGINS = (1.4, 2.0, 2.8), (2.2, 3.0)


@dataclass(frozen=True, slots=True)
class Glance:
    """One view of a frame for one of the networks."""

    box_xyxy: tuple[float, float, float, float]
    full_range: bool


class Found(NamedTuple):
    """What a search found: faces, and hints that nearer looks refused."""

    faces: list[Face]
    refused: list[Face]


@lru_cache(16)
def glances(width_px: int, height_px: int, *, far_faces: bool) -> tuple[Glance, ...]:
    """What a full search looks at, the whole frame first."""
    whole = (0.0, 0.0, float(width_px), float(height_px))
    longer = max(width_px, height_px)
    sizes = [(TILE, TILE_OVERLAP)] + [(FAR_TILE, FAR_OVERLAP)] * far_faces
    return (
        Glance(whole, full_range=True),
        Glance(whole, full_range=False),
        *(
            Glance(box, full_range=False)
            for tile, overlap in sizes
            for box in tiles(width_px, height_px, tile * longer, overlap * longer)
        ),
    )


class FaceSearch:
    """All faces of single pictures. `far_faces` adds smaller tiles, for faces from 3 % of the
    frame's width on; `max_faces` keeps the largest. A context manager; not for several threads.

    Raises `ModelError` and `DeviceError` as `app.detector.Detector` does.
    """

    def __init__(self, *, max_faces: int | None = None, far_faces: bool = False) -> None:
        self.max_faces = max_faces
        self.far_faces = far_faces
        self._stack = ExitStack()
        with ExitStack() as opened:
            self._short = opened.enter_context(Detector(model=SHORT_RANGE, min_score=HINT_SCORE))
            self._full = opened.enter_context(Detector(model=FULL_RANGE, min_score=HINT_SCORE))
            self._stack = opened.pop_all()

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Faces of `image (H, W, 3)` uint8 BGR, largest first. An image without pixels has none."""
        height, width = image.shape[:2]
        if height == 0 or width == 0:
            return ()
        plan = glances(width, height, far_faces=self.far_faces)
        return largest(self.search(image, plan).faces, self.max_faces)

    def search(
        self,
        image: Image,
        plan: Iterable[Glance],
        known: Sequence[Face] = (),
        patterns: Sequence[Face] = (),
    ) -> Found:
        """Confirmed faces in the glances of `plan`, without those that are `known`. `patterns` are
        hints that nearer looks refused, at places that look as they did then."""
        hints = [hint for glance in plan for hint in self._glance(image, glance)]
        faces: list[Face] = []
        refused: list[Face] = []
        for hint in sorted(hints, key=lambda face: face.score, reverse=True):
            if any(same_place(hint, face) for face in (*known, *faces)):
                continue
            if any(same_look(hint, other) for other in (*patterns, *refused)):
                continue
            face = self._confirm(image, hint)
            if face is None:
                refused.append(hint)
            elif not any(same_place(face, f) for f in (*known, *faces)):
                faces.append(face)
        return Found(faces, refused)

    def look_again(
        self, image: Image, face: Face, *, margin: float = MARGIN, quick: bool = True
    ) -> Face | None:
        """The face that is now where `face` was, or near; None when there is none. `quick` as in
        `app.views.render`."""
        try:
            view = face_view(face, margin, SHORT_SIDE_PX)
        except ValueError:
            return None
        near = [
            f
            for f in self._seen(self._short, image, view, quick=quick)
            if close_by(f, face) and plausible(f)
        ]
        return min(near, key=lambda f: distance(f, face), default=None)

    def _glance(self, image: Image, glance: Glance) -> list[Face]:
        if glance.full_range:
            view = part_view(glance.box_xyxy, FULL_SIDE_PX)
            return self._seen(self._full, image, view, quick=True)
        return self._seen(self._short, image, part_view(glance.box_xyxy, SHORT_SIDE_PX), quick=True)

    def _seen(self, detector: Detector, image: Image, view: View, *, quick: bool) -> list[Face]:
        shown = render(image, view, quick=quick)
        return [view.face_to_frame(face) for face in detector.detect(shown)]

    def _confirm(self, image: Image, hint: Face) -> Face | None:
        """The face that nearer looks make of a hint; None where they are not sure."""
        first = self.look_again(image, hint, margin=FIRST_MARGIN, quick=False)
        if first is None or first.score < FIRST_SCORE:
            return None
        face = self.look_again(image, first, quick=False)
        if face is None:
            return None
        score = _certainty(self._short, image, face, SHORT_MARGINS, SHORT_SIDE_PX, FACE_SCORE)
        if score < FACE_SCORE:
            return None
        if score < SURE_SCORE:
            other = _certainty(self._full, image, face, FULL_MARGINS, FULL_SIDE_PX, AGREED_SCORE)
            if other < AGREED_SCORE:
                return None
        return replace(face, score=score)

    @property
    def inferences(self) -> int:
        """What was asked of the networks so far."""
        return self._short.inferences + self._full.inferences

    @property
    def inference_s(self) -> float:
        """The seconds that they took for it."""
        return self._short.inference_s + self._full.inference_s

    def one_look(
        self, image: Image, *, full_range: bool
    ) -> tuple[Detector, Callable[[], tuple[Face, ...]]]:
        """One of the networks, and a call that shows it `image`, at its size and nothing more."""
        network, side = (self._full, FULL_SIDE_PX) if full_range else (self._short, SHORT_SIDE_PX)
        height, width = image.shape[:2]
        shown = render(image, part_view((0.0, 0.0, float(width), float(height)), side))
        return network, lambda: network.detect(shown)

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _certainty(
    detector: Detector,
    image: Image,
    face: Face,
    margins: Sequence[float],
    side_px: int,
    needed: float,
) -> float:
    """Mean score over looks from near and far, each also mirrored; a look that sees no face, or one
    of another size or place, counts as 0. Ends early, at 0, where `needed` is out of reach."""
    looks = 2 * len(margins)
    total, left = 0.0, looks
    for margin in margins:
        view = face_view(face, margin, side_px)
        shown = render(image, view)
        for picture, mirrored in ((shown, False), (shown[:, ::-1], True)):
            here = view.face_from_frame(face, mirrored=mirrored)
            seen = detector.detect(np.ascontiguousarray(picture))
            total += max((f.score for f in seen if agrees(f, here)), default=0.0)
            left -= 1
            if total + left < looks * needed:
                return 0.0
    return total / looks


def largest(faces: Iterable[Face], count: int | None) -> tuple[Face, ...]:
    by_size = sorted(faces, key=lambda face: face.width_px * face.height_px, reverse=True)
    return tuple(by_size[:count])


def centre(face: Face) -> tuple[float, float]:
    x0, y0, x1, y1 = face.box_xyxy
    return (x0 + x1) / 2, (y0 + y1) / 2


def distance(one: Face, other: Face) -> float:
    """Between the centres, in sides of the smaller box."""
    side = max(1e-6, min(one.width_px, other.width_px))
    return math.dist(centre(one), centre(other)) / side


def same_place(one: Face, other: Face) -> bool:
    """Whether two detections are of one face: their boxes share a good part, or one lies in the
    middle of the other."""
    x0, y0, x1, y1 = one.box_xyxy
    u0, v0, u1, v1 = other.box_xyxy
    shared = max(0.0, min(x1, u1) - max(x0, u0)) * max(0.0, min(y1, v1) - max(y0, v0))
    areas = (one.width_px * one.height_px, other.width_px * other.height_px)
    return shared > 0.3 * (sum(areas) - shared) or shared > 0.6 * min(areas)


def same_look(one: Face, other: Face) -> bool:
    """Whether a nearer look at either would show much the same."""
    return distance(one, other) < 0.2 and 0.8 < one.width_px / max(other.width_px, 1e-6) < 1.25


def close_by(now: Face, before: Face) -> bool:
    """Whether a face can be one that was seen before, or in a first look."""
    ratio = now.width_px / max(before.width_px, 1e-6)
    return 0.4 < ratio < 2.5 and distance(now, before) < 0.8


def agrees(now: Face, expected: Face) -> bool:
    """Whether a look confirms a face that is already placed well."""
    return (
        0.6 < now.width_px / max(expected.width_px, 1e-6) < 1.4
        and math.dist(centre(now), centre(expected)) < 0.35 * now.width_px
    )


def plausible(face: Face) -> bool:
    """Whether landmarks lie in a face's order: the eyes above the mouth and apart."""
    if not np.isfinite(face.landmarks).all():
        return False
    right_eye, left_eye, _, mouth = face.landmarks[:4].astype(np.float64)
    across, down = left_eye - right_eye, mouth - (right_eye + left_eye) / 2
    # Negative when the mouth lies on the wrong side of the line from eye to eye.
    return bool(across[0] * down[1] - across[1] * down[0] > 0.01 * face.width_px**2)
