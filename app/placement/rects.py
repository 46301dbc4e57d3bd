"""Rectangles of whole pixels: the places of texts and faces on a picture."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float64]  # (..., 4): x0, y0, x1, y1 px


class Rect(NamedTuple):
    """A rectangle in px: the top left corner (`x`, `y`), and the size. The right and lower borders
    are not part of it."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The x of the right border, px."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The y of the lower border, px."""
        return self.y + self.height

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """The corners x0, y0, x1, y1, px."""
        x, y, width, height = self
        return x, y, x + width, y + height

    @property
    def area(self) -> int:
        """The number of pixels."""
        return self.width * self.height

    def move_inside(self, width: int, height: int) -> "Rect":
        """Moves the rectangle into a picture of `width` x `height` px and keeps its size. A
        rectangle larger than the picture starts at the top left.

        >>> Rect(95, -3, 10, 10).move_inside(100, 80)
        Rect(x=90, y=0, width=10, height=10)
        """
        return self._replace(
            x=max(0, min(self.x, width - self.width)),
            y=max(0, min(self.y, height - self.height)),
        )

    def cut_to(self, width: int, height: int) -> "Rect":
        """Returns the part that lies in a picture of `width` x `height` px; for a rectangle outside
        the picture, the nearest pixel.

        >>> Rect(-5, 70, 20, 20).cut_to(100, 80), Rect(200, -50, 20, 20).cut_to(100, 80)
        (Rect(x=0, y=70, width=15, height=10), Rect(x=99, y=0, width=1, height=1))
        """
        x0, x1 = (min(max(x, 0), width) for x in (self.x, self.right))
        y0, y1 = (min(max(y, 0), height) for y in (self.y, self.bottom))
        x0, y0 = min(x0, max(0, width - 1)), min(y0, max(0, height - 1))
        return Rect(x0, y0, max(1, x1 - x0), max(1, y1 - y0))

    def shrink(self, share: float) -> "Rect":
        """Removes `share` of the width at the left and at the right, and `share` of the height at
        the top and at the bottom.

        >>> Rect(0, 0, 100, 50).shrink(0.1)
        Rect(x=10, y=5, width=80, height=40)
        """
        dx, dy = int(share * self.width), int(share * self.height)
        return Rect(self.x + dx, self.y + dy, self.width - 2 * dx, self.height - 2 * dy)

    def enlarge(self, by_px: int) -> "Rect":
        """Adds `by_px` px on every side.

        >>> Rect(10, 10, 5, 5).enlarge(2)
        Rect(x=8, y=8, width=9, height=9)
        """
        return Rect(self.x - by_px, self.y - by_px, self.width + 2 * by_px, self.height + 2 * by_px)

    def enclose(self, other: "Rect") -> "Rect":
        """Returns the smallest rectangle that holds both.

        >>> Rect(0, 0, 10, 10).enclose(Rect(20, -5, 5, 5))
        Rect(x=0, y=-5, width=25, height=15)
        """
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)


def stack_corners(rects: Iterable[Rect]) -> Corners:
    """Stacks rectangles into an array.

    Args:
        rects: N rectangles.

    Returns:
        float64 `(N, 4)` of x0, y0, x1, y1 px; `(0, 4)` for no rectangles.

    >>> stack_corners([Rect(1, 2, 10, 20)])
    array([[ 1.,  2., 11., 22.]])
    """
    return np.array([(r.x, r.y, r.right, r.bottom) for r in rects], np.float64).reshape(-1, 4)


def count_shared_px(ours: Corners, theirs: Corners) -> Corners:
    """Counts the pixels that each of our rectangles has in common with each of theirs.

    Args:
        ours: float64 `(P, 4)` of x0, y0, x1, y1 px.
        theirs: float64 `(M, 4)` of the same.

    Returns:
        float64 `(P, M)`: the area in px; 0 for rectangles that only touch.

    >>> ours = stack_corners([Rect(0, 0, 10, 10), Rect(20, 0, 10, 10)])
    >>> count_shared_px(ours, stack_corners([Rect(5, 5, 10, 10)]))
    array([[25.],
           [ 0.]])
    """
    wide = np.minimum(ours[:, None, 2], theirs[:, 2]) - np.maximum(ours[:, None, 0], theirs[:, 0])
    high = np.minimum(ours[:, None, 3], theirs[:, 3]) - np.maximum(ours[:, None, 1], theirs[:, 1])
    return np.asarray(np.maximum(wide, 0) * np.maximum(high, 0), np.float64)


def overlaps_any(
    one: tuple[int, int, int, int], others: Iterable[tuple[int, int, int, int]]
) -> bool:
    """Returns whether a rectangle has a pixel in common with any of the others. All are given by
    their `corners`.

    >>> overlaps_any((0, 0, 10, 10), [(10, 0, 20, 10), (9, 9, 12, 12)])
    True
    """
    x0, y0, x1, y1 = one
    return any(
        left < x1 and x0 < right and top < y1 and y0 < low for left, top, right, low in others
    )


def find_shortest_line(one: Rect, other: Rect) -> tuple[tuple[int, int], tuple[int, int]]:
    """Finds the shortest straight line from `one` to `other`.

    Returns:
        Its two ends `(x, y)` px: a point on the border of `one` and a point on the border of
        `other`. Where sides face each other, the line starts in the middle of the part that they
        share. For rectangles that overlap both ends are the same.

    >>> find_shortest_line(Rect(0, 0, 10, 10), Rect(30, 0, 10, 10))
    ((10, 5), (30, 5))
    """
    x0, x1 = _find_gap(one.x, one.right, other.x, other.right)
    y0, y1 = _find_gap(one.y, one.bottom, other.y, other.bottom)
    return (x0, y0), (x1, y1)


def _find_gap(low: int, high: int, other_low: int, other_high: int) -> tuple[int, int]:
    """Returns the two ends of the gap between two intervals. For intervals that overlap both ends
    are the middle of the common part."""
    if high <= other_low:
        return high, other_low
    if other_high <= low:
        return low, other_high
    middle = (max(low, other_low) + min(high, other_high)) // 2
    return middle, middle
