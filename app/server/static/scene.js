/**
 * Describes the texts of a reading for placement, as `app/overlay/scene.py` does: what each face
 * needs, and what stays free. Places are px of the canvas; a scene is described in board.js.
 */

import { chooseTextPx, makeLabels, makePanels, MIN_CRAMPED_TEXT_PX, MIN_TEXT_PX } from "./forms.js";
import { cutTo, makeRect, roundEven } from "./rects.js";

// Sizes of texts, in shares.
const FACE_SHARE = 0.18; // of a face's height: a label's size in a picture of small faces
const MIN_USUAL_SHARE = 0.6; // of the usual size for the picture: the smallest for small faces
const SMALL_SHARE = 0.78; // of a label's size: where there is little room
const PANEL_SHARE = 0.75; // of a label's size: in panels
const SMALL_PANEL_SHARE = 0.6; // of a label's size: in panels where there is little room
const MIN_SMALL_PX = MIN_CRAMPED_TEXT_PX + 2;

// The inner part of a face, in shares of its box.
const USUAL_INNER = [0.14, 0.18, 0.86, 0.9]; // x0, y0, x1, y1, where landmarks make no sense
const MIN_INNER_SHARE = 0.3; // of the box's sides; landmarks that give less make no sense
const AROUND_EYES_SHARE = 0.16; // of the width, at each side of eyes and mouth
const ABOVE_EYES_SHARE = 0.12; // of the height
const UNDER_MOUTH_SHARE = 0.13; // of the height
const INNER_POINTS = ["right_eye", "left_eye", "nose_tip", "mouth_centre"];

/** Takes points of an event's picture to the canvas. */
export class CanvasPlaces {
  /** @param size - [width, height] of the picture; room - of the canvas; isMirrored - as shown */
  constructor([width, height], room, isMirrored) {
    this.scaleX = room[0] / width;
    this.scaleY = room[1] / height;
    this._mirrorWidth = isMirrored ? width : null;
  }

  /** Returns the place of a point, not rounded. */
  locate([x, y]) {
    const left = this._mirrorWidth === null ? x : this._mirrorWidth - x;
    return [this.scaleX * left, this.scaleY * y];
  }

  /** Returns the box of a face {x, y, width, height} in whole px; it may reach outside. */
  locateBox({ x, y, width, height }) {
    const [ax, y0] = this.locate([x, y]);
    const [bx, y1] = this.locate([x + width, y + height]);
    const [left, top] = [roundEven(Math.min(ax, bx)), roundEven(y0)];
    return makeRect(
      left,
      top,
      Math.max(1, roundEven(Math.max(ax, bx)) - left),
      Math.max(1, roundEven(y1) - top),
    );
  }

  /**
   * Returns the part of a face from the eyes to the mouth, which nothing may cover. `box` is what
   * `locateBox` gives.
   */
  locateInner({ landmarks }, box) {
    const [right, low] = [box.x + box.width, box.y + box.height];
    let [x0, y0, x1, y1] = [0, 0, 0, 0];
    if (landmarks) {
      const points = INNER_POINTS.map((name) => this.locate(landmarks[name]));
      const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
      const aside = AROUND_EYES_SHARE * box.width;
      x0 = Math.max(box.x, Math.min(...xs) - aside);
      x1 = Math.min(right, Math.max(...xs) + aside);
      y0 = Math.max(box.y, Math.min(...ys) - ABOVE_EYES_SHARE * box.height);
      y1 = Math.min(low, Math.max(...ys) + UNDER_MOUTH_SHARE * box.height);
    }
    const isWide = x1 - x0 > MIN_INNER_SHARE * box.width;
    if (!(isWide && y1 - y0 > MIN_INNER_SHARE * box.height)) {
      const [left, top, end, bottom] = USUAL_INNER;
      [x0, x1] = [box.x + left * box.width, box.x + end * box.width];
      [y0, y1] = [box.y + top * box.height, box.y + bottom * box.height];
    }
    return makeRect(
      Math.trunc(x0),
      Math.trunc(y0),
      Math.max(1, Math.trunc(x1 - x0)),
      Math.max(1, Math.trunc(y1 - y0)),
    );
  }
}

/**
 * Describes a reading for placement.
 *
 * @param event - a "frame" message
 * @param options - labels: the classes; places: the CanvasPlaces; size: [width, height] of the
 *   canvas; hasPanels; memory: the OverlayMemory, begun; reserved: rectangles on which something
 *   else stands; measure: as forms.js has it
 * @returns {scene, faces, size}: the scene; its faces in the same order, each {face, box, labels,
 *   panels, number}; and the size of labels in px
 */
export function describeScene(event, { labels, places, size, hasPanels, memory, reserved, measure }) {
  const boxes = event.faces.map((face) => places.locateBox(face));
  const labelPx = memory.holdSize(chooseLabelPx(boxes, chooseTextPx(...size)));
  const isNumbered = memory.isNumbered(boxes.length);
  const numbers = event.faces.map((face) => (isNumbered ? `#${face.face_id}` : ""));
  const longest = numbers.reduce((one, other) => (other.length > one.length ? other : one), "");
  const sizes = [labelPx, Math.max(MIN_SMALL_PX, roundEven(SMALL_SHARE * labelPx))];
  const panelSizes = [
    Math.max(MIN_TEXT_PX, roundEven(PANEL_SHARE * labelPx)),
    Math.max(MIN_SMALL_PX, roundEven(SMALL_PANEL_SHARE * labelPx)),
  ];
  const panels = hasPanels ? makePanels(labels, { sizes: panelSizes, number: longest, measure }) : [];
  const panelForms = panels.map(toForm);
  const counts = new Map();
  const faces = event.faces.map((face, at) => {
    const count = counts.get(face.face_id) ?? 0;
    counts.set(face.face_id, count + 1);
    return {
      face,
      key: `${face.face_id}/${count}`,
      box: boxes[at],
      number: numbers[at],
      labels: makeLabels(face, { sizes, number: numbers[at], room: size[0], measure }),
      panels,
    };
  });
  const scene = {
    size,
    gap: Math.max(3, roundEven(labelPx / 5)),
    faces: faces.map(({ face, key, box, labels: forms }) => ({
      key,
      box: cutTo(box, size),
      inner: cutTo(places.locateInner(face, box), size),
      labels: forms.map(toForm),
      panels: panelForms,
    })),
    blocked: [
      ...(event.unread_boxes ?? []).map(([x, y, width, height]) =>
        cutTo(places.locateBox({ x, y, width, height }), size),
      ),
      ...reserved,
    ],
  };
  return { scene, faces, size: labelPx };
}

function toForm({ width, height, worth, overOwn }) {
  return { width, height, worth, overOwn };
}

/** Chooses the size of labels: smaller than usual where faces are small. */
function chooseLabelPx(boxes, usual) {
  if (boxes.length === 0) return usual;
  const fitting = FACE_SHARE * findMedian(boxes.map(({ height }) => height));
  const smallest = Math.max(MIN_TEXT_PX, roundEven(MIN_USUAL_SHARE * usual));
  return Math.min(usual, Math.max(smallest, roundEven(fitting)));
}

function findMedian(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
