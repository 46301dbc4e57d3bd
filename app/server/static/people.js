/** Shows a card for each person: the label, all bars, the last minute, and facial actions. */

import {
  ACTIONS_NOTE,
  ACTIONS_TITLE,
  describeEyes,
  describePose,
  StrongestActions,
} from "./actions.js";
import { chooseFaceColour, chooseInk, UNSURE_COLOUR } from "./colours.js";
import { make, setText } from "./dom.js";
import { formatShare, nameLabel } from "./forms.js";
import { drawStrip } from "./overlay_painter.js";

const EVERY_MS = 200; // between two looks of the cards
const STAYS_MS = 10_000; // in which the card of a person who is gone can still be read
const MAX_CARDS = 12;

export class People {
  /**
   * @param list - the <ul>; empty - the text that is shown instead of no cards; more - the line on
   *   people without a card; note - the line on facial actions
   */
  constructor({ list, empty, more, note }) {
    Object.assign(this, { _list: list, _empty: empty, _more: more, _note: note });
    setText(note, ACTIONS_NOTE);
    Object.assign(this, { _cards: new Map(), _shownAt: -Infinity, _timer: 0 });
    this._isOpen = true; // whether the facial actions of cards are unfolded
  }

  /** Takes the painter of a stream, whose history the cards show. Forgets the cards of before. */
  begin(painter) {
    this._painter = painter;
    this._event = null;
    for (const card of this._cards.values()) card.item.remove();
    this._cards.clear();
    this._empty.hidden = false;
    this._more.hidden = true;
    this._note.hidden = true;
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
      const card = this._cards.get(face.face_id) ?? this._addCard(face.face_id);
      if (card === null) continue;
      card.seenAt = now;
      fillCard(card, face, this._painter);
      this._showActions(card, face.actions ?? null);
    }
    for (const [id, card] of this._cards) {
      const isHere = card.seenAt === now;
      card.item.classList.toggle("gone", !isHere);
      if (!isHere) setText(card.share, "not in view");
      if (now - card.seenAt > STAYS_MS) {
        card.item.remove();
        this._cards.delete(id);
      } else {
        drawCardStrip(card, this._painter.history.getStrip(id), this._painter);
      }
    }
    const without = event.faces.filter(({ face_id: id }) => !this._cards.has(id)).length;
    this._more.hidden = without === 0;
    setText(this._more, `${without} more ${without === 1 ? "person is" : "people are"} in view.`);
    this._empty.hidden = this._cards.size > 0;
  }

  /** Adds the card of a person; null where there are enough. Those who are gone make room. */
  _addCard(id) {
    if (this._cards.size >= MAX_CARDS) {
      const gone = [...this._cards].find(([, { seenAt }]) => seenAt < this._shownAt - EVERY_MS);
      if (gone === undefined) return null;
      gone[1].item.remove();
      this._cards.delete(gone[0]);
    }
    const card = makeCard(id, this._painter.labels, this._painter.colours);
    this._cards.set(id, card);
    this._list.append(card.item);
    return card;
  }

  _showActions(card, actions) {
    if (actions !== null && card.actions === null) {
      this._note.hidden = false;
      card.actions = makeActions(card.item, this._isOpen);
      card.actions.root.addEventListener("toggle", ({ target }) => this._unfold(target.open));
    }
    if (card.actions === null) return;
    card.actions.root.classList.toggle("stale", actions === null); // not read in this frame
    if (actions !== null) fillActions(card.actions, actions);
  }

  /** Folds or unfolds the facial actions of all cards. */
  _unfold(isOpen) {
    this._isOpen = isOpen;
    for (const { actions } of this._cards.values()) if (actions !== null) actions.root.open = isOpen;
  }
}

function makeCard(id, labels, colours) {
  const item = document.createElement("li");
  item.className = "person";
  const head = make("p", "head", item);
  const number = make("b", "number", head, `#${id}`);
  const label = make("strong", "label", head);
  const share = make("span", "share", head);
  const table = make("div", "bars", item);
  const bars = new Map(
    labels.map((one) => [one, makeBar(table, one, colours[one] ?? UNSURE_COLOUR)]),
  );
  const strip = make("canvas", "strip", item);
  strip.setAttribute("aria-hidden", "true");
  make("p", "span", item, "the last 60 seconds");
  return { item, number, label, share, bars, strip, actions: null, seenAt: 0 };
}

/** Makes a row of a table: a name, a bar and a figure. */
function makeBar(table, text, colour) {
  const name = make("span", "name", table, text);
  const bar = make("i", "", make("span", "track", table));
  bar.style.background = colour;
  return { name, bar, figure: make("span", "figure", table) };
}

function fillBar({ bar, figure }, share) {
  bar.style.width = `${100 * share}%`;
  setText(figure, formatShare(share));
}

function fillCard(card, face, { colours }) {
  const colour = chooseFaceColour(face, colours);
  card.item.style.borderColor = colour;
  card.number.style.background = colour;
  card.number.style.color = chooseInk(colour);
  setText(card.label, nameLabel(face));
  const isSure = face.reason === null;
  setText(card.share, isSure ? formatShare(face.probabilities[face.label] ?? 0) : "");
  for (const [label, row] of card.bars) {
    fillBar(row, face.probabilities[label] ?? 0);
    row.name.classList.toggle("shown", label === face.label);
  }
}

function makeActions(item, isOpen) {
  const root = make("details", "actions", item);
  root.open = isOpen;
  make("summary", "", root, ACTIONS_TITLE);
  const pose = makeFact(root, "Head");
  const eyes = makeFact(root, "Eyes");
  const table = make("div", "bars", root);
  return { root, pose, eyes, table, rows: [], strongest: new StrongestActions() };
}

function makeFact(root, name) {
  const line = make("p", "fact", root);
  make("span", "name", line, `${name}: `);
  return make("span", "", line);
}

function fillActions({ pose, eyes, table, rows, strongest }, actions) {
  setText(pose, describePose(actions));
  setText(eyes, describeEyes(actions));
  strongest.list(actions).forEach(([name, share], at) => {
    if (rows.length <= at) rows.push(makeBar(table, "", "currentcolor"));
    setText(rows[at].name, name);
    fillBar(rows[at], share);
  });
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
