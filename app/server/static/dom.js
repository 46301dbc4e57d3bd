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

/** Makes the parts of a file's name, which a narrow page breaks between its words. */
export function breakName(name) {
  const [first, ...others] = name.split(/(?<=[_\s-])|(?=\.)/);
  return [first, ...others.flatMap((part) => [document.createElement("wbr"), part])];
}
