/** Shows a card for each person: the label, all bars, and the last minute. */

import { chooseFaceColour, chooseInk, UNSURE_COLOUR } from "./colours.js";
import { formatShare, nameLabel } from "./forms.js";
import { drawStrip } from "./overlay_painter.js";

const EVERY_MS = 200; // between two looks of the cards
const STAYS_MS = 10_000; // in which the card of a person who is gone can still be read
const MAX_CARDS = 12;

export class People {
  /** @param list - the <ul>; empty - the text that is shown instead of no cards */
  constructor(list, empty) {
    Object.assign(this, { _list: list, _empty: empty, _cards: new Map(), _shownAt: -Infinity });
    this._timer = 0;
  }

  /** Takes the painter of a stream, whose history the cards show. Forgets the cards of before. */
  begin(painter) {
    this._painter = painter;
    this._event = null;
    for (const card of this._cards.values()) card.item.remove();
    this._cards.clear();
    this._empty.hidden = false;
  }

  /** Takes the newest event. */
  take(event) {
    this._event = event;
    if (this._timer !== 0) return;
    const wait = Math.max(0, this._shownAt + EVERY_MS - performance.now());
    this._timer = setTimeout(() => {
      this._timer = 0;
      if (this._event !== null) this._show(this._event);
    }, wait);
  }

  _show(event) {
    const now = (this._shownAt = performance.now());
    for (const face of event.faces) {
      let card = this._cards.get(face.face_id);
      if (card === undefined && this._cards.size < MAX_CARDS) {
        card = makeCard(face.face_id, this._painter.labels, this._painter.colours);
        this._cards.set(face.face_id, card);
        this._list.append(card.item);
      }
      if (card === undefined) continue;
      card.seenAt = now;
      fillCard(card, face, this._painter);
    }
    for (const [id, card] of this._cards) {
      const isHere = card.seenAt === now;
      card.item.classList.toggle("gone", !isHere);
      if (!isHere) card.share.textContent = "not in view";
      if (now - card.seenAt > STAYS_MS) {
        card.item.remove();
        this._cards.delete(id);
      } else {
        drawCardStrip(card, this._painter.history.getStrip(id), this._painter);
      }
    }
    this._empty.hidden = this._cards.size > 0;
  }
}

function make(kind, className, parent, text = "") {
  const element = document.createElement(kind);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}

function makeCard(id, labels, colours) {
  const item = document.createElement("li");
  item.className = "person";
  const head = make("p", "head", item);
  const number = make("b", "number", head, `#${id}`);
  const label = make("strong", "label", head);
  const share = make("span", "share", head);
  const bars = new Map();
  const table = make("div", "bars", item);
  for (const one of labels) {
    const name = make("span", "name", table, one);
    const track = make("span", "track", table);
    const bar = make("i", "", track);
    bar.style.background = colours[one] ?? UNSURE_COLOUR;
    bars.set(one, { name, bar, figure: make("span", "figure", table) });
  }
  const strip = make("canvas", "strip", item);
  strip.setAttribute("aria-hidden", "true");
  make("p", "span", item, "the last 60 seconds");
  return { item, number, label, share, bars, strip, seenAt: 0 };
}

function fillCard(card, face, { colours }) {
  const colour = chooseFaceColour(face, colours);
  card.item.style.borderColor = colour;
  card.number.style.background = colour;
  card.number.style.color = chooseInk(colour);
  card.label.textContent = nameLabel(face);
  card.share.textContent =
    face.reason === null ? formatShare(face.probabilities[face.label] ?? 0) : "";
  for (const [label, { name, bar, figure }] of card.bars) {
    const share = face.probabilities[label] ?? 0;
    bar.style.width = `${100 * share}%`;
    figure.textContent = formatShare(share);
    name.classList.toggle("shown", label === face.label);
  }
}

function drawCardStrip({ strip }, history, { labels, colours }) {
  const scale = devicePixelRatio;
  const [width, height] = [strip.clientWidth * scale, strip.clientHeight * scale].map(Math.round);
  if (strip.width !== width || strip.height !== height) {
    strip.width = width;
    strip.height = height;
  }
  const context = strip.getContext("2d");
  context.clearRect(0, 0, width, height);
  drawStrip(context, history, { x: 0, y: 0, width, height }, labels, colours);
}
