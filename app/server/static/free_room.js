/** Finds free room on a picture, on a grid of square cells, as `app/placement/free_room.py` does. */

const GRID_CELLS = 72; // along the picture's shorter side
const MIN_CELL_PX = 4; // in small pictures

/** Chooses the side of the grid's cells, px. */
export function chooseCellPx(size) {
  return Math.max(MIN_CELL_PX, Math.floor(Math.min(...size) / GRID_CELLS));
}

/**
 * Finds the grid points at which a rectangle fits between the walls: [x, y] of top left corners,
 * row by row from the top, each row from the left. A cell that a wall touches counts as taken.
 *
 * @param size - [width, height] of the picture, px
 * @param walls - corners of what the rectangle must not touch
 * @param shape - {width, height} of the rectangle, px
 */
export function findFreePlaces(size, walls, shape) {
  const cell = chooseCellPx(size);
  const [columns, rows] = size.map((side) => Math.floor(side / cell));
  const [wide, high] = [Math.ceil(shape.width / cell), Math.ceil(shape.height / cell)];
  if (high > rows || wide > columns) return [];
  const line = columns + 1;
  const sums = new Int32Array((rows + 1) * line);
  const bound = (value, end) => Math.min(Math.max(value, 0), end);
  for (const [x0, y0, x1, y1] of walls) {
    const [left, right] = [bound(Math.floor(x0 / cell), columns), bound(Math.ceil(x1 / cell), columns)];
    const [top, low] = [bound(Math.floor(y0 / cell), rows), bound(Math.ceil(y1 / cell), rows)];
    for (let y = top; y < low; y += 1) {
      if (left < right) sums.fill(1, (y + 1) * line + left + 1, (y + 1) * line + right + 1);
    }
  }
  // A summed-area table: the taken cells in any rectangle are four of its entries.
  for (let y = 1; y <= rows; y += 1) {
    let sum = 0;
    for (let x = 1; x <= columns; x += 1) {
      sum += sums[y * line + x];
      sums[y * line + x] = sums[(y - 1) * line + x] + sum;
    }
  }
  const free = [];
  for (let y = 0; y + high <= rows; y += 1) {
    const [upper, lower] = [y * line, (y + high) * line];
    for (let x = 0; x + wide <= columns; x += 1) {
      const taken = sums[lower + x + wide] + sums[upper + x] - sums[upper + x + wide] - sums[lower + x];
      if (taken === 0) free.push([x * cell, y * cell]);
    }
  }
  return free;
}
