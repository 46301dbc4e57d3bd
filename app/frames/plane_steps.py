"""Turns the planes of stored pictures and takes them to limited range, for an encoder.

A video's halved colours lie left of the middle of their block of 2 x 2 px, or in it. A turn moves
them to another side. An encoder's pictures have them on the left, where players look for them: left
where they are, they would be up to 1 px beside their place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from app.frames.orientation import Orientation
from app.types import Image

# Full range counts from 0 to 255, limited range from 16 to 235 in Y and to 240 in U and V.
LUMA_SCALE, LUMA_OFFSET = 219 / 255, 16.0
CHROMA_SCALE, CHROMA_OFFSET = 224 / 255, 128 - 128 * 224 / 255
CUBIC = -0.5  # Keys' parameter: the curve of Catmull and Rom, which keeps colours sharp


class Siting(NamedTuple):
    """The place of a halved colour, in px right of and below the middle of its 2 x 2 px."""

    right: float
    below: float


LEFT = Siting(-0.5, 0.0)
CENTRE = Siting(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PlaneSteps:
    """The steps from the planes of a stored picture to those that an encoder takes.

    Attributes:
        orientation: The turn and the mirrors.
        is_full_range: True if the stored planes use all of 0 to 255.
        siting: The place of the colours in the stored picture.
    """

    orientation: Orientation
    is_full_range: bool
    siting: Siting

    def write(self, stored: Sequence[Image], targets: Sequence[Image]) -> None:
        """Writes the planes of the upright picture, of limited range.

        Args:
            stored: Y (H, W), U and V (H / 2, W / 2), uint8.
            targets: The same of the upright picture; all of them is written.

        >>> planes = [np.full(shape, 255, np.uint8) for shape in ((2, 4), (1, 2), (1, 2))]
        >>> made = [np.zeros(plane.shape[::-1], np.uint8) for plane in planes]
        >>> PlaneSteps(Orientation.from_exif(6), True, CENTRE).write(planes, made)
        >>> [plane.max().item() for plane in made]
        [235, 240, 240]
        """
        luma, *colours = zip(stored, targets, strict=True)
        self._turn(*luma)
        if self.is_full_range:  # OpenCV does this three times as fast as a table of 256 values
            cv2.convertScaleAbs(luma[1], dst=luma[1], alpha=LUMA_SCALE, beta=LUMA_OFFSET)
        scale, offset = (CHROMA_SCALE, CHROMA_OFFSET) if self.is_full_range else (1.0, 0.0)
        moves = self._find_moves()
        for source, target in colours:
            if any(moves):
                _move(self.orientation.apply(source), target, moves, scale, offset)
                continue
            self._turn(source, target)
            if self.is_full_range:
                cv2.convertScaleAbs(target, dst=target, alpha=scale, beta=offset)

    def _turn(self, source: Image, target: Image) -> None:
        """Turns a plane as `Orientation.apply` does, into memory that is there already: new memory
        costs more than the turn."""
        turn = self.orientation
        if turn.transposes:
            cv2.transpose(source, dst=target)
            source = target
        if turn.mirrors_x or turn.mirrors_y:
            axis = -1 if turn.mirrors_x and turn.mirrors_y else +turn.mirrors_x
            cv2.flip(source, axis, dst=target)
        elif not turn.transposes:
            target[:] = source

    def _find_moves(self) -> tuple[float, float]:
        """Finds how far right of and below a colour of the turned plane an encoder's colour lies,
        in colours."""
        right, below = self.siting
        if self.orientation.transposes:
            right, below = below, right
        right = -right if self.orientation.mirrors_x else right
        below = -below if self.orientation.mirrors_y else below
        return (LEFT.right - right) / 2, (LEFT.below - below) / 2


def _move(
    source: Image, target: Image, moves: tuple[float, float], scale: float, offset: float
) -> None:
    """Reads a plane between its points, `moves` right of and below them, and scales it."""
    across, down = (_sample(move) if move else np.ones(1) for move in moves)
    kernel = (down[:, np.newaxis] * across * scale).astype(np.float32)
    border = cv2.BORDER_REPLICATE
    cv2.filter2D(source, -1, kernel, dst=target, delta=offset, borderType=border)


def _sample(move: float) -> np.ndarray:
    """Makes the weights (5,) that read a line between its points, `move` behind the third."""
    away = np.abs(np.arange(-2, 3) - move)
    near = ((CUBIC + 2) * away - (CUBIC + 3)) * away**2 + 1
    far = CUBIC * (((away - 5) * away + 8) * away - 4)
    return np.where(away <= 1, near, np.where(away < 2, far, 0.0))
