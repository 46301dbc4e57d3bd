/** Puts readings into words for people who listen, on change and not more often than they can hear. */

import { nameLabel } from "./forms.js";

const EVERY_MS = 2000; // between two texts
const MAX_NAMED = 6; // people in one text

/** Describes an event in words. The figures are left out, because they change with every frame. */
export function describeReading({ faces: all, unread = 0 }) {
  const faces = [...all].sort((a, b) => a.face_id - b.face_id);
  const named = faces.slice(0, MAX_NAMED).map((face) => `Person ${face.face_id}: ${nameLabel(face)}.`);
  const more = faces.length - named.length;
  const parts = [...named, more > 0 ? `And ${more} more.` : "", describeUnread(unread)];
  return parts.filter(Boolean).join(" ") || "Nobody is in view.";
}

/** Tells how many faces were found and cannot be read; "" for none. */
export function describeUnread(count) {
  if (!count) return "";
  return count === 1 ? "1 face cannot be read." : `${count} faces cannot be read.`;
}

/** Tells why all of the picture is covered; "" where it is not. */
export function describeDoubt(doubt) {
  return doubt ? `All of the picture is covered: ${doubt}.` : "";
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
    if (event === null) this._region.textContent = ""; // at once: it is not true any more
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
