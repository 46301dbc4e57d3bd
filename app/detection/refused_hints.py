"""What a stream's search need not look at again: places that were no face a moment ago.

A pattern that is taken for a face at a first look costs up to fourteen nearer ones, every time the
search comes by. As long as the place looks the same, so would the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.stage_state import SavedState, State, dump_array, dump_face, load_array, load_face
from app.types import Face, Image

KEEP_S = 2.0  # then it is looked at anew in any case
THUMB_PX = 16
# Mean difference of grey levels: noise of a dark webcam picture is averaged to less than 2.
SAME_GREY = 4.0


@dataclass(frozen=True, slots=True)
class _Pattern:
    hint: Face
    thumb: NDArray[np.uint8]
    refused_s: float


class RefusedHints:
    """Hints that were refused, in one stream of frames."""

    def __init__(self) -> None:
        self._patterns: list[_Pattern] = []

    def find_unchanged(self, image: Image, time_s: float) -> list[Face]:
        """The refused hints whose places look in `image` as they did; the others are forgotten."""
        self._patterns = [
            one
            for one in self._patterns
            if time_s - one.refused_s <= KEEP_S and _alike(one.thumb, make_thumb(image, one.hint))
        ]
        return [one.hint for one in self._patterns]

    def remember(self, image: Image, hints: Sequence[Face], time_s: float) -> None:
        self._patterns += [_Pattern(hint, make_thumb(image, hint), time_s) for hint in hints]

    def clear(self) -> None:
        self._patterns = []

    def state(self) -> State:
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
        self._patterns = [
            _Pattern(load_face(one["hint"]), load_array(one["thumb"]), float(one["refused_s"]))
            for one in state["patterns"]
        ]


def make_thumb(image: Image, face: Face) -> NDArray[np.uint8]:
    """Grey levels `(THUMB_PX, THUMB_PX)` of a box and a quarter of its side about it, as far as
    that lies in the picture; black where nothing does."""
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


def _alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return float(cv2.absdiff(one, other).mean()) < SAME_GREY
