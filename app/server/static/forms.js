/**
 * Makes the forms of labels and panels, the fullest first, and the texts in them, as
 * `app/overlay/labels.py` and `panels.py` do. `measure` is (text, size, isBold) -> width in whole px.
 */

import { roundEven } from "./rects.js";

const TEXT_SHARE = 0.03; // of the picture's height
const UPRIGHT_SHARE = 0.75; // of the width, which stands for the height of an upright picture
export const MIN_TEXT_PX = 12; // the usual lower limit
export const MIN_CRAMPED_TEXT_PX = 9; // the lower limit where there is little room
const LABEL_WORTHS = [1, 0.92, 0.8, 0.6, 0.4]; // of the forms
const LINE_HEIGHT = 1.45; // of a label, in sizes of its text
const FEW_ROWS = 3; // of the compact panels
const MANY_ROWS = 10; // with more classes, the smaller panels show the likeliest alone
const SOME_ROWS = 8; // of these panels
const MAX_NAME_EM = 9; // longer names are shortened
const ROW_EM = 1.32; // of the height of a panel's row
const PAD_EM = 0.4; // of margins
const BAR_EM = 5; // of a bar of 100 %
const COMPACT_BAR_EM = 3.5;
const HEADER_EM = 1.5; // of the header, where the face's number stands above the rows
const STRIP_EM = 1.8; // of the strip's height
const LONGEST_SHARE = "100\u202f%";
const FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** Returns the CSS font of letters of `size` px. */
export function makeFont(size, isBold) {
  return `${isBold ? 700 : 500} ${size}px ${FAMILY}`;
}

/** Chooses the size of labels, px, for a canvas of `width` x `height` px. */
export function chooseTextPx(width, height) {
  return Math.max(MIN_TEXT_PX, roundEven(TEXT_SHARE * Math.min(height, UPRIGHT_SHARE * width)));
}

/** Formats a probability: 0.734 becomes "73 %". */
export function formatShare(share) {
  return `${roundEven(100 * share)}\u202f%`;
}

/** Puts the displayed label of a face into words, with the reason where it is unsure. */
export function nameLabel(face) {
  if (face.reason === null || face.reason === "not confident") return face.label;
  return `${face.label}: ${face.reason}`;
}

/** Returns the text; one that is wider than `room` px is cut and ends with "…". */
export function shorten(text, room, measure) {
  let [whole, short] = [text, text];
  while (whole.length > 1 && measure(short) > room) {
    whole = whole.slice(0, -1);
    short = `${whole.trimEnd()}…`;
  }
  return short;
}

/** Returns the margin at each side of a text in a label, px. */
export function choosePad(size) {
  return Math.max(2, Math.floor(size / 3));
}

/** Returns the radius of rounded corners, px, for texts of `size` px. */
export function chooseRadius(size) {
  return Math.max(2, roundEven(0.22 * size));
}

/**
 * Makes the forms of a face's label: everything in large letters, everything in small letters,
 * without the probability, without the number, the number alone. Without a number, the first three.
 *
 * @param sizes - the sizes of large and small letters, px
 * @param number - the face's number, "" for none
 * @param room - the largest width of a form, px; longer texts are shortened
 */
export function makeLabels(face, { sizes: [large, small], number, room, measure }) {
  const isSure = face.reason === null; // a figure beside "unsure" would be read as how unsure
  const share = isSure ? formatShare(face.probabilities[face.label] ?? 0) : "";
  const make = (...texts) => makeLabel(...texts, room, measure);
  const forms = [
    make(number, nameLabel(face), share, large),
    make(number, nameLabel(face), share, small),
    make(number, face.label, "", small),
  ];
  if (number) forms.push(make("", face.label, "", small), make(number, "", "", small));
  return forms.map((form, at) => ({ ...form, worth: LABEL_WORTHS[at], overOwn: true }));
}

function makeLabel(number, wanted, share, wantedSize, room, measure) {
  const measureNumber = (px) =>
    number ? measure(number, px, true) + 2 * choosePad(px) : Math.max(3, Math.floor(px / 3));
  const measureAround = (px) =>
    measureNumber(px) +
    (share ? measure(` ${LONGEST_SHARE}`, px, false) : 0) +
    (wanted ? 2 * choosePad(px) : 0);
  let size = wantedSize;
  while (size > MIN_CRAMPED_TEXT_PX && room - measureAround(size) < 0) size -= 1;
  while (
    size > MIN_CRAMPED_TEXT_PX &&
    measure(wanted, size, true) > room - measureAround(size)
  ) {
    size -= 1;
  }
  const text = shorten(wanted, room - measureAround(size), (one) => measure(one, size, true));
  return {
    number,
    text,
    share,
    size,
    numberWidth: measureNumber(size),
    width: measureAround(size) + measure(text, size, true),
    height: roundEven(LINE_HEIGHT * size),
  };
}

/**
 * Makes the forms of panels: all bars with the strip of the last minute, all bars, all bars in small
 * letters (of more than ten classes, the likeliest), the likeliest three under one another, the
 * likeliest three side by side.
 *
 * @param sizes - the sizes of large and small letters, px
 * @param number - the longest number of a face, "" for none
 */
export function makePanels(labels, { sizes: [large, small], number, measure }) {
  const count = labels.length;
  const few = Math.min(FEW_ROWS, count);
  const some = count <= MANY_ROWS ? count : SOME_ROWS;
  const make = (rows, columns, size, more) =>
    makePanel(labels, { rows, columns, size, number, measure, ...more });
  return [
    make(count, 1, large, { worth: 1, hasStrip: true }),
    make(count, 1, large, { worth: 0.9 }),
    make(some, 1, small, { worth: 0.8 }),
    make(few, 1, small, { worth: 0.6, isCompact: true }),
    make(1, few, small, { worth: 0.4, isCompact: true }),
  ];
}

function makePanel(labels, options) {
  const { rows, columns, size, number, measure, worth } = options;
  const { hasStrip = false, isCompact = false } = options;
  const pad = Math.max(3, roundEven(PAD_EM * size));
  const hasBars = columns === 1;
  const widest = Math.max(...labels.map((label) => measure(label, size, true)));
  const bar = hasBars ? roundEven((isCompact ? COMPACT_BAR_EM : BAR_EM) * size) : 0;
  const one = {
    rows,
    columns,
    size,
    pad,
    bar,
    worth,
    overOwn: isCompact,
    row: roundEven(ROW_EM * size),
    names: Math.min(widest, roundEven(MAX_NAME_EM * size)) + pad,
    shares: measure(LONGEST_SHARE, size, true) + (hasBars ? pad : 0),
    header: number && columns === 1 ? roundEven(HEADER_EM * size) : 0,
    lead: number && columns > 1 ? measureTag(number, size, measure) + pad : 0,
    strip: hasStrip ? roundEven(STRIP_EM * size) : 0,
    edge: Math.max(3, Math.floor(size / 4)), // the stripe in the face's colour
    side: Math.floor(size / 3), // the gap between two columns
  };
  one.column = one.names + one.bar + one.shares + 2 * pad;
  one.width = one.edge + one.lead + columns * one.column + one.side * (columns - 1);
  one.height = one.header + rows * one.row + (one.strip ? pad + one.strip : 0) + 2 * pad;
  return one;
}

/** Returns the width of a face's number in a panel, px. */
export function measureTag(number, size, measure) {
  return measure(number, size, true) + 2 * choosePad(size);
}
