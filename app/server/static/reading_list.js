/**
 * A list of labels, for faces at which there is room for their number alone, as
 * `app/overlay/reading_list.py` has it.
 */

import { findFreePlaces } from "./free_room.js";
import { enlarge, makeRect, moveInside, overlapsAny, roundEven, toCorners } from "./rects.js";

const MIN_LISTED = 2; // faces; a list of fewer is left out
const SHARES = [1, 0.75, 0.5, 0.25]; // of the faces, tried in turn until the list has room
const MAX_COLUMNS = 4; // of the list

/**
 * Finds the faces that are shown with their number alone: their numbers in the scene.
 *
 * @param labels - for each face, the forms of its label
 * @param plan - a Map from key to {label, panel}
 */
export function findUnnamed(labels, scene, plan) {
  return [...scene.faces.keys()].filter((at) => {
    const spot = plan.get(scene.faces[at].key).label;
    return spot !== null && labels[at][spot.form].number && !labels[at][spot.form].text;
  });
}

/**
 * Finds room for a list of labels: {rect, lines: [[face's number in the scene, rect], …]}, of the
 * first faces alone where there is no room for all; null where there is none.
 *
 * @param lines - a Map from a face's number to its label
 * @param kept - the list's place in the reading before, which it keeps if possible
 */
export function placeList(lines, scene, plan, kept) {
  if (lines.size < MIN_LISTED) return null;
  const walls = listWalls(scene, plan);
  const numbers = [...lines.keys()].sort((a, b) => a - b);
  const [x, y] = findMiddle(numbers.map((at) => toCorners(scene.faces[at].box)));
  for (const share of SHARES) {
    const count = Math.max(MIN_LISTED, roundEven(share * lines.size));
    const listed = numbers.slice(0, count);
    const labels = listed.map((at) => lines.get(at));
    for (const { columns, width, height } of listShapes(labels)) {
      if (kept !== null) {
        const rect = moveInside(makeRect(kept.x, kept.y, width, height), scene.size);
        if (!overlapsAny(toCorners(rect), walls)) return layOut(rect, listed, labels, columns);
      }
      let [best, least] = [null, Infinity];
      for (const place of findFreePlaces(scene.size, walls, { width, height })) {
        const far = Math.hypot(place[0] + width / 2 - x, place[1] + height / 2 - y);
        if (far < least) [best, least] = [place, far];
      }
      if (best !== null) return layOut(makeRect(...best, width, height), listed, labels, columns);
    }
  }
  return null;
}

/** Returns the middle of the mean of boxes. */
function findMiddle(boxes) {
  const mean = (side) => boxes.reduce((sum, box) => sum + box[side], 0) / boxes.length;
  return [(mean(0) + mean(2)) / 2, (mean(1) + mean(3)) / 2];
}

/** Lists all that a reading list must not cover. */
function listWalls(scene, plan) {
  const placed = [...plan.values()].flatMap(({ label, panel }) => [label, panel]);
  return [
    ...scene.faces.map(({ box }) => enlarge(toCorners(box), scene.gap)),
    ...scene.blocked.map(toCorners),
    ...placed.filter((spot) => spot !== null).map(({ rect }) => toCorners(rect)),
  ];
}

/** Lists each possible number of columns with the list's size. */
function listShapes(labels) {
  const { wide, high, gap } = measureCell(labels);
  return [...Array(Math.min(MAX_COLUMNS, labels.length)).keys()].map((at) => {
    const columns = at + 1;
    const rows = Math.ceil(labels.length / columns);
    return { columns, width: columns * (wide + gap) - gap, height: rows * (high + gap) - gap };
  });
}

/** Returns the size of a line, and the gap between two lines, px. */
function measureCell(labels) {
  const high = Math.max(...labels.map(({ height }) => height));
  const wide = Math.max(...labels.map(({ width }) => width));
  return { wide, high, gap: Math.max(1, Math.floor(high / 10)) };
}

function layOut(rect, listed, labels, columns) {
  const { wide, high, gap } = measureCell(labels);
  const rows = Math.ceil(listed.length / columns);
  const lines = listed.map((number, place) => {
    const [column, row] = [Math.floor(place / rows), place % rows];
    return [number, makeRect(rect.x + column * (wide + gap), rect.y + row * (high + gap), wide, high)];
  });
  return { rect, lines };
}
