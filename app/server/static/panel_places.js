/**
 * Finds the best free place for the panel of one face: at the face, or away from it with a line, as
 * `app/placement/panel_places.py` does.
 */

import {
  DETACHED,
  KEEP_GAIN,
  MAX_DISTANCE,
  measureDiagonal,
  measureGapShare,
  OVER_OWN_COST,
  TOUCH_COST,
} from "./board.js";
import { chooseCellPx, findFreePlaces } from "./free_room.js";
import {
  countSharedPx,
  enclose,
  enlarge,
  findGap,
  findLeast,
  makeRect,
  overlapsAny,
  toCorners,
} from "./rects.js";
import { listPanelPlaces, PANEL_COSTS } from "./slots.js";

const ON_FACE_COST = 0.1; // of a panel that covers any of its own face, besides that share
const DETACHED_COST = 0.3; // of a panel that stands away from its face
const DISTANCE_COST = 0.6; // of one picture diagonal between a detached panel and its face
const MAX_LINES = 24; // nearest free places whose line to the face is checked
const LINE_POINTS = 12; // of a line, at which it is checked
const LINE_ENDS = [0.02, 0.98]; // of a line: its ends touch the face and the panel themselves

/**
 * Finds the best place for the panel of a face, in the form `first` or a smaller one: {spot, gain},
 * null where there is no room. `label` is the place of the face's label, `kept` that of the panel
 * in the reading before, which is preferred.
 */
export function findPanel(board, number, first, label, kept) {
  const { box, panels } = board.scene.faces[number];
  const around = label === null ? box : enclose(box, label.rect);
  const walls = listWalls(board, number);
  const [width, height] = board.scene.size;
  let best = null;
  for (let form = first; form < panels.length; form += 1) {
    const shape = panels[form];
    if (best !== null && best.gain >= shape.worth) break;
    if (shape.width > width || shape.height > height) continue;
    const places = listPanelPlaces(box, around, shape, board.scene);
    const soon = board.predictCosts(number, places);
    const costs = places.map((place, slot) => {
      const corners = toCorners(place);
      const own = countSharedPx(corners, board.boxes[number]);
      if ((own > 0 && !shape.overOwn) || overlapsAny(corners, walls)) return Infinity;
      const cost = PANEL_COSTS[slot] + soon[slot];
      if (!shape.overOwn) return cost;
      return cost + ((OVER_OWN_COST * own) / (shape.width * shape.height) + ON_FACE_COST * (own > 0));
    });
    if (kept !== null && kept.slot >= 0) costs[kept.slot] -= KEEP_GAIN;
    const slot = findLeast(costs);
    const gain = shape.worth - costs[slot];
    if (Number.isFinite(gain) && (best === null || gain > best.gain)) {
      best = { spot: { form, slot, rect: places[slot] }, gain };
    }
    const mayDetach = form === first || (shape.overOwn && !panels[form - 1].overOwn);
    if (mayDetach && (best === null || best.gain < shape.worth - DETACHED_COST)) {
      const away = findDetached(board, number, form, walls, kept);
      if (away !== null && (best === null || away.gain > best.gain)) best = away;
    }
  }
  return best;
}

/** Computes the cost of the panel of a face at a place. */
export function computePanelCost(board, number, { form, slot, rect }) {
  const { overOwn } = board.scene.faces[number].panels[form];
  const cost = TOUCH_COST * board.touchesFaces(number, rect, overOwn);
  if (slot === DETACHED) {
    return cost + DETACHED_COST + DISTANCE_COST * measureGapShare(board.scene, number, rect);
  }
  const own = board.measureOwnShare(number, rect);
  return cost + PANEL_COSTS[slot] + OVER_OWN_COST * own + ON_FACE_COST * (own > 0);
}

/**
 * Lists all that a new panel of a face must not touch. Other faces, labels and panels are enlarged,
 * so that some room is left around them.
 */
function listWalls(board, number) {
  const room = 2 * board.scene.gap;
  const half = Math.floor((room + 1) / 2);
  return [
    ...board.listOthers(number).map((box) => enlarge(box, room)),
    ...board.inner,
    ...board.blocked,
    ...board.taken.map((corners) => enlarge(corners, half)),
  ];
}

/** Finds the free place nearest to a face whose line to the face crosses no face and no text. */
function findDetached(board, number, form, walls, kept) {
  const { size, gap, faces } = board.scene;
  const { box, panels } = faces[number];
  const { width, height, worth } = panels[form];
  const ownBox = enlarge(toCorners(box), 2 * gap);
  const diagonal = measureDiagonal(size);
  const [x0, y0, x1, y1] = toCorners(box);
  const reach = 2 * chooseCellPx(size);
  const wasAway = kept !== null && kept.slot === DETACHED;
  const far = findFreePlaces(size, [...walls, ownBox], { width, height }).map(([x, y]) => {
    const dx = Math.max(0, x - x1, x0 - x - width);
    const dy = Math.max(0, y - y1, y0 - y - height);
    const share = Math.sqrt(dx * dx + dy * dy) / diagonal;
    const isNear = wasAway && Math.hypot(x - kept.rect.x, y - kept.rect.y) <= reach;
    return { x, y, far: isNear ? share - KEEP_GAIN : share };
  });
  if (far.length === 0) return null;
  const nearest = listNearest(far, MAX_LINES);
  const rects = nearest.map(({ x, y }) => makeRect(x, y, width, height));
  const soon = board.predictCosts(number, rects, true);
  const lineWalls = [...board.listOthers(number), ...board.taken, ...board.blocked];
  const costs = nearest.map((one, at) => {
    const isClear = hasClearLine(box, rects[at], lineWalls);
    if (!isClear || one.far > MAX_DISTANCE) return Infinity;
    return DETACHED_COST + DISTANCE_COST * one.far + soon[at];
  });
  const best = findLeast(costs);
  if (!Number.isFinite(costs[best])) return null;
  return { spot: { form, slot: DETACHED, rect: rects[best] }, gain: worth - costs[best] };
}

/** Lists the `count` places with the least `far`, in order; equal ones in the order of before. */
function listNearest(places, count) {
  const nearest = [];
  for (const one of places) {
    if (nearest.length === count && !(one.far < nearest[count - 1].far)) continue;
    let at = nearest.length;
    while (at > 0 && nearest[at - 1].far > one.far) at -= 1;
    nearest.splice(at, 0, one);
    if (nearest.length > count) nearest.pop();
  }
  return nearest;
}

/** Tells whether the line from a place to a face crosses none of the walls. */
function hasClearLine(box, rect, walls) {
  const [ours, theirs] = [toCorners(rect), toCorners(box)];
  const [x0, x1] = findGap(ours[0], ours[2], theirs[0], theirs[2]);
  const [y0, y1] = findGap(ours[1], ours[3], theirs[1], theirs[3]);
  const [start, end] = LINE_ENDS;
  const step = (end - start) / (LINE_POINTS - 1);
  for (let at = 0; at < LINE_POINTS; at += 1) {
    const share = at === LINE_POINTS - 1 ? end : at * step + start;
    const [x, y] = [x0 + (x1 - x0) * share, y0 + (y1 - y0) * share];
    if (walls.some(([left, top, right, low]) => x > left && x < right && y > top && y < low)) {
      return false;
    }
  }
  return true;
}
