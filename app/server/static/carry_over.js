/**
 * Carries the places of the reading before over to a new one, in which faces have moved, as
 * `app/placement/carry_over.py` does.
 */

import { Board, canStay, DETACHED, MAX_FEW_FACES } from "./board.js";
import { findLabel } from "./label_places.js";
import { findPanel } from "./panel_places.js";
import { enclose, moveInside, overlapsAny, toCorners } from "./rects.js";
import { listLabelPlaces, listPanelPlaces } from "./slots.js";
import { MAX_PANELS } from "./solver.js";

/**
 * Moves all places along with their faces. New faces, and places that are in the way, get another
 * place.
 *
 * @param known - a Map from key to {label, panel}, the oldest first; the oldest choose first
 * @param drift - the velocity [x, y] of each face, px/s
 * @param retry - labels and panels that had no room are tried again
 * @returns the new Map, in the order of the scene's faces
 */
export function carryOver(scene, known, drift, retry) {
  const age = new Map([...known.keys()].map((key, rank) => [key, rank]));
  const rank = (number) => age.get(scene.faces[number].key) ?? age.size;
  const order = [...scene.faces.keys()].sort((a, b) => rank(a) - rank(b));
  const labels = carryLabels(scene, known, order, drift, retry);
  const panels = carryPanels(scene, known, order, labels, drift, retry);
  return new Map(
    scene.faces.map(({ key }, number) => [
      key,
      { label: labels.get(number) ?? null, panel: panels.get(number) ?? null },
    ]),
  );
}

function carryLabels(scene, known, order, drift, retry) {
  const held = [];
  const moved = [];
  for (const number of order) {
    const { key, box, labels } = scene.faces[number];
    const spot = known.get(key)?.label ?? null;
    if (spot !== null && spot.form < labels.length) {
      const target = listLabelPlaces(box, labels[spot.form], scene)[spot.slot];
      held.push([number, follow(scene, spot, target)]);
    } else if (spot !== null || !known.has(key) || retry) {
      moved.push(number);
    }
  }
  const stay = canStay(scene, held, held.map(() => true));
  const first = findFirstForm(held);
  const { carried, givenWay } = splitClashes(held, stay, []);
  if (givenWay.length + moved.length === 0) return carried;
  const board = new Board(scene, [...carried.values()].map(({ rect }) => rect), drift);
  for (const number of [...givenWay, ...moved]) {
    const was = known.get(scene.faces[number].key)?.label ?? null;
    const spot = findLabel(board, number, first, was);
    if (spot === null) continue;
    carried.set(number, spot);
    board.take(spot.rect);
  }
  return carried;
}

function carryPanels(scene, known, order, labels, drift, retry) {
  const held = [];
  let moved = [];
  for (const number of order) {
    const face = scene.faces[number];
    const spot = known.get(face.key)?.panel ?? null;
    if (spot !== null && spot.form < face.panels.length) {
      held.push([number, movePanel(scene, face, spot, labels.get(number) ?? null)]);
    } else if (spot !== null || (order.length <= MAX_PANELS && (retry || !known.has(face.key)))) {
      moved.push(number);
    }
  }
  // The solver decides whether many faces have panels at all.
  if (order.length > MAX_FEW_FACES && held.length === 0) moved = [];
  const taken = [...labels.values()].map(({ rect }) => rect);
  const overOwn = held.map(([number, spot]) => scene.faces[number].panels[spot.form].overOwn);
  const stay = canStay(scene, held, overOwn);
  const first = findFirstForm(held);
  const { carried, givenWay } = splitClashes(held, stay, taken);
  if (givenWay.length + moved.length === 0) return carried;
  const standing = [...carried.values()].map(({ rect }) => rect);
  const board = new Board(scene, [...taken, ...standing], drift);
  for (const number of [...givenWay, ...moved]) {
    const was = known.get(scene.faces[number].key)?.panel ?? null;
    const chosen = findPanel(board, number, first, labels.get(number) ?? null, was);
    if (chosen === null) continue;
    carried.set(number, chosen.spot);
    board.take(chosen.spot.rect);
  }
  return carried;
}

function findFirstForm(held) {
  return held.length === 0 ? 0 : Math.min(...held.map(([, spot]) => spot.form));
}

/** Moves a panel along with its face. A detached panel stays on the picture. */
function movePanel(scene, { box, panels }, spot, label) {
  const { width, height } = panels[spot.form];
  if (spot.slot === DETACHED) {
    return { ...spot, rect: moveInside({ ...spot.rect, width, height }, scene.size) };
  }
  const around = label === null ? box : enclose(box, label.rect);
  return follow(scene, spot, listPanelPlaces(box, around, panels[spot.form], scene)[spot.slot]);
}

/**
 * Moves a place towards `target`, where its slot is now, until it is at most half a gap away. So a
 * place follows its face but not the trembling of the face's box.
 */
function follow(scene, spot, target) {
  const leash = Math.floor(scene.gap / 2);
  const x = Math.min(Math.max(spot.rect.x, target.x - leash), target.x + leash);
  const y = Math.min(Math.max(spot.rect.y, target.y - leash), target.y + leash);
  return { ...spot, rect: moveInside({ ...target, x, y }, scene.size) };
}

/**
 * Splits places into those that stay, a Map by the number of their face, and the numbers of faces
 * whose place gives way: those that may not `stay`, and those that overlap `taken` or an earlier
 * place.
 */
function splitClashes(held, stay, taken) {
  const carried = new Map();
  const givenWay = [];
  const standing = taken.map(toCorners);
  held.forEach(([number, spot], at) => {
    const corners = toCorners(spot.rect);
    if (stay[at] && !overlapsAny(corners, standing)) {
      standing.push(corners);
      carried.set(number, spot);
    } else {
      givenWay.push(number);
    }
  });
  return { carried, givenWay };
}
