"""Rectangles of whole pixels: where texts and faces lie on a picture, and what they share."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float64]  # (..., 4): x0, y0, x1, y1 px


class Rect(NamedTuple):
    """`x`, `y`: top left, px."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def area(self) -> int:
        return self.width * self.height

    def move_inside(self, width: int, height: int) -> "Rect":
        """Moves the rectangle, uncut, into a picture; one that is too large starts at the top
        left."""
        return self._replace(
            x=max(0, min(self.x, width - self.width)),
            y=max(0, min(self.y, height - self.height)),
        )

    def cut_to(self, width: int, height: int) -> "Rect":
        """Returns the part in a picture; of one that lies outside, the nearest pixel."""
        x0, x1 = (min(max(x, 0), width) for x in (self.x, self.right))
        y0, y1 = (min(max(y, 0), height) for y in (self.y, self.bottom))
        x0, y0 = min(x0, max(0, width - 1)), min(y0, max(0, height - 1))
        return Rect(x0, y0, max(1, x1 - x0), max(1, y1 - y0))

    def shrink(self, share: float) -> "Rect":
        """Returns the middle, without `share` of each side at each end."""
        dx, dy = int(share * self.width), int(share * self.height)
        return Rect(self.x + dx, self.y + dy, self.width - 2 * dx, self.height - 2 * dy)

    def enclose(self, other: "Rect") -> "Rect":
        """Returns the smallest rectangle that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)


def stack_corners(rects: Iterable[Rect]) -> Corners:
    """Returns `(N, 4)`, also for none."""
    return np.array([(r.x, r.y, r.right, r.bottom) for r in rects], np.float64).reshape(-1, 4)


def count_shared_px(ours: Corners, theirs: Corners) -> Corners:
    """Returns the pixels `(P, M)` that each of `ours (P, 4)` has in common with each of
    `theirs (M, 4)`."""
    wide = np.minimum(ours[:, None, 2], theirs[:, 2]) - np.maximum(ours[:, None, 0], theirs[:, 0])
    high = np.minimum(ours[:, None, 3], theirs[:, 3]) - np.maximum(ours[:, None, 1], theirs[:, 1])
    return np.asarray(np.maximum(wide, 0) * np.maximum(high, 0), np.float64)


def find_shortest_line(one: Rect, other: Rect) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns the ends of the shortest straight line from `one` to `other`, a point on the border
    of each; from the middle of the sides that face each other."""
    x0, x1 = _gap(one.x, one.right, other.x, other.right)
    y0, y1 = _gap(one.y, one.bottom, other.y, other.bottom)
    return (x0, y0), (x1, y1)


def _gap(low: int, high: int, other_low: int, other_high: int) -> tuple[int, int]:
    """Returns the ends of the gap between two intervals; the middle of what they share, twice,
    where they touch."""
    if high <= other_low:
        return high, other_low
    if other_high <= low:
        return low, other_high
    middle = (max(low, other_low) + min(high, other_high)) // 2
    return middle, middle
