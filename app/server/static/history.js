/**
 * Keeps the displayed labels of each person's last minute, in rings of a fixed size.
 *
 * A reading may span several steps of a ring. A label holds until the next reading, for at most
 * HOLD_S, and ends at a reading without the person.
 */

export const SPAN_S = 60; // what a strip shows
const STEP_S = 0.25; // of a ring
export const STEPS = SPAN_S / STEP_S;
export const NOT_SEEN = -2; // in place of a class's index
export const UNSURE_STEP = -1; // in place of a class's index
const HOLD_S = 2; // after this time without a reading, the label is unknown
const MAX_PEOPLE = 64; // the person who was not seen for longest is forgotten first

export class History {
  constructor() {
    this.clear();
  }

  /** Forgets everybody. */
  clear() {
    this._rings = new Map(); // face_id -> ring, the newest last
    this._now = 0;
  }

  /**
   * Adds the faces of one event at its time_s. After a time that runs backwards, all earlier events
   * are forgotten. `labels` are the names of the model's classes.
   */
  add(faces, labels, timeS) {
    const now = Math.floor(timeS / STEP_S + 1e-6);
    if (now < this._now) this._rings.clear();
    for (const ring of this._rings.values()) hold(ring, now);
    this._now = now;
    for (const face of faces) {
      const ring = this._rings.get(face.face_id) ?? makeRing(now - 1);
      this._rings.delete(face.face_id);
      const isSure = face.reason === null;
      const shares = labels.map((label) => face.probabilities[label] ?? 0);
      const index = isSure ? labels.indexOf(face.label) : UNSURE_STEP;
      const share = index >= 0 ? shares[index] : Math.max(0, ...shares);
      fill(ring, ring.last + 1, now, NOT_SEEN, 0);
      fill(ring, now, now + 1, index, share);
      ring.isHere = true;
      this._rings.set(face.face_id, ring);
    }
    for (const [id, ring] of this._rings) {
      if (now - ring.last >= STEPS || this._rings.size > MAX_PEOPLE) this._rings.delete(id);
    }
  }

  /**
   * Returns a person's last minute, the oldest step first: `classes` (the index of the displayed
   * label, UNSURE_STEP or NOT_SEEN) and `shares` (its probability; where unsure, the highest one).
   * Returns null for a person who is not known.
   */
  getStrip(faceId) {
    const ring = this._rings.get(faceId);
    if (ring === undefined) return null;
    const classes = new Int16Array(STEPS).fill(NOT_SEEN);
    const shares = new Float32Array(STEPS);
    for (let at = 0; at < STEPS; at += 1) {
      const step = this._now - STEPS + 1 + at;
      if (step > ring.last || step < 0) continue;
      classes[at] = ring.classes[step % STEPS];
      shares[at] = ring.shares[step % STEPS];
    }
    return { classes, shares };
  }
}

function makeRing(last) {
  const classes = new Int16Array(STEPS).fill(NOT_SEEN);
  return { last, classes, shares: new Float32Array(STEPS), isHere: true };
}

/** Fills the steps from `first` up to, not including, `stop`. They come next. */
function fill(ring, first, stop, index, share) {
  for (let step = Math.max(first, stop - STEPS, 0); step < stop; step += 1) {
    ring.classes[step % STEPS] = index;
    ring.shares[step % STEPS] = share;
  }
  ring.last = Math.max(ring.last, stop - 1);
}

/** Fills the steps between the reading before and this one with the label of then. */
function hold(ring, now) {
  if (ring.isHere && ring.last >= 0) {
    const held = Math.min(now, ring.last + 1 + HOLD_S / STEP_S);
    const at = ring.last % STEPS;
    fill(ring, ring.last + 1, held, ring.classes[at], ring.shares[at]);
  }
  ring.isHere = false; // `add` sets it again for the faces of this reading
}
