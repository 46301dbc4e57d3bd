/** Puts the facial actions of a face into figures and words. */

import { orderSteadily } from "./steady_order.js";

export const ACTIONS_TITLE = "Facial actions";
// What the figures are, and what they are not.
export const ACTIONS_NOTE =
  "Facial actions are coefficients of a face rig, guessed from the picture; they are not validated " +
  "FACS units. Left and right are the person’s own. Yaw and gaze x are positive to the right of the " +
  "picture that is read, gaze y up, pitch down, roll counterclockwise.";
const NOT_COEFFICIENTS = ["head_yaw_deg", "head_pitch_deg", "head_roll_deg", "blink", "look_x", "look_y"];
const STRONGEST = 5; // coefficients of a card

/** Formats a number with a true minus, and without one before a zero. */
function format(value, digits, unit = "") {
  const text = value.toFixed(digits);
  return `${Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−")}${unit}`;
}

/** Describes the pose of the head: "yaw 12°, pitch −5°, roll 3°". */
export function describePose(actions) {
  const [yaw, pitch, roll] = ["yaw", "pitch", "roll"].map((name) =>
    format(actions[`head_${name}_deg`], 0, "°"),
  );
  return `yaw ${yaw}, pitch ${pitch}, roll ${roll}`;
}

/** Describes the eyes: "12 % closed, gaze x 0.31, y −0.10". */
export function describeEyes({ blink, look_x: x, look_y: y }) {
  return `${Math.round(100 * blink)}\u202f% closed, gaze x ${format(x, 1)}, y ${format(y, 1)}`;
}

/** Keeps the order of a person's strongest coefficients from reading to reading. */
export class StrongestActions {
  constructor() {
    this._order = [];
    this._names = [];
  }

  /** Lists the strongest coefficients: [name, share] each, the strongest first. */
  list(actions) {
    const names = Object.keys(actions).filter((name) => !NOT_COEFFICIENTS.includes(name));
    if (names.length !== this._names.length) this._order = [];
    this._names = names;
    this._order = orderSteadily(this._order, names.map((name) => actions[name]));
    return this._order.slice(0, STRONGEST).map((at) => [names[at], actions[names[at]]]);
  }
}
