/** Names the keys of the page, the same as the window's, and listens for them. */

// The key, its name in the help, its action, and what it does.
const KEYS = [
  [" ", "space", "pause", "pause, go on"],
  ["v", "v", "hud", "view: everything, boxes, nothing"],
  ["e", "e", "map", "where on the face the evidence lies"],
  ["b", "b", "blur", "blur faces, on the screen and in what is saved"],
  ["r", "r", "record", "record the readings; stop"],
  ["s", "s", "snapshot", "save a snapshot"],
  ["[", "[", "quick", "smooth less"],
  ["]", "]", "calm", "smooth more"],
  ["n", "n", "neutral", "five seconds of a neutral face, allowed for; forget"],
  ["m", "m", "mirror", "mirror the picture"],
  ["h", "h", "help", "show or hide this help"],
  ["q", "q", "quit", "stop the camera or the file"],
];
const TAKES_LETTERS = "input:not([type=checkbox]), select, textarea, [contenteditable]";
const TAKES_SPACE = "button, a, summary, video, label, input";

/** Finds the action of a pressed key; null for a key without one, or one that is meant elsewhere. */
export function findAction({ key, ctrlKey, altKey, metaKey, target }) {
  if (ctrlKey || altKey || metaKey || target?.closest?.(TAKES_LETTERS)) return null;
  if (key === " " && target?.closest?.(TAKES_SPACE)) return null;
  return KEYS.find(([one]) => one === key.toLowerCase())?.[2] ?? null;
}

/** Calls `obey(action)` for each key with an action, as long as `isOn()`. */
export function listenToKeys(obey, isOn) {
  addEventListener("keydown", (event) => {
    const action = event.repeat && event.key !== "[" && event.key !== "]" ? null : findAction(event);
    if (action === null || !(isOn() || action === "help")) return;
    event.preventDefault();
    obey(action);
  });
}

/** Lists the keys in a <dl>. */
export function listKeys(list) {
  for (const [, name, , does] of KEYS) {
    const term = document.createElement("dt");
    const key = document.createElement("kbd");
    key.textContent = name;
    term.append(key);
    const text = document.createElement("dd");
    text.textContent = does;
    list.append(term, text);
  }
}
