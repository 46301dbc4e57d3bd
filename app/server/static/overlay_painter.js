/** Draws the faces of an event: boxes, labels, and panels with bars and the last minute. */

import { chooseFaceColour, chooseInk, UNSURE_COLOUR } from "./colours.js";
import { paintMaps } from "./evidence.js";
import {
  chooseRows,
  chooseTextPx,
  formatShare,
  makeFont,
  makeLabels,
  makePanels,
  shorten,
} from "./forms.js";
import { History, NOT_SEEN, SPAN_S, STEPS, UNSURE_STEP } from "./history.js";
import { findLine, Placer } from "./placement.js";

export const HUD_MODES = ["full", "boxes", "off"];
const GROUND = "rgb(0 0 0 / 0.68)";
const TRACK = "rgb(255 255 255 / 0.16)";
const SOFT_WHITE = "#e1e1e1";
const WHITE = "#ffffff";
const BASELINE_EM = 1.06; // below a label's top
const BOX_SHARE = 1 / 8; // of a label's size: how thick a box's line is
const NUMBERED_S = 5; // labels keep their numbers for so long after a second face was there

/** Draws the events of one stream in order. Texts keep their places while faces move. */
export class OverlayPainter {
  /** @param look - {labels, colours} of the server's hello */
  constructor({ labels, colours }) {
    this.labels = labels;
    this.colours = colours;
    this.history = new History();
    this._placer = new Placer();
    this._numberedUntil = -Infinity;
  }

  /** Takes the next event into the last minute. */
  add(event) {
    this.history.add(event.faces, this.labels, event.time_s);
    if (event.time_s + NUMBERED_S < this._numberedUntil) this._numberedUntil = -Infinity;
    if (event.faces.length > 1) this._numberedUntil = event.time_s + NUMBERED_S;
  }

  /** Forgets all people. */
  clear() {
    this.history.clear();
    this._placer = new Placer();
    this._numberedUntil = -Infinity;
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
    const [sizeX, sizeY] = event.size;
    const [scaleX, scaleY] = [area.width / sizeX, area.height / sizeY];
    context.save();
    context.translate(area.x, area.y);
    context.save();
    if (isMirrored) context.transform(-1, 0, 0, 1, area.width, 0);
    context.scale(scaleX, scaleY);
    paintMaps(context, event.maps);
    context.restore();
    if (hud !== "off") {
      const boxes = event.faces.map((face) => ({
        x: scaleX * (isMirrored ? sizeX - face.x - face.width : face.x),
        y: scaleY * face.y,
        width: scaleX * face.width,
        height: scaleY * face.height,
      }));
      this._drawFaces(context, event, boxes, area, hud, reserved);
    }
    context.restore();
  }

  _drawFaces(context, event, boxes, { width, height }, hud, reserved) {
    const size = chooseTextPx(width, height);
    const isNumbered = event.faces.length > 1 || event.time_s < this._numberedUntil;
    const measure = (text, px, isBold) => {
      context.font = makeFont(px, isBold);
      return context.measureText(text).width;
    };
    const drawn = event.faces.map((face, at) => {
      const number = isNumbered ? `#${face.face_id}` : "";
      return {
        id: face.face_id,
        face,
        box: boxes[at],
        number,
        colour: chooseFaceColour(face, this.colours),
        labels: makeLabels(face, { size, number, room: width, measure }),
        panels: hud === "full" ? makePanels(this.labels, { size, number, measure }) : [],
      };
    });
    const places = this._placer.place({ width, height }, drawn, event.time_s, reserved);
    const thick = Math.max(2, Math.round(BOX_SHARE * size));
    for (const one of drawn) {
      const { panel } = places.get(one.id);
      const line = panel && findLine(panel.rect, one.box);
      if (line) strokeLine(context, line, one.colour, Math.max(1, thick - 1));
    }
    for (const one of drawn) strokeBox(context, one.box, one.colour, thick);
    for (const one of drawn) {
      const { panel } = places.get(one.id);
      if (panel) this._drawPanel(context, one, panel.rect, one.panels[panel.form], measure);
    }
    for (const one of drawn) {
      const { label } = places.get(one.id);
      if (label) drawLabel(context, label.rect, one.labels[label.form], one.colour);
    }
  }

  _drawPanel(context, { face, box, colour }, rect, panel, measure) {
    const { size, pad, row } = panel;
    fillRounded(context, rect, Math.max(2, 0.22 * size), GROUND);
    const isRight = rect.x + rect.width <= box.x; // the face is on the right
    context.fillStyle = colour;
    const stripe = isRight ? rect.x + rect.width - panel.edge : rect.x;
    context.fillRect(stripe, rect.y, panel.edge, rect.height);
    const left = rect.x + (isRight ? 0 : panel.edge) + pad;
    let top = rect.y + pad;
    if (panel.number) {
      const width = measure(panel.number, size, true) + (2 * size) / 3;
      fillRounded(context, { x: left, y: top, width, height: 1.35 * size }, 3, colour);
      write(context, panel.number, left + size / 3, top + 1.02 * size, size, chooseInk(colour), true);
      top += panel.header;
    }
    for (const label of chooseRows(this.labels, face.probabilities, panel.rows)) {
      const share = face.probabilities[label] ?? 0;
      const isShown = label === face.label;
      const ink = isShown ? WHITE : SOFT_WHITE;
      const line = top + 0.8 * row;
      const name = shorten(label, panel.names - pad, (text) => measure(text, size, true));
      write(context, name, left, line, size, ink, isShown);
      const [x, inset] = [left + panel.names, Math.max(2, Math.round(0.2 * row))];
      context.fillStyle = TRACK;
      context.fillRect(x, top + inset, panel.bar, row - 2 * inset);
      context.fillStyle = this.colours[label] ?? UNSURE_COLOUR;
      context.fillRect(x, top + inset, Math.max(1, share * panel.bar), row - 2 * inset);
      context.textAlign = "right";
      write(context, formatShare(share), x + panel.bar + panel.shares, line, size, ink, isShown);
      context.textAlign = "left";
      top += row;
    }
    if (panel.strip === 0) return;
    top += pad;
    write(context, `${SPAN_S} s`, left, top + panel.strip / 2 + 0.35 * size, size, SOFT_WHITE, false);
    const x = left + panel.names;
    const area = { x, y: top, width: panel.bar + panel.shares, height: panel.strip };
    context.fillStyle = GROUND;
    context.fillRect(area.x, area.y, area.width, area.height);
    drawStrip(context, this.history.getStrip(face.face_id), area, this.labels, this.colours);
  }
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

function drawLabel(context, rect, label, colour) {
  const { size, pad, number } = label;
  const radius = Math.max(2, 0.22 * size);
  fillRounded(context, rect, radius, GROUND);
  const tag = { x: rect.x, y: rect.y, width: label.numberWidth, height: rect.height };
  fillRounded(context, tag, number ? radius : 0, colour);
  const line = rect.y + BASELINE_EM * size;
  if (number) write(context, number, rect.x + pad, line, size, chooseInk(colour), true);
  if (label.text) write(context, label.text, rect.x + label.numberWidth + pad, line, size, WHITE, true);
  if (label.share) {
    context.textAlign = "right";
    write(context, label.share, rect.x + rect.width - pad, line, size, SOFT_WHITE, false);
    context.textAlign = "left";
  }
}

function write(context, text, x, y, size, ink, isBold) {
  context.font = makeFont(size, isBold);
  context.fillStyle = ink;
  context.fillText(text, x, y);
}

function fillRounded(context, { x, y, width, height }, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
  context.fill();
}

function strokeBox(context, { x, y, width, height }, colour, thick) {
  for (const [ink, line] of [["#000000", thick + 2], [colour, thick]]) {
    context.strokeStyle = ink;
    context.lineWidth = line;
    context.strokeRect(x, y, width, height);
  }
}

function strokeLine(context, [start, end], colour, thick) {
  for (const [ink, line] of [["#000000", thick + 2], [colour, thick]]) {
    context.strokeStyle = ink;
    context.lineWidth = line;
    context.beginPath();
    context.moveTo(start.x, start.y);
    context.lineTo(end.x, end.y);
    context.stroke();
  }
}
