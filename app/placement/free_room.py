"""Finds free room on a picture, on a grid."""

import numpy as np
from numpy.typing import NDArray

from app.placement.rects import Corners

GRID_CELLS = 72  # along the picture's shorter side


def find_free_places(
    size_wh: tuple[int, int], walls: Corners, shape_wh: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the top left corners `x (P,)`, `y (P,)` px of a grid at which a rectangle of
    `shape_wh` px touches none of `walls (M, 4)`, from the top, in each row from the left."""
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
    sums = grid.cumsum(axis=0).cumsum(axis=1)  # of everything above and to the left
    inside = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    free_y, free_x = np.nonzero(inside == 0)
    return free_x * cell, free_y * cell


def choose_cell_px(size_wh: tuple[int, int]) -> int:
    """Returns the side of the grid's cells."""
    return max(4, min(size_wh) // GRID_CELLS)
