/**
 * Draws the faces of an event, as `app/overlay/drawing.py` does: boxes, labels, axes of heads, and
 * panels with bars and the last minute.
 */

import { chooseFaceColour, UNSURE_COLOUR } from "./colours.js";
import { paintMaps } from "./evidence.js";
import { makeFont } from "./forms.js";
import { AXIS_COLOURS, locateAxes, THICK_SHARE } from "./head_axes.js";
import { History, NOT_SEEN, STEPS, UNSURE_STEP } from "./history.js";
import { LISTED_FORM, OverlayMemory } from "./overlay_memory.js";
import { findShortestLine, roundEven } from "./rects.js";
import { CanvasPlaces, describeScene } from "./scene.js";
import { drawLabel, drawPanel } from "./text_blocks.js";

export const HUD_MODES = ["full", "boxes", "off"];
const BOX_SHARE = 1 / 8; // of the labels' size: how thick a box's line is
const LINE_SHARE = 1 / 10; // of the labels' size: how thick the line from a panel to its face is
const MAX_MEASURED = 4096; // texts whose width is remembered

/** Draws the events of one stream in order. Texts keep their places while faces move. */
export class OverlayPainter {
  /** @param look - {labels, colours} of the server's hello */
  constructor({ labels, colours }) {
    this.labels = labels;
    this.colours = colours;
    this.history = new History();
    this._memory = new OverlayMemory();
    this._widths = new Map();
  }

  /** Takes the next event into the last minute. */
  add(event) {
    this.history.add(event.faces, this.labels, event.time_s);
  }

  /**
   * Draws an event.
   *
   * @param context - of a canvas that is cleared already; its units are CSS px
   * @param event - a "frame" message
   * @param area - {x, y, width, height}: where the event's picture lies on the canvas, px
   * @param options - hud: one of HUD_MODES; isMirrored: whether the picture is mirrored; reserved:
   *   parts of the area on which something else stands
   */
  draw(context, event, area, { hud, isMirrored, reserved = [] }) {
    const [width, height] = event.size;
    context.save();
    context.translate(area.x, area.y);
    context.save();
    if (isMirrored) context.transform(-1, 0, 0, 1, area.width, 0);
    context.scale(area.width / width, area.height / height);
    paintMaps(context, event.maps);
    context.restore();
    const size = [Math.floor(area.width), Math.floor(area.height)];
    if (hud !== "off" && size[0] > 0 && size[1] > 0) {
      this._memory.begin(`${hud} ${isMirrored}`, event.time_s);
      this._drawFaces(context, event, size, { hud, isMirrored, reserved });
    }
    context.restore();
  }

  _drawFaces(context, event, size, { hud, isMirrored, reserved }) {
    const memory = this._memory;
    const measure = (text, px, isBold) => this._measure(context, text, px, isBold);
    const places = new CanvasPlaces(event.size, size, isMirrored);
    const described = describeScene(event, {
      labels: this.labels,
      hasPanels: hud === "full",
      places,
      size,
      memory,
      reserved,
      measure,
    });
    const { scene, faces, size: textPx } = described;
    const plan = memory.places.place(scene, event.time_s);
    const colours = faces.map(({ face }) => chooseFaceColour(face, this.colours));
    const lineThick = Math.max(2, roundEven(LINE_SHARE * textPx));
    faces.forEach(({ key }, at) => {
      const { panel } = plan.get(key);
      if (panel === null) return;
      const [start, end] = findShortestLine(panel.rect, scene.faces[at].box);
      if (start.x !== end.x || start.y !== end.y) {
        strokeLine(context, start, end, colours[at], lineThick);
      }
    });
    const thick = Math.max(2, roundEven(BOX_SHARE * textPx));
    faces.forEach(({ box }, at) => strokeBox(context, box, colours[at], thick));
    for (const { face, box } of faces) {
      if (face.actions && face.landmarks) drawAxes(context, face, box, places);
    }
    faces.forEach((one, at) => {
      const { panel } = plan.get(one.key);
      if (panel === null) return;
      this._drawPanel(context, one, panel, scene.faces[at].box, colours[at], measure);
    });
    faces.forEach(({ key, labels }, at) => {
      const { label } = plan.get(key);
      if (label !== null) drawLabel(context, label.rect, labels[label.form], colours[at]);
    });
    const listed = memory.placeList(faces.map(({ labels }) => labels), scene, plan);
    for (const [at, rect] of listed?.lines ?? []) {
      drawLabel(context, rect, faces[at].labels[LISTED_FORM], colours[at]);
    }
  }

  _drawPanel(context, { face, panels, number }, { rect, form }, box, colour, measure) {
    const panel = panels[form];
    const count = panel.rows * panel.columns;
    const shares = this.labels.map((label) => face.probabilities[label] ?? 0);
    const rows =
      count === this.labels.length
        ? [...this.labels.keys()]
        : this._memory.chooseRows(face.face_id, shares, count);
    const shown = this.labels.indexOf(face.label);
    const strip = drawPanel(context, rect, panel, {
      labels: this.labels,
      colours: this.colours,
      shares,
      rows,
      highlighted: shown >= 0 ? shown : shares.indexOf(Math.max(...shares)),
      number,
      colour,
      edge: findEdge(rect, box),
      measure,
    });
    if (strip === null) return;
    drawStrip(context, this.history.getStrip(face.face_id), strip, this.labels, this.colours);
  }

  /** Measures the width of a text in whole px, once. */
  _measure(context, text, size, isBold) {
    const key = `${isBold ? "b" : "m"}${size} ${text}`;
    let width = this._widths.get(key);
    if (width === undefined) {
      context.font = makeFont(size, isBold);
      width = Math.ceil(context.measureText(text).width);
      if (this._widths.size >= MAX_MEASURED) this._widths.clear();
      this._widths.set(key, width);
    }
    return width;
  }
}

/** Finds the side of a panel that its face is on. */
function findEdge(panel, box) {
  const [right, low] = [panel.x + panel.width, panel.y + panel.height];
  if (right <= box.x) return "right";
  const isAlong = panel.x < box.x + box.width;
  if (panel.y >= box.y + box.height && isAlong) return "top";
  if (low <= box.y && isAlong) return "bottom";
  return "left";
}

/**
 * Draws the last minute of a person from left to right: each step in the colour of its label, as
 * high as its probability. The right border is now.
 */
export function drawStrip(context, strip, area, labels, colours) {
  if (strip === null) return;
  for (let at = 0; at < STEPS; ) {
    const index = strip.classes[at];
    const share = strip.shares[at];
    let end = at + 1;
    while (end < STEPS && strip.classes[end] === index && strip.shares[end] === share) end += 1;
    if (index !== NOT_SEEN) {
      const high = Math.max(1, share * area.height);
      context.fillStyle =
        index === UNSURE_STEP ? UNSURE_COLOUR : (colours[labels[index]] ?? UNSURE_COLOUR);
      const x0 = Math.round(area.x + (at * area.width) / STEPS);
      const x1 = Math.round(area.x + (end * area.width) / STEPS);
      context.fillRect(x0, area.y + area.height - high, Math.max(1, x1 - x0), high);
    }
    at = end;
  }
}

function drawAxes(context, face, box, places) {
  const { start, ends } = locateAxes(face);
  const [x, y] = places.locate(start);
  const thick = Math.max(1, roundEven(THICK_SHARE * box.width));
  const tips = ends.map((end) => places.locate(end)).map(([endX, endY]) => ({ x: endX, y: endY }));
  tips.forEach((tip, at) => strokeLine(context, { x, y }, tip, AXIS_COLOURS[at], thick));
  const nose = tips.at(-1);
  for (const [ink, radius] of [["#000000", 2 * thick + 1], [AXIS_COLOURS.at(-1), 2 * thick]]) {
    context.fillStyle = ink;
    context.beginPath();
    context.arc(nose.x, nose.y, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

function strokeBox(context, { x, y, width, height }, colour, thick) {
  const border = thick + 2 * Math.max(1, Math.floor(thick / 2));
  for (const [ink, line] of [["#000000", border], [colour, thick]]) {
    context.strokeStyle = ink;
    context.lineWidth = line;
    context.strokeRect(x, y, width, height);
  }
}

function strokeLine(context, start, end, colour, thick) {
  for (const [ink, line] of [["#000000", thick + 2], [colour, thick]]) {
    context.strokeStyle = ink;
    context.lineWidth = line;
    context.beginPath();
    context.moveTo(start.x, start.y);
    context.lineTo(end.x, end.y);
    context.stroke();
  }
}
