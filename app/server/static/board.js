/**
 * The state of one picture while labels and panels are placed, and the costs that both share, as
 * `app/placement/board.py` has them. A place gains the worth of the form that is shown there, at
 * most 1, less the cost of the place. All costs are in this unit.
 *
 * A scene is {size: [width, height], gap, faces, blocked}: whole px, and rectangles on which
 * nothing is placed. A face of it is {key, box, inner, labels, panels}: its box, cut to the
 * picture; the part from the eyes to the mouth, which nothing may cover; and the forms of its label
 * and panel, the fullest first: {width, height, worth, overOwn}. A spot is {form, slot, rect}.
 */

import { countSharedPx, overlapsAny, shrink, toCorners } from "./rects.js";

export const OVER_OWN_COST = 0.4; // of a place that covers its own face as a whole
export const KEEP_GAIN = 0.2; // for the place of the reading before
const SOON_S = [0.4, 0.8, 1.2]; // times from now for which positions of faces are predicted
const SOON_COST = 0.2; // for each of these times at which another face would be in the place
export const MIN_CROWD_FACES = 13; // from this number on, faces cross each other's ways too often
export const MAX_FEW_FACES = 3; // up to this number, each has a label even where no place is free
const TOUCH_SHARE = 0.07; // of a face's sides: may lie under a place that stood there before
export const TOUCH_COST = 0.3; // of a place that covers a face's border
export const MAX_DISTANCE = 0.45; // of a detached panel from its face, in picture diagonals
const MAX_HELD_DISTANCE = 1.2 * MAX_DISTANCE; // of a panel that stood there before
export const DETACHED = -1; // the slot of a panel that stands away from its face, with a line

/** One picture's faces, and the places that are taken. Faces are numbered as in the scene. */
export class Board {
  /**
   * @param scene - the picture and its faces
   * @param taken - rectangles that are taken from the start
   * @param drift - the velocity [x, y] of each face, px/s; null: faces are taken to stand still
   */
  constructor(scene, taken = [], drift = null) {
    this.scene = scene;
    this.boxes = scene.faces.map(({ box }) => toCorners(box));
    this.inner = scene.faces.map(({ inner }) => toCorners(inner));
    this.blocked = scene.blocked.map(toCorners);
    this.taken = taken.map(toCorners);
    const moves = drift !== null && drift.some(([x, y]) => x !== 0 || y !== 0);
    this._drift = moves && scene.faces.length < MIN_CROWD_FACES ? drift : null;
  }

  /** Marks the place of a label or panel as taken. */
  take(rect) {
    this.taken.push(toCorners(rect));
  }

  /** Tells whether a place overlaps no place that is taken. */
  isFree(rect) {
    return !overlapsAny(toCorners(rect), this.taken);
  }

  /** Lists the boxes of all faces but one. */
  listOthers(number) {
    return this.boxes.filter((_, at) => at !== number);
  }

  /**
   * Computes for each place the cost of other faces that soon move into it, and of a place that
   * leaves the picture with its face. Detached places stay on the picture; others move with their
   * face.
   */
  predictCosts(number, places, isDetached = false) {
    if (this._drift === null) return places.map(() => 0);
    const own = this._drift[number];
    const moving = [];
    this.boxes.forEach((box, at) => {
      if (isDetached) moving.push([box, this._drift[at]]);
      else if (at !== number) {
        moving.push([box, [this._drift[at][0] - own[0], this._drift[at][1] - own[1]]]);
      }
    });
    const soon = SOON_S.map((time) =>
      moving.map(([[x0, y0, x1, y1], [dx, dy]]) => [
        x0 + time * dx,
        y0 + time * dy,
        x1 + time * dx,
        y1 + time * dy,
      ]),
    );
    const [width, height] = this.scene.size;
    return places.map((place) => {
      const [x0, y0, x1, y1] = toCorners(place);
      const hits = soon.filter((boxes) => overlapsAny([x0, y0, x1, y1], boxes)).length;
      let cost = SOON_COST * hits;
      if (!isDetached) {
        const out = SOON_S.filter((time) => {
          const [dx, dy] = [time * own[0], time * own[1]];
          return x0 + dx < 0 || y0 + dy < 0 || x1 + dx > width || y1 + dy > height;
        });
        cost += SOON_COST * out.length;
      }
      return cost;
    });
  }

  /** Tells whether a place of a face covers a part of any face's box, except its own if `overOwn`. */
  touchesFaces(number, rect, overOwn) {
    return overlapsAny(toCorners(rect), overOwn ? this.listOthers(number) : this.boxes);
  }

  /** Returns the share of a place that lies over the box of its own face. */
  measureOwnShare(number, rect) {
    const area = Math.max(1, rect.width * rect.height);
    return countSharedPx(toCorners(rect), this.boxes[number]) / area;
  }
}

/**
 * Decides which places of the reading before are still allowed, as far as faces and the picture's
 * borders go. A place may touch the border of a face for a while, but no inner part.
 *
 * @param held - pairs of a face's number and the spot that was carried to where it is now
 * @param overOwn - for each, whether its form may cover its own face
 */
export function canStay(scene, held, overOwn) {
  const [width, height] = scene.size;
  const never = [...scene.faces.map(({ inner }) => inner), ...scene.blocked].map(toCorners);
  const shrunk = scene.faces.map(({ box }) => toCorners(shrink(box, TOUCH_SHARE)));
  return held.map(([number, spot], at) => {
    const rect = toCorners(spot.rect);
    // Over its own face lies only what the picture's border has pushed there.
    const own = overOwn[at] ? [] : [toCorners(scene.faces[number].box)];
    const isInside = rect[0] >= 0 && rect[1] >= 0 && rect[2] <= width && rect[3] <= height;
    return (
      isInside &&
      !overlapsAny(rect, [...own, ...shrunk.filter((_, other) => other !== number)]) &&
      !overlapsAny(rect, never) &&
      !(
        spot.slot === DETACHED &&
        measureGapShare(scene, number, spot.rect) > MAX_HELD_DISTANCE
      )
    );
  });
}

/** Returns the shortest distance of a place from the box of a face, in picture diagonals. */
export function measureGapShare(scene, number, rect) {
  const [x0, y0, x1, y1] = toCorners(scene.faces[number].box);
  const dx = Math.max(0, rect.x - x1, x0 - rect.x - rect.width);
  const dy = Math.max(0, rect.y - y1, y0 - rect.y - rect.height);
  return Math.sqrt(dx * dx + dy * dy) / measureDiagonal(scene.size);
}

/** Returns the diagonal of a picture, px. `Math.hypot` is not as exact for whole numbers. */
export function measureDiagonal([width, height]) {
  return Math.sqrt(width * width + height * height);
}
