"""Looks at parts of a frame with MediaPipe's two detector networks.

The short-range network reads 128 x 128 pixels and needs a face that fills a sixth of their side.
The full-range network reads 192 x 192 pixels and sees smaller faces, but places them coarsely and
misses close-ups. So first looks show the whole frame to both networks, and tiles of the frame to
the short-range network, which is faster. Nearer looks show what first looks found, upright.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from app.detection.boxes import has_face_order, is_close_by, is_confirmation, measure_distance
from app.detection.mediapipe_detector import FULL_RANGE, SHORT_RANGE, Detector
from app.detection.network_input import (
    NetworkView,
    is_flat,
    list_tiles,
    render_view,
    view_face,
    view_part,
)
from app.types import Face, Image

SHORT_SIDE_PX = 128  # side of the short-range network's input
FULL_SIDE_PX = 192  # side of the full-range network's input
HINT_SCORE = 0.25  # low, because a first look only has to raise a suspicion
# Tiles and their overlaps, as shares of the frame's longer side.
TILE = 0.25  # 320 px in 1280 x 720
TILE_OVERLAP = 0.08
FAR_TILE = 0.14  # 179 px in 1280 x 720
FAR_OVERLAP = 0.055
# Sides of nearer looks, in sides of `app.alignment.FACE_TEMPLATE`'s crop.
FIRST_MARGIN = 2.0  # wide, because a first look places a face coarsely
MARGIN = 1.4
DISTANT_MARGIN = 2.0  # of `measure_distant_look`
SHORT_MARGINS = (1.4, 2.0, 2.8)  # of the looks that `measure_certainty` averages
FULL_MARGINS = (2.2, 3.0)


@dataclass(frozen=True, slots=True)
class Glance:
    """One first look: a part of the frame, `box_xyxy` px, for the full-range or the short-range
    network."""

    box_xyxy: tuple[float, float, float, float]
    is_full_range: bool


@lru_cache(16)
def list_glances(width_px: int, height_px: int, *, far_faces: bool) -> tuple[Glance, ...]:
    """Lists the first looks of a full search, the whole frame first. `far_faces` adds smaller
    tiles."""
    whole = (0.0, 0.0, float(width_px), float(height_px))
    longer = max(width_px, height_px)
    sizes = [(TILE, TILE_OVERLAP)] + [(FAR_TILE, FAR_OVERLAP)] * far_faces
    return (
        Glance(whole, is_full_range=True),
        Glance(whole, is_full_range=False),
        *(
            Glance(box, is_full_range=False)
            for tile, overlap in sizes
            for box in list_tiles(width_px, height_px, tile * longer, overlap * longer)
        ),
    )


class NetworkLooks:
    """Both networks, ready for looks at frames. A context manager, which must not be shared by
    threads.

    Raises:
        ModelError: As `app.detection.mediapipe_detector.Detector`.
        DeviceError: As `app.detection.mediapipe_detector.Detector`.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        with ExitStack() as opened:
            self._short = opened.enter_context(Detector(model=SHORT_RANGE, min_score=HINT_SCORE))
            self._full = opened.enter_context(Detector(model=FULL_RANGE, min_score=HINT_SCORE))
            self._stack = opened.pop_all()

    def find_hints(self, image: Image, plan: Iterable[Glance]) -> list[Face]:
        """Finds what first looks take for faces, the highest score first.

        Args:
            image: The frame, uint8 (H, W, 3) BGR.
            plan: The first looks.

        Returns:
            Hints in px of the frame. Several of them may be of one face.
        """
        found = [hint for glance in plan for hint in self._glance(image, glance)]
        return sorted(found, key=lambda face: face.score, reverse=True)

    def look_again(
        self, image: Image, face: Face, *, margin: float = MARGIN, quick: bool = True
    ) -> Face | None:
        """Looks at the place of a face, upright and near.

        Args:
            image: The frame, uint8 (H, W, 3) BGR.
            face: The face, or the hint, that was seen there.
            margin: The side of the look, in sides of the aligned crop.
            quick: As in `app.detection.network_input.render_view`.

        Returns:
            The face that is there now, or near; None if there is none.
        """
        try:
            view = view_face(face, margin, SHORT_SIDE_PX)
        except ValueError:
            return None
        near = [
            f
            for f in self._seen(self._short, image, view, quick=quick)
            if is_close_by(f, face) and has_face_order(f)
        ]
        return min(near, key=lambda f: measure_distance(f, face), default=None)

    def measure_certainty(
        self, image: Image, face: Face, *, full_range: bool, needed: float
    ) -> float:
        """Measures how surely one network sees a face, from near and far, each look also mirrored.

        Args:
            image: The frame, uint8 (H, W, 3) BGR.
            face: The face in it.
            full_range: True asks the full-range network, False the short-range one.
            needed: The mean score that is of use to the caller.

        Returns:
            The mean score of the looks, 0 to 1. A look that sees no face, or a face of another size
            or place, counts as 0. Returns 0 as soon as `needed` is out of reach.
        """
        if full_range:
            return _measure_certainty(self._full, image, face, FULL_MARGINS, FULL_SIDE_PX, needed)
        return _measure_certainty(self._short, image, face, SHORT_MARGINS, SHORT_SIDE_PX, needed)

    def measure_distant_look(self, image: Image, face: Face) -> float:
        """Measures the score of one of the looks that `measure_certainty` averages: from farther
        than the look that found the face, and mirrored. 0 if the look sees no such face."""
        view = view_face(face, DISTANT_MARGIN, SHORT_SIDE_PX)
        shown = render_view(image, view)
        return _score_look(self._short, shown, view, face, mirrored=True)

    def _glance(self, image: Image, glance: Glance) -> list[Face]:
        if glance.is_full_range:
            view = view_part(glance.box_xyxy, FULL_SIDE_PX)
            return self._seen(self._full, image, view, quick=True)
        view = view_part(glance.box_xyxy, SHORT_SIDE_PX)
        shown = render_view(image, view, quick=True)
        if is_flat(shown):
            return []
        return [view.face_to_frame(face) for face in self._short.detect(shown)]

    def _seen(
        self, detector: Detector, image: Image, view: NetworkView, *, quick: bool
    ) -> list[Face]:
        shown = render_view(image, view, quick=quick)
        return [view.face_to_frame(face) for face in detector.detect(shown)]

    @property
    def inferences(self) -> int:
        """The number of looks so far."""
        return self._short.inferences + self._full.inferences

    @property
    def inference_s(self) -> float:
        """The time in seconds that the networks took for them."""
        return self._short.inference_s + self._full.inference_s

    def prepare_look(
        self, image: Image, *, full_range: bool
    ) -> tuple[Detector, Callable[[], tuple[Face, ...]]]:
        """Prepares a look at the whole of `image`, for measuring the time of the network alone.

        Returns the network and a call that runs it.
        """
        network, side = (self._full, FULL_SIDE_PX) if full_range else (self._short, SHORT_SIDE_PX)
        height, width = image.shape[:2]
        shown = render_view(image, view_part((0.0, 0.0, float(width), float(height)), side))
        return network, lambda: network.detect(shown)

    def close(self) -> None:
        """Frees the networks. A second call does nothing."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _measure_certainty(
    detector: Detector,
    image: Image,
    face: Face,
    margins: Sequence[float],
    side_px: int,
    needed: float,
) -> float:
    """Does what `NetworkLooks.measure_certainty` describes, with looks of several `margins`."""
    looks = 2 * len(margins)
    total, left = 0.0, looks
    for margin in margins:
        view = view_face(face, margin, side_px)
        shown = render_view(image, view)
        for mirrored in (False, True):
            total += _score_look(detector, shown, view, face, mirrored=mirrored)
            left -= 1
            if total + left < looks * needed:
                return 0.0
    return total / looks


def _score_look(
    detector: Detector, shown: Image, view: NetworkView, face: Face, *, mirrored: bool
) -> float:
    """Returns the score of a look at a face in its rendered view, or in the mirror image of it; 0
    if the look sees no face, or one of another size or place."""
    here = view.face_from_frame(face, mirrored=mirrored)
    seen = detector.detect(np.ascontiguousarray(shown[:, ::-1] if mirrored else shown))
    return max((f.score for f in seen if is_confirmation(f, here)), default=0.0)
