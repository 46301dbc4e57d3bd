"""Turns and mirrors stored pictures so that they stand upright.

Files note the orientation in different ways: EXIF as a number, videos as a display matrix, AVIF and
HEIF as quarter turns and mirrors. All of them become one `Orientation`.
"""

from dataclasses import dataclass
from typing import Self, cast

import cv2
import numpy as np
from numpy.typing import ArrayLike

from app.types import Image


@dataclass(frozen=True, slots=True)
class Orientation:
    """The steps that make a stored picture upright, in this order.

    `transposes` exchanges rows and columns, `mirrors_x` exchanges left and right, and `mirrors_y`
    exchanges top and bottom.

    >>> Orientation.from_exif(6)
    Orientation(transposes=True, mirrors_x=True, mirrors_y=False)
    """

    transposes: bool = False
    mirrors_x: bool = False
    mirrors_y: bool = False

    @classmethod
    def from_exif(cls, number: int) -> Self:
        """Makes the orientation of a number of EXIF's tag Orientation (0x112). A number outside
        1..8 means nothing and gives an upright orientation, as in other programs."""
        return cls(*_EXIF.get(number, (False, False, False)))

    @classmethod
    def from_display_matrix(cls, matrix: ArrayLike) -> Self:
        """Makes the orientation of a video's display matrix.

        Args:
            matrix: (3, 3) or (2, 2) numbers [[a, b], [c, d]] of any scale, which lead from the
                stored picture to the upright one: x' = a x + c y and y' = b x + d y. A slanted
                matrix gives the nearest quarter turn.

        >>> Orientation.from_display_matrix([[0, 1], [-1, 0]]).words
        'turned 90 degrees clockwise'
        """
        (a, b), (c, d) = np.asarray(matrix, np.float64)[:2, :2].tolist()
        swaps = abs(b) + abs(c) > abs(a) + abs(d)
        return cls(swaps, (c if swaps else a) < 0, (b if swaps else d) < 0)

    @classmethod
    def from_quarter_turns(cls, count: int) -> Self:
        """Makes the orientation of a number of turns by 90 degrees, anticlockwise."""
        return cls(*_QUARTERS[count % 4])

    def then(self, after: "Orientation") -> "Orientation":
        """Gives the orientation that takes the steps of `self` and then those of `after`."""
        x, y = self.mirrors_x, self.mirrors_y
        if after.transposes:
            x, y = y, x
        return Orientation(
            self.transposes != after.transposes, x != after.mirrors_x, y != after.mirrors_y
        )

    @property
    def is_upright(self) -> bool:
        """True if there are no steps to take."""
        return not (self.transposes or self.mirrors_x or self.mirrors_y)

    @property
    def exif(self) -> int:
        """The number of EXIF's tag Orientation, 1..8."""
        steps = (self.transposes, self.mirrors_x, self.mirrors_y)
        return next(number for number, known in _EXIF.items() if known == steps)

    @property
    def words(self) -> str:
        """The steps for users, such as "turned 90 degrees clockwise"; empty if there are none."""
        turn, mirrored = _WORDS[self.exif]
        said = [f"turned {turn}"] if turn else []
        return " and ".join([*said, "mirrored left to right"] if mirrored else said)

    def apply(self, image: Image) -> Image:
        """Turns and mirrors a stored picture.

        Args:
            image: uint8 (H, W) or (H, W, C).

        Returns:
            The upright picture, contiguous; `image` itself if there are no steps.

        >>> Orientation.from_exif(6).apply(np.array([[1, 2]], np.uint8)).tolist()
        [[1], [2]]
        """
        if self.transposes:
            image = cast(Image, cv2.transpose(image))
        if self.mirrors_x or self.mirrors_y:
            axis = -1 if self.mirrors_x and self.mirrors_y else +self.mirrors_x
            image = cast(Image, cv2.flip(image, axis))
        return image

    def view(self, plane: Image) -> Image:
        """Turns and mirrors a stored picture as `apply` does, but copies nothing: uint8 (H, W) or
        (H, W, C), a view of `plane`.

        >>> Orientation.from_exif(6).view(np.array([[1, 2]], np.uint8)).tolist()
        [[1], [2]]
        """
        turned = plane.swapaxes(0, 1) if self.transposes else plane
        return turned[:: -1 if self.mirrors_y else 1, :: -1 if self.mirrors_x else 1]

    @property
    def inverse(self) -> "Orientation":
        """The orientation that leads back from the upright picture to the stored one.

        >>> Orientation.from_exif(6).inverse.exif
        8
        """
        if not self.transposes:
            return self
        return Orientation(True, self.mirrors_y, self.mirrors_x)

    def turn_corners(
        self, corners: tuple[int, int, int, int], size_wh: tuple[int, int]
    ) -> tuple[int, int, int, int]:
        """Gives the place in the upright picture of a part of the stored picture.

        Args:
            corners: The part's x0, y0, x1, y1 in px.
            size_wh: Width and height of the stored picture in px.

        >>> Orientation.from_exif(6).turn_corners((0, 0, 3, 1), (4, 2))
        (1, 0, 2, 3)
        """
        x0, y0, x1, y1 = corners
        if self.transposes:
            x0, y0, x1, y1 = y0, x0, y1, x1
        width, height = self.turn_size(size_wh)
        if self.mirrors_x:
            x0, x1 = width - x1, width - x0
        if self.mirrors_y:
            y0, y1 = height - y1, height - y0
        return x0, y0, x1, y1

    def turn_size(self, size_wh: tuple[int, int]) -> tuple[int, int]:
        """Gives the width and height in pixels of the upright picture, from those of the stored
        picture."""
        return size_wh[::-1] if self.transposes else size_wh


_EXIF = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
_HALF = "180 degrees"
_RIGHT = "90 degrees clockwise"
_LEFT = "90 degrees anticlockwise"
_WORDS = {  # by EXIF's number: the turn, and whether a mirror comes after it
    1: ("", False),
    2: ("", True),
    3: (_HALF, False),
    4: (_HALF, True),
    5: (_RIGHT, True),
    6: (_RIGHT, False),
    7: (_LEFT, True),
    8: (_LEFT, False),
}
_QUARTERS = (_EXIF[1], _EXIF[8], _EXIF[3], _EXIF[6])
UPRIGHT = Orientation()
