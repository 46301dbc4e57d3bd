/**
 * Finds places on a picture for the labels and panels of its faces, as `app/placement/solver.py`
 * does. Pure geometry: draws nothing.
 *
 * Each face gets a label and, where there is room, a panel. Neither covers the inner part of any
 * face (eyes to mouth), another face, or another label or panel. Where room is short, smaller forms
 * are used, if possible the same one for all faces. A label or panel without any room is left out.
 * A scene, its faces, forms and spots are described in board.js.
 */

import { Board, MAX_FEW_FACES, MIN_CROWD_FACES } from "./board.js";
import { computeLabelCost, findLabel, listLabelOptions, pickLabel } from "./label_places.js";
import { computePanelCost, findPanel } from "./panel_places.js";

const WITHOUT_COST = 0.5; // of a face without a label
const CONTENT_MARGIN = 0.05; // a place is taken unless a smaller form could gain more by over this
// Of more than MAX_FEW_FACES faces, this share must have room for a panel; else none has one.
const MIN_PANEL_SHARE = 0.5;
const MAX_ORDERED = 8; // up to this number of faces, several orders are tried in a single picture
export const MAX_PANELS = 12; // with more faces, labels alone are shown
const UNIFORM_SHARE = 0.8; // of the labels must have room in a form that is used for all
const UNIFORM_GAIN = 0.12; // for each panel where all have the same form; less where some have others

/** Places all labels and panels of a single picture: a Map from key to {label, panel}. */
export function placeAll(scene) {
  const labels = placeLabels(scene);
  const panels = placePanels(scene, labels);
  return new Map(
    scene.faces.map(({ key }, at) => [key, { label: labels[at], panel: panels[at] }]),
  );
}

/** Computes what labels show less what their places cost. Higher is better. */
export function rateLabels(scene, spots) {
  const board = new Board(scene);
  return spots.reduce((sum, spot, number) => {
    if (spot === null) return sum - WITHOUT_COST;
    const { worth } = scene.faces[number].labels[spot.form];
    return sum + (worth - computeLabelCost(board, number, spot));
  }, 0);
}

/** Computes what panels show less what their places cost. Higher is better. */
export function ratePanels(scene, spots) {
  const board = new Board(scene);
  const total = spots.reduce((sum, spot, number) => {
    if (spot === null) return sum;
    const { worth } = scene.faces[number].panels[spot.form];
    return sum + (worth - computePanelCost(board, number, spot));
  }, 0);
  return total + rateUniformity(spots);
}

function rateUniformity(panels) {
  const counts = new Map();
  for (const spot of panels) if (spot !== null) counts.set(spot.form, (counts.get(spot.form) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return UNIFORM_GAIN * Math.max(0, 2 * most - panels.length);
}

/** Returns the largest number of forms that a face has; `kind` is "labels" or "panels". */
function countForms(scene, kind) {
  return Math.max(0, ...scene.faces.map((face) => face[kind].length));
}

/**
 * Places all labels. Each form is tried for all faces in turn, and smaller forms for the faces
 * without room.
 *
 * @param kept - the labels' places in the reading before, which are preferred where they are as good
 * @param drift - the velocity [x, y] of each face, px/s
 * @returns a spot for each face; null where there is no room
 */
export function placeLabels(scene, kept = null, drift = null) {
  const count = scene.faces.length;
  const forms = countForms(scene, "labels");
  const none = Array(count).fill(null);
  const still = new Board(scene);
  const known = new Map();
  const listOptions = (number, form) => {
    const key = form * count + number;
    if (!known.has(key)) known.set(key, listLabelOptions(still, number, form));
    return known.get(key);
  };
  let best = { total: -Infinity, spots: none, fitting: 0 };
  for (let first = 0; first < forms; first += 1) {
    const board = new Board(scene, [], drift);
    const attempt = tryLabels(board, first, forms, listOptions, kept ?? none);
    if (attempt.total > best.total) best = attempt;
    const isUniform = attempt.fitting >= UNIFORM_SHARE * count && !attempt.spots.includes(null);
    if (attempt.fitting === count || isUniform) return attempt.spots;
  }
  return best.spots;
}

/**
 * Places all labels in the form `first`, or in a smaller form where that gains more. Large faces
 * choose first. Returns {total, spots, fitting}: gains less the costs of missing labels, the places,
 * and the number of faces whose label has room in the form `first`.
 */
function tryLabels(board, first, stop, listOptions, kept) {
  const { faces } = board.scene;
  const count = faces.length;
  const spots = Array(count).fill(null);
  const second = Array(count).fill(null); // taken where no smaller form does better
  let waiting = orderBySize(faces);
  let [total, fitting] = [0, 0];
  const settle = (number, { spot, gain }) => {
    spots[number] = spot;
    total += gain;
    board.take(spot.rect);
  };
  for (let form = first; form < stop; form += 1) {
    const left = [];
    for (const number of waiting) {
      const chosen = pickLabel(board, number, form, listOptions(number, form), kept[number]);
      const smaller = form + 1 < stop ? faces[number].labels[form + 1].worth : 0;
      if (chosen !== null && chosen.gain >= smaller - CONTENT_MARGIN) {
        settle(number, chosen);
        continue;
      }
      left.push(number);
      const before = second[number];
      if (chosen !== null && (before === null || chosen.gain > before.gain)) second[number] = chosen;
    }
    waiting = left;
    if (form === first) fitting = count - left.length;
  }
  for (const number of waiting) {
    let chosen = second[number];
    if (chosen === null || !board.isFree(chosen.spot.rect)) {
      const isTried = count <= MIN_CROWD_FACES;
      const other = isTried ? findLabel(board, number, first, kept[number]) : null;
      chosen = other === null ? null : { spot: other, gain: 0 };
    }
    if (chosen !== null) settle(number, chosen);
  }
  const without = spots.filter((spot) => spot === null).length;
  return { total: total - WITHOUT_COST * without, spots, fitting };
}

/**
 * Places all panels, around the labels. Each form is tried for all faces in turn, and the
 * arrangement that shows most is taken. Takes and returns the same as `placeLabels`, and the places
 * of the labels.
 */
export function placePanels(scene, labels, kept = null, drift = null) {
  const count = scene.faces.length;
  const none = Array(count).fill(null);
  const forms = countForms(scene, "panels");
  if (forms === 0 || count > MAX_PANELS) return none;
  const taken = labels.filter((spot) => spot !== null).map(({ rect }) => rect);
  const tryOrder = (first, order) => {
    const board = new Board(scene, taken, drift);
    const spots = [...none];
    let total = 0;
    for (const number of order) {
      const was = kept === null ? null : kept[number];
      const chosen = findPanel(board, number, first, labels[number], was);
      if (chosen === null) continue;
      spots[number] = chosen.spot;
      total += chosen.gain;
      board.take(chosen.spot.rect);
    }
    return { total: total + rateUniformity(spots), spots };
  };
  let best = { total: -1e-9, spots: none };
  const orders = listOrders(scene, kept === null && count <= MAX_ORDERED);
  for (let first = 0; first < forms; first += 1) {
    for (const order of orders) {
      let attempt = tryOrder(first, order);
      const without = order.filter((number) => attempt.spots[number] === null);
      if (without.length > 0 && kept === null) {
        // a second attempt, in which they choose first
        const others = order.filter((number) => !without.includes(number));
        const again = tryOrder(first, [...without, ...others]);
        if (again.total > attempt.total) attempt = again;
      }
      if (attempt.total > best.total) best = attempt;
    }
    const smaller = scene.faces[0].panels[first + 1];
    // No smaller form can show more.
    if (smaller !== undefined && best.total >= count * (smaller.worth + UNIFORM_GAIN)) break;
  }
  const shown = best.spots.filter((spot) => spot !== null).length;
  return count <= MAX_FEW_FACES || shown >= MIN_PANEL_SHARE * count ? best.spots : none;
}

/** Lists the numbers of faces, the largest first. */
function orderBySize(faces) {
  const area = ({ box }) => box.width * box.height;
  return [...faces.keys()].sort((a, b) => area(faces[b]) - area(faces[a]));
}

/**
 * Lists orders in which faces choose their places: the largest first, from the left, from the
 * right, from the top. Without `all`, the first of these alone.
 */
function listOrders({ faces }, all) {
  const largest = orderBySize(faces);
  if (faces.length === 1 || !all) return [largest];
  const numbers = [...faces.keys()];
  const fromLeft = [...numbers].sort((a, b) => faces[a].box.x - faces[b].box.x);
  const fromTop = [...numbers].sort((a, b) => faces[a].box.y - faces[b].box.y);
  return [largest, fromLeft, [...fromLeft].reverse(), fromTop];
}
