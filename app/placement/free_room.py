"""Finds free room on a picture, on a grid of square cells."""

import numpy as np
from numpy.typing import NDArray

from app.placement.rects import Corners

GRID_CELLS = 72  # along the picture's shorter side
MIN_CELL_PX = 4  # in small pictures


def find_free_places(
    size_wh: tuple[int, int], walls: Corners, shape_wh: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Finds the grid points at which a rectangle fits between the walls.

    Args:
        size_wh: Width and height of the picture, px.
        walls: float64 `(M, 4)` of x0, y0, x1, y1 px: what the rectangle must not touch.
        shape_wh: Width and height of the rectangle, px.

    Returns:
        `x (P,)` and `y (P,)` px of top left corners, row by row from the top, each row from the
        left. A cell that a wall touches counts as taken, so narrow gaps can be missed.

    >>> x, y = find_free_places((40, 20), np.array([[0.0, 0, 21, 20]]), (16, 20))
    >>> x.tolist(), y.tolist()
    ([24], [0])
    """
    width, height = size_wh
    cell = choose_cell_px(size_wh)
    rows, columns = height // cell, width // cell
    wide, high = -(-shape_wh[0] // cell), -(-shape_wh[1] // cell)
    if high > rows or wide > columns:
        none = np.zeros(0, np.intp)
        return none, none
    grid = np.zeros((rows + 1, columns + 1), np.int32)
    low = np.clip(np.floor(walls[:, :2] / cell), 0, (columns, rows)).astype(int)
    top = np.clip(np.ceil(walls[:, 2:] / cell), 0, (columns, rows)).astype(int)
    for (x0, y0), (x1, y1) in zip(low.tolist(), top.tolist(), strict=True):
        grid[y0 + 1 : y1 + 1, x0 + 1 : x1 + 1] = 1
    # A summed-area table: the taken cells in any rectangle are four of its entries.
    sums = grid.cumsum(axis=0).cumsum(axis=1)
    inside = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    free_y, free_x = np.nonzero(inside == 0)
    return free_x * cell, free_y * cell


def choose_cell_px(size_wh: tuple[int, int]) -> int:
    """Chooses the side of the grid's cells, px, for a picture of `size_wh` px."""
    return max(MIN_CELL_PX, min(size_wh) // GRID_CELLS)
