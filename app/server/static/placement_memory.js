/**
 * Keeps labels and panels where they are while faces move, as `app/placement/memory.py` does.
 *
 * A place is carried along with its face; a detached panel stays on the picture. A place that gets
 * in the way of a face or of another text moves once. Texts grow, return and move to better places
 * only after a much better arrangement has been possible for OPEN_S, so that nothing flickers.
 */

import { DETACHED } from "./board.js";
import { carryOver } from "./carry_over.js";
import { overlapsAny, toCorners } from "./rects.js";
import { placeAll, placeLabels, placePanels, rateLabels, ratePanels } from "./solver.js";

const OPEN_S = 1.5; // how long a better arrangement must be possible before texts move to it
const CHECK_S = 0.4; // between two searches for a better arrangement
const CHECK_EACH_S = 0.04; // more than that for each face, because a search takes longer then
const DRIFT_S = 0.4; // over which velocities of faces are averaged
const REMEMBER_S = 2; // a face that returns within this time gets its places back
const MIN_WON = 0.1; // worth that a new arrangement must win
const MIN_WON_EACH = 0.2; // more than that for each text that moves
const SETTLED_GAPS = 3; // that a face must move before better places are looked for again

/** The places of one stream's texts, from reading to reading. */
export class PlacementMemory {
  constructor() {
    this._kept = new Map(); // key -> {places, seenS}; the oldest first
    this._scene = null;
    this._plan = new Map();
    this._nowS = 0;
    this._checkedS = 0;
    this._betterLabels = new Patience();
    this._betterPanels = new Patience();
    this._drift = new Map(); // key -> [x, y] px/s
    this._settled = null; // boxes for which there was nothing better
  }

  /**
   * Finds the places of one reading: a Map from key to {label, panel}. After a time that runs
   * backwards, and in a picture of another size, all places are chosen again.
   */
  place(scene, timeS) {
    const before = this._scene;
    if (before !== null && timeS === this._nowS && isSameScene(scene, before)) return this._plan;
    if (before === null || !isSame(before.size, scene.size) || timeS < this._nowS) {
      this._kept = new Map();
      this._drift = new Map();
    }
    for (const [key, { seenS }] of this._kept) {
      if (timeS - seenS > REMEMBER_S) this._kept.delete(key);
    }
    const known = new Map([...this._kept].map(([key, { places }]) => [key, places]));
    let plan;
    if (scene.faces.some(({ key }) => known.has(key))) {
      const drift = this._updateDrift(scene, timeS);
      const isDue = timeS - this._checkedS >= CHECK_S + CHECK_EACH_S * scene.faces.length;
      plan = carryOver(scene, known, drift, isDue);
      if (isDue) this._checkedS = timeS;
      if (isDue && !this._isSettled(scene)) plan = this._improve(scene, plan, timeS, drift);
    } else {
      plan = placeAll(scene);
      this._checkedS = timeS;
      this._betterLabels = new Patience();
      this._betterPanels = new Patience();
      this._settled = null;
    }
    for (const [key, places] of plan) this._kept.set(key, { places, seenS: timeS });
    [this._scene, this._plan, this._nowS] = [scene, plan, timeS];
    return plan;
  }

  /** Tells whether all faces are about where nothing better was found the last time. */
  _isSettled(scene) {
    const [boxes, before] = [listBoxes(scene), this._settled];
    if (before === null || before.length !== boxes.length) return false;
    const limit = SETTLED_GAPS * scene.gap;
    return boxes.every((box, at) =>
      box.every((value, side) => Math.abs(value - before[at][side]) <= limit),
    );
  }

  /** Measures the velocity of each face, averaged over DRIFT_S. */
  _updateDrift(scene, timeS) {
    const passedS = timeS - this._nowS;
    if (passedS > 0) {
      const before = new Map(this._scene.faces.map(({ key, box }) => [key, box]));
      const share = Math.min(1, passedS / DRIFT_S);
      const drift = new Map();
      for (const { key, box } of scene.faces) {
        const was = before.get(key);
        let [x, y] = this._drift.get(key) ?? [0, 0];
        if (was !== undefined) {
          const dx = box.x + box.width / 2 - was.x - was.width / 2;
          const dy = box.y + box.height / 2 - was.y - was.height / 2;
          x += share * (dx / passedS - x);
          y += share * (dy / passedS - y);
        }
        drift.set(key, [x, y]);
      }
      this._drift = drift;
    }
    return scene.faces.map(({ key }) => this._drift.get(key) ?? [0, 0]);
  }

  /** Looks for a better arrangement, and returns it once it has been possible for OPEN_S. */
  _improve(scene, plan, timeS, drift) {
    const places = scene.faces.map(({ key }) => plan.get(key));
    let labels = places.map(({ label }) => label);
    let panels = places.map(({ panel }) => panel);
    let fresh = placeLabels(scene, labels, drift);
    let won = rateLabels(scene, fresh) - rateLabels(scene, labels);
    let isBetter = won > requireGain(labels, fresh);
    if (this._betterLabels.isOver(isBetter, timeS)) {
      labels = fresh;
      panels = dropCovered(panels, labels);
    }
    fresh = placePanels(scene, labels, panels, drift);
    won = ratePanels(scene, fresh) - ratePanels(scene, panels);
    const hasBetterPanels = won > requireGain(panels, fresh);
    isBetter ||= hasBetterPanels;
    if (this._betterPanels.isOver(hasBetterPanels, timeS)) panels = fresh;
    this._settled = isBetter ? null : listBoxes(scene);
    return new Map(
      scene.faces.map(({ key }, at) => [key, { label: labels[at], panel: panels[at] }]),
    );
  }
}

/** Waits until a better arrangement has been possible for OPEN_S without a break. */
class Patience {
  constructor() {
    this._sinceS = null;
  }

  isOver(isBetter, timeS) {
    if (!isBetter) {
      this._sinceS = null;
      return false;
    }
    this._sinceS ??= timeS;
    if (timeS - this._sinceS < OPEN_S) return false;
    this._sinceS = null;
    return true;
  }
}

/** Computes the worth that a new arrangement must win, given how many texts it moves. */
function requireGain(before, after) {
  const moved = before.filter((was, at) => {
    const now = after[at];
    if (was === null) return false;
    if (now === null || now.slot !== was.slot) return true;
    return now.slot === DETACHED && !isSame(toCorners(now.rect), toCorners(was.rect));
  });
  return MIN_WON + MIN_WON_EACH * moved.length;
}

function listBoxes(scene) {
  return scene.faces.map(({ box }) => toCorners(box));
}

/** Puts null in place of each panel that a label lies on. */
function dropCovered(panels, labels) {
  const taken = labels.filter((spot) => spot !== null).map(({ rect }) => toCorners(rect));
  return panels.map((spot) =>
    spot !== null && !overlapsAny(toCorners(spot.rect), taken) ? spot : null,
  );
}

function isSame(a, b) {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

function isSameScene(one, other) {
  return one.faces.length === other.faces.length && JSON.stringify(one) === JSON.stringify(other);
}
