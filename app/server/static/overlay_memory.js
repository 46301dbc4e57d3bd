/** Keeps the texts of one stream steady from reading to reading, as `app/overlay/memory.py` does. */

import { PlacementMemory } from "./placement_memory.js";
import { findUnnamed, placeList } from "./reading_list.js";
import { orderSteadily } from "./steady_order.js";

const HOLD_SHARE = 0.15; // of the text size: a smaller change is ignored
const SIZE_HOLD_S = 1; // a larger change is made after it has been wanted for this time
export const LISTED_FORM = 1; // of a label: the one that is used for the lines of the list
const LIST_AGAIN_S = 1; // after there was no room for the list, room is looked for again
const NUMBERED_S = 5; // how long a face that is left alone keeps its number
const MAX_PEOPLE = 64; // whose rows are remembered; the oldest are forgotten first

export class OverlayMemory {
  constructor() {
    this._view = "";
    this._nowS = 0;
    this._forget();
  }

  _forget() {
    this.places = new PlacementMemory();
    this._size = 0;
    this._sizeSinceS = null;
    this._severalS = null; // when there were several faces for the last time
    this._rows = new Map(); // face id -> indices of classes
    this._list = null; // its place
    this._noListS = null; // when there was no room for the list
  }

  /**
   * Begins a reading at `timeS`; to be called before all else. Another view (what is drawn, and
   * how), or a time that runs backwards, clears the memory.
   */
  begin(view, timeS) {
    if (view !== this._view || timeS < this._nowS) this._forget();
    this._view = view;
    this._nowS = timeS;
  }

  /** Tells whether labels begin with the face's number, in a reading with `count` faces. */
  isNumbered(count) {
    if (count > 1) this._severalS = this._nowS;
    return this._severalS !== null && this._nowS - this._severalS <= NUMBERED_S;
  }

  /**
   * Finds room for the list of labels that have no room at their face; null where none is needed or
   * there is no room. After there was no room, null for the next LIST_AGAIN_S.
   */
  placeList(labels, scene, plan) {
    const numbers = findUnnamed(labels, scene, plan);
    const waits = this._noListS !== null && this._nowS - this._noListS < LIST_AGAIN_S;
    if (numbers.length === 0 || (waits && this._nowS !== this._noListS)) return null;
    const lines = new Map(numbers.map((number) => [number, labels[number][LISTED_FORM]]));
    const listed = placeList(lines, scene, plan, this._list);
    this._list = listed === null ? null : listed.rect;
    this._noListS = listed === null ? this._nowS : null;
    return listed;
  }

  /**
   * Returns the size of texts, px: that of before until a clearly different one has been wanted for
   * SIZE_HOLD_S.
   */
  holdSize(wanted) {
    const held = this._size;
    if (held && Math.abs(wanted - held) <= HOLD_SHARE * held) {
      this._sizeSinceS = null;
      return held;
    }
    if (held) {
      this._sizeSinceS ??= this._nowS;
      if (this._nowS - this._sizeSinceS < SIZE_HOLD_S) return held;
    }
    this._size = wanted;
    this._sizeSinceS = null;
    return wanted;
  }

  /**
   * Chooses the `count` likeliest classes for a person's panel: their indices. Classes that are
   * about equally likely keep the order of the reading before.
   */
  chooseRows(faceId, shares, count) {
    const order = orderSteadily(this._rows.get(faceId) ?? [], shares);
    this._rows.delete(faceId);
    this._rows.set(faceId, order);
    if (this._rows.size > MAX_PEOPLE) this._rows.delete(this._rows.keys().next().value);
    return order.slice(0, count);
  }
}
