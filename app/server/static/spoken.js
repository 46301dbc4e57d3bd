/** Puts readings into words for people who listen, on change and not more often than they can hear. */

import { nameLabel } from "./forms.js";

const EVERY_MS = 1200; // between two texts
const MAX_NAMED = 6; // people in one text

/** Describes an event in words. The figures are left out, because they change with every frame. */
export function describeReading(event) {
  if (event.faces.length === 0) return "Nobody is in view.";
  const faces = [...event.faces].sort((a, b) => a.face_id - b.face_id);
  const named = faces.slice(0, MAX_NAMED).map((face) => `Person ${face.face_id}: ${nameLabel(face)}.`);
  const more = faces.length - named.length;
  return [...named, ...(more > 0 ? [`And ${more} more.`] : [])].join(" ");
}

/** Writes the newest text into an aria-live region. */
export class Spoken {
  constructor(region) {
    this._region = region;
    this._text = "";
    this._at = -Infinity;
    this._timer = 0;
  }

  /** Takes the newest event; null where there is none any more. */
  take(event) {
    this._text = event === null ? "" : describeReading(event);
    if (this._timer !== 0 || this._text === this._region.textContent) return;
    const wait = Math.max(0, this._at + EVERY_MS - performance.now());
    this._timer = setTimeout(() => {
      this._timer = 0;
      if (this._text === this._region.textContent) return;
      this._at = performance.now();
      this._region.textContent = this._text;
    }, wait);
  }
}
