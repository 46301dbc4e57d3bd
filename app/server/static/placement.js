/**
 * Finds places for labels and panels. They leave free each face from the eyes to the mouth, and one
 * another. They keep their side of the face from reading to reading, and ignore its smallest
 * movements. All lengths are px of the canvas; a rectangle is {x, y, width, height}.
 */

export const MAX_PANELS = 12; // faces; with more of them, there are labels alone
const GAP = 4; // between a face's box and its texts
const NEAR_PANELS = 4; // the first places of a panel, which lie at its face
const RETURN_S = 1.5; // for so long a better place must be free before a text moves to it
const STILL_SHARE = 0.02; // of a face's side: smaller movements do not move its texts
// The inner part of a face, in shares of its box: x0, y0, x1, y1.
const INNER = [0.14, 0.18, 0.86, 0.9];

/** Tells whether two rectangles share a pixel. */
export function overlap(a, b) {
  return (
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
  );
}

/** Returns the part of a face from the eyes to the mouth. */
export function findInner(box) {
  const [x0, y0, x1, y1] = INNER;
  return {
    x: box.x + x0 * box.width,
    y: box.y + y0 * box.height,
    width: (x1 - x0) * box.width,
    height: (y1 - y0) * box.height,
  };
}

/** Returns the ends of the shortest line between two rectangles; null where they touch. */
export function findLine(a, b) {
  const [x0, x1] = nearest(a.x, a.x + a.width, b.x, b.x + b.width);
  const [y0, y1] = nearest(a.y, a.y + a.height, b.y, b.y + b.height);
  return Math.hypot(x1 - x0, y1 - y0) < 1 ? null : [{ x: x0, y: y0 }, { x: x1, y: y1 }];
}

function nearest(a0, a1, b0, b1) {
  if (a1 < b0) return [a1, b0];
  if (b1 < a0) return [a0, b1];
  const middle = (Math.max(a0, b0) + Math.min(a1, b1)) / 2;
  return [middle, middle];
}

/** Lists the places of a label at its face, the best first. */
function listLabelPlaces(box, form, size) {
  const left = clamp(box.x, 0, size.width - form.width);
  const right = clamp(box.x + box.width - form.width, 0, size.width - form.width);
  const above = box.y - form.height - GAP;
  const below = box.y + box.height + GAP;
  const top = clamp(box.y + GAP, 0, size.height - form.height);
  const bottom = clamp(box.y + box.height - form.height - GAP, 0, size.height - form.height);
  return [
    [left, above],
    [right, above],
    [left, below],
    [right, below],
    [left + GAP, top],
    [left + GAP, bottom],
  ];
}

/** Lists the places of a panel beside its face, then in the corners, the best first. */
function listPanelPlaces(box, form, size) {
  const alongY = clamp(box.y, 0, size.height - form.height);
  const alongX = clamp(box.x, 0, size.width - form.width);
  const end = { x: size.width - form.width, y: size.height - form.height };
  return [
    [box.x + box.width + GAP, alongY],
    [box.x - form.width - GAP, alongY],
    [alongX, box.y + box.height + GAP],
    [alongX, box.y - form.height - GAP],
    [end.x, end.y],
    [0, end.y],
    [end.x, 0],
    [0, 0],
  ];
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

/** Tells whether a rectangle lies on the canvas and on none of the walls. */
function isFree(rect, size, walls) {
  return (
    rect.x >= 0 &&
    rect.y >= 0 &&
    rect.x + rect.width <= size.width &&
    rect.y + rect.height <= size.height &&
    !walls.some((wall) => overlap(rect, wall))
  );
}

/** Places the texts of one stream of readings. */
export class Placer {
  constructor() {
    this._kept = new Map(); // face id -> {label, panel}, each {form, slot, rect, betterSince}
    this._size = { width: 0, height: 0 };
  }

  /**
   * Finds the places of one reading.
   *
   * @param size - the canvas {width, height}
   * @param faces - [{id, box, labels: [{width, height}], panels: [{width, height}]}]; the forms of
   *   label and panel are listed the fullest first
   * @param timeS - the time of the reading, s
   * @param reserved - rectangles on which something else stands
   * @returns a Map from id to {label, panel}: {form, rect} each, null where there is no room
   */
  place(size, faces, timeS, reserved = []) {
    if (size.width !== this._size.width || size.height !== this._size.height) this._kept.clear();
    this._size = size;
    const boxes = new Map(faces.map((face) => [face.id, face.box]));
    const inner = faces.map((face) => findInner(face.box));
    const taken = [...reserved];
    const placed = new Map();
    const order = [...faces].sort((a, b) => b.box.height - a.box.height || a.id - b.id);
    for (const face of order) {
      const others = [...boxes].filter(([id]) => id !== face.id).map(([, box]) => box);
      const kept = this._kept.get(face.id)?.label ?? null;
      const find = (walls) =>
        this._find(listLabelPlaces, face, face.labels, size, walls, kept, timeS);
      const label =
        find([...inner, ...others, ...taken]) ??
        find([...inner, ...taken]) ??
        resort(face, size, taken);
      if (label !== null) taken.push(label.rect);
      placed.set(face.id, { label, panel: null });
    }
    for (const face of faces.length <= MAX_PANELS ? order : []) {
      const walls = [...inner, ...boxes.values(), ...taken];
      const kept = this._kept.get(face.id)?.panel ?? null;
      const panel = this._find(listPanelPlaces, face, face.panels, size, walls, kept, timeS);
      if (panel !== null) taken.push(panel.rect);
      placed.get(face.id).panel = panel;
    }
    this._kept = placed;
    return placed;
  }

  /** Finds the fullest form that has room; keeps the form and side of before for a moment. */
  _find(listPlaces, face, forms, size, walls, kept, timeS) {
    let best = null;
    let same = null;
    for (const { form, slot, x, y } of listCandidates(listPlaces, face.box, forms, size)) {
      const isKept = kept !== null && kept.form === form && kept.slot === slot;
      if (best !== null && !isKept) continue;
      const { width, height } = forms[form];
      const rect = { x: Math.round(x), y: Math.round(y), width, height };
      if (isKept) holdStill(rect, kept.rect, STILL_SHARE * face.box.height);
      if (!isFree(rect, size, walls)) continue;
      const one = { form, slot, rect, betterSince: null };
      best ??= one;
      if (isKept) same = one;
    }
    if (same === null || same === best) return best;
    same.betterSince = kept.betterSince ?? timeS;
    const waited = timeS - same.betterSince;
    return waited >= 0 && waited < RETURN_S ? same : best;
  }
}

/** Lists forms with their places. A smaller panel at its face is better than a full one far away. */
function listCandidates(listPlaces, box, forms, size) {
  const all = forms.flatMap((one, form) =>
    listPlaces(box, one, size).map(([x, y], slot) => ({ form, slot, x, y })),
  );
  const isNear = ({ slot }) => listPlaces !== listPanelPlaces || slot < NEAR_PANELS;
  return [...all.filter(isNear), ...all.filter((one) => !isNear(one))];
}

/** Leaves a rectangle where it was if it has hardly moved. */
function holdStill(rect, before, limit) {
  if (before.width !== rect.width || before.height !== rect.height) return;
  if (Math.hypot(before.x - rect.x, before.y - rect.y) > limit) return;
  rect.x = before.x;
  rect.y = before.y;
}

/** Places the smallest label on the forehead of a face that leaves no other room. */
function resort(face, size, taken) {
  const form = face.labels.length - 1;
  const { width, height } = face.labels[form];
  const x = Math.round(clamp(face.box.x + GAP, 0, Math.max(0, size.width - width)));
  const y = Math.round(clamp(face.box.y + GAP, 0, Math.max(0, size.height - height)));
  const rect = { x, y, width, height };
  if (taken.some((other) => overlap(rect, other))) return null;
  return { form, slot: -1, rect, betterSince: null };
}
