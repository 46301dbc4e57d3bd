/**
 * The slots of labels and panels: fixed places around a face, and the cost of each, as
 * `app/placement/slots.py` has them. A cost is subtracted from the worth of what is shown there.
 */

import { makeRect, moveInside, toCorners } from "./rects.js";

// Of a label. The place above the box, with left edges in line, is the best one.
export const LABEL_COSTS = [
  ...[0, 0.02, 0.03], // above: left edges in line, right edges in line, centred
  ...[0.05, 0.07, 0.08], // below, in the same order
  ...[0.12, 0.14, 0.16, 0.18], // right and left of the top, right and left of the bottom
  ...[0.22, 0.24, 0.26, 0.28], // in the box: top left, top right, bottom left, bottom right
];
// Of a panel: 10 slots around the box, the same 10 around the box with its label, 6 in the box.
const AROUND_COSTS = [0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.1, 0.12, 0.14, 0.16];
const WITH_LABEL_COST = 0.005; // more than the same slot around the box alone
const IN_BOX_COST = 0.2;
export const PANEL_COSTS = [
  ...AROUND_COSTS,
  ...AROUND_COSTS.map((cost) => cost + WITH_LABEL_COST),
  ...Array(6).fill(IN_BOX_COST),
];

/** Lists the place of a label in each slot, moved into the picture, in the order of LABEL_COSTS. */
export function listLabelPlaces(box, form, scene) {
  const [x0, y0, x1, y1] = toCorners(box);
  const { width: w, height: h } = form;
  const gap = scene.gap;
  const [above, below] = [y0 - gap - h, y1 + gap];
  const middle = Math.floor((x0 + x1 - w) / 2);
  const [inLeft, inRight, inTop, inBottom] = [x0 + gap, x1 - gap - w, y0 + gap, y1 - gap - h];
  const [right, left] = [x1 + gap, x0 - gap - w];
  return makePlaces(
    [x0, x1 - w, middle, x0, x1 - w, middle, right, left, right, left]
      .concat([inLeft, inRight, inLeft, inRight]),
    [above, above, above, below, below, below, y0, y0, y1 - h, y1 - h]
      .concat([inTop, inTop, inBottom, inBottom]),
    form,
    scene,
  );
}

/**
 * Lists the place of a panel in each slot, moved into the picture, in the order of PANEL_COSTS.
 * `around` is the smallest rectangle around the box and its label; `box` where it has none.
 */
export function listPanelPlaces(box, around, form, scene) {
  const { width: w, height: h } = form;
  const gap = scene.gap;
  const [x0, y0, x1, y1] = toCorners(box);
  const middle = Math.floor((x0 + x1 - w) / 2);
  const [xs, ys] = [[], []];
  for (const one of [box, around]) {
    const [left, top, right, low] = toCorners(one);
    xs.push(right + gap, left - gap - w, right + gap, left - gap - w);
    ys.push(y0, y0, y1 - h, y1 - h);
    xs.push(x0, x1 - w, middle, x0, x1 - w, middle);
    ys.push(low + gap, low + gap, low + gap, top - gap - h, top - gap - h, top - gap - h);
  }
  const [inLeft, inRight, inTop, inBottom] = [x0 + gap, x1 - gap - w, y0 + gap, y1 - gap - h];
  xs.push(inLeft, inRight, inLeft, inRight, middle, middle);
  ys.push(inBottom, inBottom, inTop, inTop, inBottom, inTop);
  return makePlaces(xs, ys, form, scene);
}

function makePlaces(xs, ys, { width, height }, scene) {
  return xs.map((x, at) => moveInside(makeRect(x, ys[at], width, height), scene.size));
}
