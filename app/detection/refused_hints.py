"""Remembers the hints that nearer looks refused, so that a stream's search can skip them.

A pattern that a first look takes for a face costs up to fourteen nearer looks, each time the search
comes by. As long as the place looks the same, the answer would be the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.stage_state import SavedState, State, dump_array, dump_face, load_array, load_face
from app.types import Face, Image

KEEP_S = 2.0  # a refused hint is looked at again after this time in any case
THUMB_PX = 16  # side of the small pictures by which places are compared
# Mean difference of grey levels below which a place looks the same. The noise of a dark webcam
# picture gives less than 2.
SAME_GREY = 4.0


@dataclass(frozen=True, slots=True)
class _Pattern:
    hint: Face
    thumb: NDArray[np.uint8]
    refused_s: float


class RefusedHints:
    """The refused hints of one stream of frames."""

    def __init__(self) -> None:
        self._patterns: list[_Pattern] = []

    def find_unchanged(self, image: Image, time_s: float) -> list[Face]:
        """Finds the refused hints whose places look in `image`, uint8 (H, W, 3) BGR, as they did
        when they were refused. Forgets the others."""
        self._patterns = [
            one
            for one in self._patterns
            if time_s - one.refused_s <= KEEP_S
            and _is_alike(one.thumb, make_thumb(image, one.hint))
        ]
        return [one.hint for one in self._patterns]

    def remember(self, image: Image, hints: Sequence[Face], time_s: float) -> None:
        """Adds hints that were refused in `image`, uint8 (H, W, 3) BGR, at `time_s`."""
        self._patterns += [_Pattern(hint, make_thumb(image, hint), time_s) for hint in hints]

    def clear(self) -> None:
        """Forgets all hints."""
        self._patterns = []

    def state(self) -> State:
        """Returns the hints as plain values."""
        return {
            "patterns": [
                {
                    "hint": dump_face(one.hint),
                    "thumb": dump_array(one.thumb),
                    "refused_s": float(one.refused_s),
                }
                for one in self._patterns
            ]
        }

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._patterns = [
            _Pattern(load_face(one["hint"]), load_array(one["thumb"]), float(one["refused_s"]))
            for one in state["patterns"]
        ]


def make_thumb(image: Image, face: Face) -> NDArray[np.uint8]:
    """Makes a small grey picture of a face's place: its box and a quarter of the side around it.

    Args:
        image: The frame, uint8 (H, W, 3) BGR.
        face: The face in it.

    Returns:
        Grey levels uint8 (THUMB_PX, THUMB_PX) of the part inside the frame; all 0 if there is none.

    >>> image = np.full((40, 40, 3), 90, np.uint8)
    >>> face = Face((8.0, 8.0, 24.0, 24.0), np.zeros((6, 2), np.float32), 0.9)
    >>> int(make_thumb(image, face).min()), int(make_thumb(image[:2], face).max())
    (90, 0)
    """
    height, width = image.shape[:2]
    x0, y0, x1, y1 = face.box_xyxy
    about = (x1 - x0) / 4
    left, top = max(0, round(x0 - about)), max(0, round(y0 - about))
    right, bottom = min(width, round(x1 + about)), min(height, round(y1 + about))
    if left >= right or top >= bottom:
        return np.zeros((THUMB_PX, THUMB_PX), np.uint8)
    part: cv2.typing.MatLike = image[top:bottom, left:right]
    fine = 4 * THUMB_PX
    if min(part.shape[:2]) > fine:  # 16 samples for each pixel are enough
        part = cv2.resize(part, (fine, fine), interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(part, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def _is_alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return float(cv2.absdiff(one, other).mean()) < SAME_GREY
