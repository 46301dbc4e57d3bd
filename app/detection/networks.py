"""MediaPipe's two networks, and what they are shown of a frame.

The short-range network reads 128 x 128 pixels and needs a face that fills a sixth of them; the
full-range one reads 192 x 192, sees smaller faces, places them coarsely and misses close-ups. So
first looks show the whole frame to both and tiles of it to the faster one; nearer looks go by what
was found, upright.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from app.detection.boxes import has_face_order, is_close_by, is_confirmation, measure_distance
from app.detection.mediapipe_detector import FULL_RANGE, SHORT_RANGE, Detector
from app.detection.network_input import NetworkView, list_tiles, render_view, view_face, view_part
from app.types import Face, Image

SHORT_SIDE_PX, FULL_SIDE_PX = 128, 192  # what the networks read
HINT_SCORE = 0.25  # a look only has to raise a suspicion
# Tiles as shares of the frame's longer side: 320 and 179 px in 1280 x 720.
TILE, TILE_OVERLAP = 0.25, 0.09
FAR_TILE, FAR_OVERLAP = 0.14, 0.055
# Side of what is looked at again, in sides of `app.alignment.FACE_TEMPLATE`'s crop.
FIRST_MARGIN, MARGIN = 2.0, 1.4
SHORT_MARGINS, FULL_MARGINS = (1.4, 2.0, 2.8), (2.2, 3.0)


@dataclass(frozen=True, slots=True)
class Glance:
    """One view of a frame for one of the networks."""

    box_xyxy: tuple[float, float, float, float]
    full_range: bool


@lru_cache(16)
def list_glances(width_px: int, height_px: int, *, far_faces: bool) -> tuple[Glance, ...]:
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
            for box in list_tiles(width_px, height_px, tile * longer, overlap * longer)
        ),
    )


class NetworkLooks:
    """A context manager; not for several threads. Raises `ModelError` and `DeviceError` as
    `app.detection.mediapipe_detector.Detector` does."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        with ExitStack() as opened:
            self._short = opened.enter_context(Detector(model=SHORT_RANGE, min_score=HINT_SCORE))
            self._full = opened.enter_context(Detector(model=FULL_RANGE, min_score=HINT_SCORE))
            self._stack = opened.pop_all()

    def find_hints(self, image: Image, plan: Iterable[Glance]) -> list[Face]:
        """What first looks take for faces, the surest first."""
        found = [hint for glance in plan for hint in self._glance(image, glance)]
        return sorted(found, key=lambda face: face.score, reverse=True)

    def look_again(
        self, image: Image, face: Face, *, margin: float = MARGIN, quick: bool = True
    ) -> Face | None:
        """The face that is now where `face` was, or near; None when there is none. `quick` as in
        `app.detection.network_input.render_view`."""
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
        """Mean score of one network over looks at `face` from near and far, each also mirrored; a
        look that sees no face, or one of another size or place, counts as 0. Ends early, at 0,
        where `needed` is out of reach."""
        if full_range:
            return _certainty(self._full, image, face, FULL_MARGINS, FULL_SIDE_PX, needed)
        return _certainty(self._short, image, face, SHORT_MARGINS, SHORT_SIDE_PX, needed)

    def _glance(self, image: Image, glance: Glance) -> list[Face]:
        if glance.full_range:
            view = view_part(glance.box_xyxy, FULL_SIDE_PX)
            return self._seen(self._full, image, view, quick=True)
        return self._seen(self._short, image, view_part(glance.box_xyxy, SHORT_SIDE_PX), quick=True)

    def _seen(
        self, detector: Detector, image: Image, view: NetworkView, *, quick: bool
    ) -> list[Face]:
        shown = render_view(image, view, quick=quick)
        return [view.face_to_frame(face) for face in detector.detect(shown)]

    @property
    def inferences(self) -> int:
        """What was asked of the networks so far."""
        return self._short.inferences + self._full.inferences

    @property
    def inference_s(self) -> float:
        """The seconds that they took for it."""
        return self._short.inference_s + self._full.inference_s

    def prepare_look(
        self, image: Image, *, full_range: bool
    ) -> tuple[Detector, Callable[[], tuple[Face, ...]]]:
        """One of the networks, and a call that shows it `image`, at its size and nothing more."""
        network, side = (self._full, FULL_SIDE_PX) if full_range else (self._short, SHORT_SIDE_PX)
        height, width = image.shape[:2]
        shown = render_view(image, view_part((0.0, 0.0, float(width), float(height)), side))
        return network, lambda: network.detect(shown)

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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
        view = view_face(face, margin, side_px)
        shown = render_view(image, view)
        for picture, mirrored in ((shown, False), (shown[:, ::-1], True)):
            here = view.face_from_frame(face, mirrored=mirrored)
            seen = detector.detect(np.ascontiguousarray(picture))
            total += max((f.score for f in seen if is_confirmation(f, here)), default=0.0)
            left -= 1
            if total + left < looks * needed:
                return 0.0
    return total / looks
