/** Finds the best free place for the label of one face, as `app/placement/label_places.py` does. */

import { KEEP_GAIN, MAX_FEW_FACES, OVER_OWN_COST, TOUCH_COST } from "./board.js";
import { countSharedPx, findLeast, overlapsAny, toCorners } from "./rects.js";
import { LABEL_COSTS, listLabelPlaces } from "./slots.js";

// Where no place is free, hiding little of the face counts most, then showing more, then the slot.
const RESORT_WORTH_SHARE = 0.2;
const RESORT_SLOT_SHARE = 0.1;

/**
 * Lists the slots of a face's label in one form: {places, costs}. A cost is infinite where a face
 * or a blocked part of the picture would be covered. Places that are taken are not considered, so
 * the result is the same for all boards of one scene.
 */
export function listLabelOptions(board, number, form) {
  const { box, labels } = board.scene.faces[number];
  const { width, height } = labels[form];
  const places = listLabelPlaces(box, labels[form], board.scene);
  const never = [...board.listOthers(number), ...board.inner, ...board.blocked];
  const costs = places.map((place, slot) => {
    const corners = toCorners(place);
    if (overlapsAny(corners, never)) return Infinity;
    const own = countSharedPx(corners, board.boxes[number]);
    return LABEL_COSTS[slot] + (OVER_OWN_COST * own) / (width * height);
  });
  return { places, costs };
}

/**
 * Picks the best free place for the label of a face in one form: {spot, gain}, null where no place
 * is free. `kept` is its place in the reading before, which is preferred.
 */
export function pickLabel(board, number, form, { places, costs: plain }, kept) {
  if (!plain.some(Number.isFinite)) return null;
  const soon = board.predictCosts(number, places);
  const costs = plain.map((cost, slot) => cost + soon[slot]);
  if (kept !== null && kept.slot >= 0) costs[kept.slot] -= KEEP_GAIN;
  places.forEach((place, slot) => {
    if (!board.isFree(place)) costs[slot] = Infinity;
  });
  const slot = findLeast(costs);
  if (!Number.isFinite(costs[slot])) return null;
  const { worth } = board.scene.faces[number].labels[form];
  return { spot: { form, slot, rect: places[slot] }, gain: worth - costs[slot] };
}

/**
 * Finds the best free place for the label of a face, in the form `first` or a smaller one; null for
 * none. A label of up to MAX_FEW_FACES faces may cover its own face where no place is free.
 */
export function findLabel(board, number, first, kept) {
  let best = null;
  for (let form = first; form < board.scene.faces[number].labels.length; form += 1) {
    const chosen = pickLabel(board, number, form, listLabelOptions(board, number, form), kept);
    if (chosen !== null && (best === null || chosen.gain > best.gain)) best = chosen;
  }
  if (best !== null) return best.spot;
  return board.scene.faces.length <= MAX_FEW_FACES ? findLeastHiding(board, number, kept) : null;
}

/** Returns the place at which the label hides least of its own face. */
function findLeastHiding(board, number, kept) {
  const { box, labels } = board.scene.faces[number];
  const walls = [...board.taken, ...board.blocked, ...board.listOthers(number)];
  let [best, least] = [null, Infinity];
  labels.forEach((shape, form) => {
    const places = listLabelPlaces(box, shape, board.scene);
    const costs = places.map((place, slot) => {
      const corners = toCorners(place);
      if (overlapsAny(corners, walls)) return Infinity;
      const hidden = countSharedPx(corners, board.inner[number]) / (shape.width * shape.height);
      return hidden - RESORT_WORTH_SHARE * shape.worth + RESORT_SLOT_SHARE * LABEL_COSTS[slot];
    });
    if (kept !== null) costs[kept.slot] -= KEEP_GAIN;
    const slot = findLeast(costs);
    if (costs[slot] < least) [best, least] = [{ form, slot, rect: places[slot] }, costs[slot]];
  });
  return best;
}

/** Computes the cost of the label of a face at a place. */
export function computeLabelCost(board, number, { slot, rect }) {
  const cost = LABEL_COSTS[slot] + OVER_OWN_COST * board.measureOwnShare(number, rect);
  return cost + TOUCH_COST * board.touchesFaces(number, rect, true);
}
