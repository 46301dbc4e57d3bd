"""Makes faces unrecognisable in pictures, also while the detector loses them for a moment.

The place of a face is covered from the frame in which the face is found until `COVER_HOLD_S` after
it was last seen. Meanwhile the place grows, because an unseen face may move. A face that is near a
place is taken for the face that was there. Keys (`Face.key`) do not serve here: a face that is
found again after a loss has another key, and faces of pictures have none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.types import Face, Image

COVER_HOLD_S = 2.0  # a place stays covered for this time after its face was last seen
MARGIN_SHARE = 0.35  # of the box's larger side, on each side; hair and ears lie outside the box
GROWTH_SHARE_PER_S = 0.6  # of the larger side, on each side, while the face is not seen
CELLS = 6  # across the larger side of a place: about four across a face
NEAR_SHARE = 0.5  # of the larger side: a face this near to a place is the one that was there
MAX_PLACES = 200  # the oldest are forgotten first


@dataclass(frozen=True, slots=True)
class CoveredPlace:
    """The place where a face was last seen, at `seen_s`. `box_xyxy` (x0, y0, x1, y1) px has no
    margin."""

    box_xyxy: tuple[float, float, float, float]
    seen_s: float

    @property
    def side_px(self) -> float:
        """The larger side, at least 1 px."""
        x0, y0, x1, y1 = self.box_xyxy
        return max(1.0, x1 - x0, y1 - y0)

    def is_near(self, other: "CoveredPlace") -> bool:
        """Returns whether both places are those of the same face, a moment apart."""
        # In plain numbers, because each face of a crowd is compared with many others: `add_frame`
        # takes 0.34 ms for twenty faces, with arrays 0.59.
        reach_px = NEAR_SHARE * max(self.side_px, other.side_px)
        pairs = zip(self.box_xyxy, other.box_xyxy, strict=True)
        return all(abs(one - another) <= reach_px for one, another in pairs)

    def find_covered_xyxy(self, time_s: float, hold_s: float) -> tuple[int, int, int, int]:
        """Returns the part of the picture that is covered at `time_s`: x0, y0, x1, y1 px, which may
        reach outside the picture. The part grows until `hold_s` after the face was last seen.

        >>> CoveredPlace((100, 100, 200, 200), seen_s=0.0).find_covered_xyxy(0.5, hold_s=2.0)
        (35, 35, 265, 265)
        """
        unseen_s = min(hold_s, max(0.0, time_s - self.seen_s))
        out = self.side_px * (MARGIN_SHARE + GROWTH_SHARE_PER_S * unseen_s)
        x0, y0, x1, y1 = self.box_xyxy
        return int(x0 - out), int(y0 - out), int(np.ceil(x1 + out)), int(np.ceil(y1 + out))


class FaceBlur:
    """Covers the faces of one stream.

    Every frame is added, also while nothing is covered, so that covering can begin at any time with
    the faces that were just lost. After a time that runs backwards, and in a picture of another
    size, all places are forgotten.

    Args:
        hold_s: How long a place stays covered after its face was last seen. With 0, only the faces
            of the frame itself are covered.
    """

    def __init__(self, *, hold_s: float = COVER_HOLD_S) -> None:
        if hold_s < 0:
            raise ValueError(f"hold_s must be >= 0, got {hold_s}")
        self._hold_s = hold_s
        self._places: list[CoveredPlace] = []
        self._now_s = 0.0
        self._size_wh = (0, 0)

    def add_frame(self, faces: Sequence[Face], time_s: float, size_wh: tuple[int, int]) -> None:
        """Adds a frame at `time_s` of `size_wh` px: all faces found in it, read or not."""
        if time_s < self._now_s or size_wh != self._size_wh:
            self._places = []
        self._now_s, self._size_wh = time_s, size_wh
        seen = [CoveredPlace(_enclose_face(face), time_s) for face in faces]
        kept = [
            place
            for place in self._places
            if self._hold_s > 0
            and time_s - place.seen_s <= self._hold_s
            and not any(place.is_near(one) for one in seen)
        ]
        self._places = [*kept, *seen][-MAX_PLACES:]

    def cover(self, image: Image) -> Image:
        """Returns a new picture in which every place shows the averages of a few cells, softened.
        All averages are those of the picture as it came, so that nothing shows through where two
        places overlap.

        Args:
            image: The picture of the frame that was added last, uint8 `(H, W, 3)` BGR.
        """
        canvas = image.copy()
        for place in self._places:
            _cover(canvas, image, place.find_covered_xyxy(self._now_s, self._hold_s))
        return canvas


def blur_whole(image: Image) -> Image:
    """Returns a new picture that shows the averages of a few cells, softened.

    Args:
        image: uint8 `(H, W, 3)` BGR.

    >>> picture = np.zeros((60, 60, 3), np.uint8)
    >>> picture[::2] = 100  # fine stripes
    >>> bool((blur_whole(picture) == 50).all())
    True
    """
    canvas = image.copy()
    _cover(canvas, image, (0, 0, image.shape[1], image.shape[0]))
    return canvas


def _enclose_face(face: Face) -> tuple[float, float, float, float]:
    """Returns the smallest box around the face's box and its landmarks, because the box may be
    wrong. Landmarks more than a side away from the box are ignored."""
    x0, y0, x1, y1 = face.box_xyxy
    points = face.landmarks[np.isfinite(face.landmarks).all(axis=1)]
    side = max(x1 - x0, y1 - y0)
    for x, y in points.tolist():
        if -side < x - x0 < 2 * side and -side < y - y0 < 2 * side:
            x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
    return x0, y0, x1, y1


def _cover(canvas: Image, image: Image, xyxy: tuple[int, int, int, int]) -> None:
    """Draws the averages of a part of `image` onto `canvas`. Cells begin at the part's own corner:
    with a fixed grid, a moving face would show more of itself with every frame."""
    height, width = image.shape[:2]
    x0, y0 = max(0, xyxy[0]), max(0, xyxy[1])
    x1, y1 = min(width, xyxy[2]), min(height, xyxy[3])
    if x1 <= x0 or y1 <= y0:
        return
    cell = max(1.0, max(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]) / CELLS)
    cells = max(1, round((x1 - x0) / cell)), max(1, round((y1 - y0) / cell))
    means = cv2.resize(image[y0:y1, x0:x1], cells, interpolation=cv2.INTER_AREA)
    # Linear between the cells' middles: as soft as a blur of a cell's width, but cheaper.
    canvas[y0:y1, x0:x1] = cv2.resize(means, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
