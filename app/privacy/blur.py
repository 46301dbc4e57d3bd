"""Makes faces unrecognisable in a picture, also where the detector loses them for a moment.

A place is covered from the frame in which a face was found until `HOLD_S` after it was last seen
there, and grows meanwhile, because who cannot be seen may have moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.types import Face, Image

HOLD_S = 2.0
MARGIN = 0.35  # of the box's larger side, on each side; hair and ears lie outside the box
GROWTH_PER_S = 0.6  # of the larger side, on each side, once it is not seen any more
CELLS = 6  # across the place's larger side; some four of them across a face
NEAR = 0.5  # of the larger side: a face this near to a place is the one that was there
MOST_PLACES = 200


@dataclass(frozen=True, slots=True)
class CoveredPlace:
    """Where a face was last seen. `box_xyxy` px, without margin."""

    box_xyxy: tuple[float, float, float, float]
    seen_s: float

    @property
    def side_px(self) -> float:
        x0, y0, x1, y1 = self.box_xyxy
        return max(1.0, x1 - x0, y1 - y0)

    def near(self, other: "CoveredPlace") -> bool:
        gaps = np.abs(np.subtract(self.box_xyxy, other.box_xyxy))
        return bool(gaps.max() <= NEAR * max(self.side_px, other.side_px))

    def covered_xyxy(self, time_s: float, hold_s: float) -> tuple[int, int, int, int]:
        """What is made unrecognisable at a time, px, which may reach outside the picture."""
        unseen_s = min(hold_s, max(0.0, time_s - self.seen_s))
        out = self.side_px * (MARGIN + GROWTH_PER_S * unseen_s)
        x0, y0, x1, y1 = self.box_xyxy
        return int(x0 - out), int(y0 - out), int(np.ceil(x1 + out)), int(np.ceil(y1 + out))


class FaceBlur:
    """The places of one stream's faces. They are kept whether or not anything is covered, so that
    covering begins with those who were just lost, too. A time that runs backwards, or a picture of
    another size, begins anew; `hold_s` 0 covers only what is seen in the frame itself."""

    def __init__(self, *, hold_s: float = HOLD_S) -> None:
        if hold_s < 0:
            raise ValueError("hold_s is a time of at least 0 seconds")
        self._hold_s = hold_s
        self._places: list[CoveredPlace] = []
        self._now_s = 0.0
        self._size_wh = (0, 0)

    def add_frame(self, faces: Sequence[Face], time_s: float, size_wh: tuple[int, int]) -> None:
        """To be told of every frame."""
        if time_s < self._now_s or size_wh != self._size_wh:
            self._places = []
        self._now_s, self._size_wh = time_s, size_wh
        seen = [CoveredPlace(_whole_box(face), time_s) for face in faces]
        kept = [
            place
            for place in self._places
            if self._hold_s > 0
            and time_s - place.seen_s <= self._hold_s
            and not any(place.near(one) for one in seen)
        ]
        self._places = [*kept, *seen][-MOST_PLACES:]

    def cover(self, image: Image) -> Image:
        """A new picture in which every place is: averages of a few cells, softened. Each is made
        of the picture as it came, so that nothing shines through where two meet."""
        canvas = image.copy()
        for place in self._places:
            _cover(canvas, image, place.covered_xyxy(self._now_s, self._hold_s))
        return canvas


def blur_whole(image: Image) -> Image:
    """A new picture of which only the averages of a few cells are left."""
    canvas = image.copy()
    _cover(canvas, image, (0, 0, image.shape[1], image.shape[0]))
    return canvas


def _whole_box(face: Face) -> tuple[float, float, float, float]:
    """The box and the landmarks in it, for one of them may be off."""
    x0, y0, x1, y1 = face.box_xyxy
    points = face.landmarks[np.isfinite(face.landmarks).all(axis=1)]
    side = max(x1 - x0, y1 - y0)
    for x, y in points.tolist():
        if -side < x - x0 < 2 * side and -side < y - y0 < 2 * side:
            x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
    return x0, y0, x1, y1


def _cover(canvas: Image, image: Image, xyxy: tuple[int, int, int, int]) -> None:
    """Cells are laid from the place's own corner, so that a face that moves shows no more of itself
    from frame to frame."""
    height, width = image.shape[:2]
    x0, y0 = max(0, xyxy[0]), max(0, xyxy[1])
    x1, y1 = min(width, xyxy[2]), min(height, xyxy[3])
    if x1 <= x0 or y1 <= y0:
        return
    cell = max(1.0, max(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]) / CELLS)
    cells = max(1, round((x1 - x0) / cell)), max(1, round((y1 - y0) / cell))
    means = cv2.resize(image[y0:y1, x0:x1], cells, interpolation=cv2.INTER_AREA)
    # Linear between the cells' middles: as soft as a blur of a cell's width, at less cost.
    canvas[y0:y1, x0:x1] = cv2.resize(means, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
