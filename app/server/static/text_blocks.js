/** Draws labels and panels onto a canvas, as `app/overlay/labels.py` and `panels.py` do. */

import { chooseInk, UNSURE_COLOUR } from "./colours.js";
import { choosePad, chooseRadius, formatShare, makeFont, measureTag, shorten } from "./forms.js";
import { SPAN_S } from "./history.js";
import { roundEven } from "./rects.js";

export const GROUND = "rgb(0 0 0 / 0.68)";
const TRACK = "rgb(255 255 255 / 0.16)";
const SOFT_WHITE = "#e1e1e1";
const WHITE = "#ffffff";
const BASELINE_EM = 1.06; // below a label's top
const TAG_EM = 1.35; // of the height of the face's number in a panel
const TAG_BASELINE_EM = 1.02; // below the top of this number
const ROW_BASELINE_SHARE = 0.8; // below a row's top
const BAR_INSET_SHARE = 0.2; // above and below a bar

/**
 * Draws a label: the number on the face's colour (without a number, a stripe in this colour), then
 * the text, then the probability. `label` is a form of forms.js.
 */
export function drawLabel(context, rect, label, colour) {
  const { size, number, numberWidth } = label;
  const [pad, radius] = [choosePad(size), chooseRadius(size)];
  fillRounded(context, rect, radius, GROUND);
  const tag = { x: rect.x, y: rect.y, width: numberWidth, height: rect.height };
  fillRounded(context, tag, number ? radius : 0, colour);
  const line = rect.y + roundEven(BASELINE_EM * size);
  if (number) write(context, number, rect.x + pad, line, size, chooseInk(colour), true);
  if (label.text) write(context, label.text, rect.x + numberWidth + pad, line, size, WHITE, true);
  if (label.share) writeRight(context, label.share, rect.x + rect.width - pad, line, size, SOFT_WHITE, false);
}

/**
 * Draws a panel.
 *
 * @param panel - a form of forms.js
 * @param options - labels and colours: of the server's hello; shares: a probability for each label;
 *   rows: the indices of the classes to show; highlighted: the index of the class that is brighter;
 *   number: the face's number, "" for none; colour: the face's; edge: the side of the panel that
 *   the face is on, "left", "right", "top" or "bottom"; measure: as forms.js has it
 * @returns the room of the strip of the last minute, null where this form has none
 */
export function drawPanel(context, rect, panel, options) {
  const { labels, colours, shares, rows, highlighted, number, colour, edge, measure } = options;
  const { size, pad } = panel;
  fillRounded(context, rect, chooseRadius(size), GROUND);
  fillEdge(context, rect, panel.edge, edge, colour);
  let left = rect.x + (edge === "right" ? 0 : panel.edge) + pad;
  let top = rect.y + pad;
  if (number) {
    drawTag(context, left, top, number, size, colour, measure);
    left += panel.lead;
    top += panel.header;
  }
  rows.forEach((index, place) => {
    const x = left + (place % panel.columns) * (panel.column + panel.side);
    const y = top + Math.floor(place / panel.columns) * panel.row;
    drawRow(context, x, y, panel, {
      label: labels[index],
      share: shares[index],
      colour: colours[labels[index]] ?? UNSURE_COLOUR,
      standsOut: index === highlighted,
      measure,
    });
  });
  if (panel.strip === 0) return null;
  top += panel.rows * panel.row + pad;
  const line = top + roundEven(0.5 * panel.strip + 0.35 * size);
  write(context, `${SPAN_S} s`, left, line, size, SOFT_WHITE, false);
  const room = {
    x: left + panel.names,
    y: top,
    width: panel.bar + panel.shares,
    height: panel.strip,
  };
  context.fillStyle = GROUND;
  context.fillRect(room.x, room.y, room.width, room.height);
  return room;
}

/** Draws a class's name, its bar on a track as long as 100 %, and its figure. */
function drawRow(context, x, y, panel, { label, share, colour, standsOut, measure }) {
  const { size, row, pad } = panel;
  const ink = standsOut ? WHITE : SOFT_WHITE;
  const line = y + roundEven(ROW_BASELINE_SHARE * row);
  const name = shorten(label, panel.names - pad, (text) => measure(text, size, true));
  write(context, name, x, line, size, ink, standsOut);
  const left = x + panel.names;
  if (panel.bar) {
    const inset = Math.max(2, roundEven(BAR_INSET_SHARE * row));
    context.fillStyle = TRACK;
    context.fillRect(left, y + inset, panel.bar, row - 2 * inset);
    context.fillStyle = colour;
    context.fillRect(left, y + inset, Math.max(1, roundEven(share * panel.bar)), row - 2 * inset);
  }
  writeRight(context, formatShare(share), left + panel.bar + panel.shares, line, size, ink, standsOut);
}

function drawTag(context, x, y, number, size, colour, measure) {
  const width = measureTag(number, size, measure);
  fillRounded(context, { x, y, width, height: roundEven(TAG_EM * size) }, chooseRadius(size), colour);
  const line = y + roundEven(TAG_BASELINE_EM * size);
  write(context, number, x + choosePad(size), line, size, chooseInk(colour), true);
}

function fillEdge(context, { x, y, width, height }, thick, edge, colour) {
  const thin = Math.max(2, Math.floor(thick / 2));
  context.fillStyle = colour;
  if (edge === "left") context.fillRect(x, y, thick, height);
  if (edge === "right") context.fillRect(x + width - thick, y, thick, height);
  if (edge === "top") context.fillRect(x, y, width, thin);
  if (edge === "bottom") context.fillRect(x, y + height - thin, width, thin);
}

function write(context, text, x, y, size, ink, isBold) {
  context.font = makeFont(size, isBold);
  context.fillStyle = ink;
  context.fillText(text, x, y);
}

function writeRight(context, text, x, ...more) {
  context.textAlign = "right";
  write(context, text, x, ...more);
  context.textAlign = "left";
}

function fillRounded(context, { x, y, width, height }, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
  context.fill();
}
