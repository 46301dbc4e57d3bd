/**
 * Rectangles of whole pixels, as `app/placement/rects.py` has them: {x, y, width, height}. Corners
 * are [x0, y0, x1, y1]. The right and lower borders are not part of a rectangle.
 */

/** Rounds to the nearest whole number, halves to the even one, as Python does. */
export function roundEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

export function makeRect(x, y, width, height) {
  return { x, y, width, height };
}

/** Returns the corners [x0, y0, x1, y1] of a rectangle. */
export function toCorners({ x, y, width, height }) {
  return [x, y, x + width, y + height];
}

/** Makes a rectangle of corners. */
export function toRect([x0, y0, x1, y1]) {
  return makeRect(x0, y0, x1 - x0, y1 - y0);
}

/**
 * Moves a rectangle into a picture of [width, height] px and keeps its size. A rectangle larger
 * than the picture starts at the top left.
 */
export function moveInside({ x, y, width, height }, [wide, high]) {
  return makeRect(
    Math.max(0, Math.min(x, wide - width)),
    Math.max(0, Math.min(y, high - height)),
    width,
    height,
  );
}

/** Returns the part that lies in a picture; for a rectangle outside it, the nearest pixel. */
export function cutTo(rect, [wide, high]) {
  const bound = (value, end) => Math.min(Math.max(value, 0), end);
  const [x0, y0, x1, y1] = toCorners(rect);
  const left = Math.min(bound(x0, wide), Math.max(0, wide - 1));
  const top = Math.min(bound(y0, high), Math.max(0, high - 1));
  return makeRect(
    left,
    top,
    Math.max(1, bound(x1, wide) - left),
    Math.max(1, bound(y1, high) - top),
  );
}

/** Removes a share of the width at the left and at the right, and of the height likewise. */
export function shrink({ x, y, width, height }, share) {
  const [dx, dy] = [Math.trunc(share * width), Math.trunc(share * height)];
  return makeRect(x + dx, y + dy, width - 2 * dx, height - 2 * dy);
}

/** Adds `by` px to corners on every side. */
export function enlarge([x0, y0, x1, y1], by) {
  return [x0 - by, y0 - by, x1 + by, y1 + by];
}

/** Returns the smallest rectangle that holds both. */
export function enclose(one, other) {
  const [ours, theirs] = [toCorners(one), toCorners(other)];
  return toRect([
    Math.min(ours[0], theirs[0]),
    Math.min(ours[1], theirs[1]),
    Math.max(ours[2], theirs[2]),
    Math.max(ours[3], theirs[3]),
  ]);
}

/** Counts the pixels that two rectangles, given by their corners, have in common. */
export function countSharedPx(ours, theirs) {
  const wide = Math.min(ours[2], theirs[2]) - Math.max(ours[0], theirs[0]);
  const high = Math.min(ours[3], theirs[3]) - Math.max(ours[1], theirs[1]);
  return Math.max(wide, 0) * Math.max(high, 0);
}

/** Tells whether a rectangle has a pixel in common with any of the others. All are corners. */
export function overlapsAny([x0, y0, x1, y1], others) {
  return others.some(
    ([left, top, right, low]) => left < x1 && x0 < right && top < y1 && y0 < low,
  );
}

/**
 * Finds the shortest straight line from one rectangle to another: its two ends {x, y}. Where sides
 * face each other, it starts in the middle of the part that they share. For rectangles that overlap
 * both ends are the same.
 */
export function findShortestLine(one, other) {
  const [ours, theirs] = [toCorners(one), toCorners(other)];
  const [x0, x1] = findGap(ours[0], ours[2], theirs[0], theirs[2], Math.floor);
  const [y0, y1] = findGap(ours[1], ours[3], theirs[1], theirs[3], Math.floor);
  return [
    { x: x0, y: y0 },
    { x: x1, y: y1 },
  ];
}

/**
 * Returns the two ends of the gap between two intervals. For intervals that overlap, both ends are
 * the middle of the common part, made whole by `round`.
 */
export function findGap(low, high, otherLow, otherHigh, round = (value) => value) {
  if (high <= otherLow) return [high, otherLow];
  if (otherHigh <= low) return [low, otherHigh];
  const middle = round((Math.max(low, otherLow) + Math.min(high, otherHigh)) / 2);
  return [middle, middle];
}

/** Returns the index of the smallest value, of the first one where several are as small. */
export function findLeast(values) {
  let least = 0;
  for (let at = 1; at < values.length; at += 1) if (values[at] < values[least]) least = at;
  return least;
}
