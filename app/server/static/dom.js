/** Small steps with the elements of the page. */

export function find(id) {
  return document.getElementById(id);
}

/** Makes an element with a class and a text, as the last one of its parent. */
export function make(kind, className, parent, text = "") {
  const element = document.createElement(kind);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}

/** Writes a text where it is another one. Screen readers may say even the same text again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
