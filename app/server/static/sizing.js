/**
 * Chooses size and quality of the pictures that are sent, by how long their answers take. A step up
 * that turned out too slow is not tried again for a while, each time for twice as long.
 */

// The longest side in px and the quality of the JPEG, the least bytes first.
export const LEVELS = [
  [256, 0.6],
  [320, 0.7],
  [480, 0.7],
  [640, 0.75],
  [640, 0.85],
  [960, 0.8],
  [1280, 0.8],
];
const START = 3;
const SLOW_MS = 100; // an answer that takes longer is felt
const VERY_SLOW_MS = 250; // two steps down at once
const QUICK_MS = 45; // there is time for more
const DOWN_ANSWERS = 8; // that are weighed before a step down
const UP_ANSWERS = 40; // and before a step up
const FIRST_BAR_MS = 10_000;
const MAX_BAR_MS = 320_000;

export class SizeControl {
  constructor() {
    this._level = START;
    this._times = [];
    this._bars = LEVELS.map(() => ({ until: -Infinity, forMs: FIRST_BAR_MS }));
  }

  get quality() {
    return LEVELS[this._level][1];
  }

  /** Returns the size of the next picture, for a camera of `width` x `height` px. */
  fit(width, height, maxSide) {
    const scale = Math.min(1, Math.min(LEVELS[this._level][0], maxSide) / Math.max(width, height));
    return [Math.max(1, Math.round(scale * width)), Math.max(1, Math.round(scale * height))];
  }

  /** Takes the time of an answer in ms; `nowMs` is the time of its arrival. */
  add(tookMs, nowMs, cameraSide = Infinity) {
    this._times.push(tookMs);
    const recent = findMiddle(this._times.slice(-DOWN_ANSWERS));
    if (this._times.length >= DOWN_ANSWERS && recent > SLOW_MS && this._level > 0) {
      const bar = this._bars[this._level];
      bar.until = nowMs + bar.forMs;
      bar.forMs = Math.min(MAX_BAR_MS, 2 * bar.forMs);
      this._move(Math.max(0, this._level - (recent > VERY_SLOW_MS ? 2 : 1)));
    } else if (this._times.length >= UP_ANSWERS) {
      const next = this._level + 1;
      const hasUse = next < LEVELS.length && LEVELS[this._level][0] <= cameraSide;
      const isBarred = hasUse && nowMs < this._bars[next].until;
      this._move(hasUse && !isBarred && findMiddle(this._times) < QUICK_MS ? next : this._level);
    }
  }

  _move(level) {
    this._level = level;
    this._times = [];
  }
}

function findMiddle(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
