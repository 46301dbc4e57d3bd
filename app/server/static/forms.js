/** Makes the forms of labels and panels, the fullest first, and the texts in them. */

const TEXT_SHARE = 0.03; // of the picture's height
const UPRIGHT_SHARE = 0.75; // of the width, which stands for the height of an upright picture
const MIN_TEXT_PX = 12;
const PANEL_SHARE = 0.8; // of a label's size
const MIN_PANEL_PX = 11;
const FEW_ROWS = 3; // of the compact panel
const MANY_ROWS = 10; // with more classes, the smaller panels show the likeliest alone
const SOME_ROWS = 8; // of these panels
const LINE_EM = 1.45; // of a label's height
const ROW_EM = 1.32; // of the height of a panel's row
const PAD_EM = 0.4;
const BAR_EM = 5; // of a bar of 100 %
const COMPACT_BAR_EM = 3.5;
const MAX_NAME_EM = 9; // longer names are shortened
const HEADER_EM = 1.5; // of the height of the face's number
const STRIP_EM = 1.8; // of the strip's height
const FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** Returns the CSS font of letters of `size` px. */
export function makeFont(size, isBold) {
  return `${isBold ? 700 : 500} ${size}px ${FAMILY}`;
}

/** Chooses the size of labels, px, for a canvas of `width` x `height` px. */
export function chooseTextPx(width, height) {
  return Math.max(MIN_TEXT_PX, Math.round(TEXT_SHARE * Math.min(height, UPRIGHT_SHARE * width)));
}

/** Formats a probability: 0.734 becomes "73 %". */
export function formatShare(share) {
  return `${Math.round(100 * share)}\u202f%`;
}

/** Puts the displayed label of a face into words, with the reason where it is unsure. */
export function nameLabel(face) {
  if (face.reason === null || face.reason === "not confident") return face.label;
  return `${face.label}: ${face.reason}`;
}

/** Shortens a text to `width` px. */
export function shorten(text, width, measure) {
  if (measure(text) <= width) return text;
  let end = text.length - 1;
  while (end > 1 && measure(`${text.slice(0, end)}…`) > width) end -= 1;
  return `${text.slice(0, end)}…`;
}

/**
 * Makes the forms of a face's label: all of it; without the probability; the number alone (where
 * there is one).
 *
 * @param measure - (text, size, isBold) -> width in px
 * @param number - the face's number, "" for none
 */
export function makeLabels(face, { size, number, room, measure }) {
  const pad = Math.max(2, Math.round(size / 3));
  const numberWidth = number ? measure(number, size, true) + 2 * pad : Math.max(3, pad);
  const sure = face.reason === null; // a figure beside "unsure" would be read as how unsure
  const share = sure ? formatShare(face.probabilities[face.label] ?? 0) : "";
  const make = (name, figure) => {
    const shareWidth = figure ? measure(" 100\u202f%", size, false) : 0;
    const around = numberWidth + shareWidth + (name ? 2 * pad : 0);
    const text = name && shorten(name, room - around, (t) => measure(t, size, true));
    const width = around + (text ? measure(text, size, true) : 0);
    return {
      text,
      share: figure,
      number,
      size,
      pad,
      numberWidth,
      width: Math.ceil(width),
      height: Math.round(LINE_EM * size),
    };
  };
  const forms = [make(nameLabel(face), share), make(face.label, "")];
  if (number) forms.push(make("", ""));
  return forms;
}

/**
 * Makes the forms of panels: all bars with the strip of the last minute; all bars (of more than
 * ten classes, the likeliest); the likeliest three.
 */
export function makePanels(labels, { size: labelPx, number, measure }) {
  const size = Math.max(MIN_PANEL_PX, Math.round(PANEL_SHARE * labelPx));
  const widest = Math.max(...labels.map((label) => measure(label, size, true)));
  const pad = Math.max(3, Math.round(PAD_EM * size));
  const edge = Math.max(3, Math.round(size / 4));
  const names = Math.ceil(Math.min(widest, MAX_NAME_EM * size)) + pad;
  const shares = Math.ceil(measure("100\u202f%", size, true)) + pad;
  const make = (rows, barEm, hasStrip) => {
    const one = { rows, size, pad, edge, names, shares, number };
    one.row = Math.round(ROW_EM * size);
    one.bar = Math.round(barEm * size);
    one.header = number ? Math.round(HEADER_EM * size) : 0;
    one.strip = hasStrip ? Math.round(STRIP_EM * size) : 0;
    one.width = edge + names + one.bar + shares + 2 * pad;
    one.height = one.header + rows * one.row + (hasStrip ? pad + one.strip : 0) + 2 * pad;
    return one;
  };
  const count = labels.length;
  return [
    make(count, BAR_EM, true),
    make(count <= MANY_ROWS ? count : SOME_ROWS, BAR_EM, false),
    make(Math.min(FEW_ROWS, count), COMPACT_BAR_EM, false),
  ];
}

/** Chooses the classes that a panel of `count` rows shows: all in order, else the likeliest. */
export function chooseRows(labels, probabilities, count) {
  if (count >= labels.length) return [...labels];
  const share = (label) => probabilities[label] ?? 0;
  return [...labels].sort((a, b) => share(b) - share(a)).slice(0, count);
}
