/** Chooses the colours of faces, and of letters on these colours. Colours are "#rrggbb". */

export const UNSURE_COLOUR = "#e1e1e1"; // no expression's colour
const BRIGHT_LUMA = 105; // of 255; letters on a brighter colour are black, else white

/** Chooses the colour of a face's box and label, from the server's table of colours. */
export function chooseFaceColour(face, colours) {
  if (face.reason !== null) return colours.unsure ?? UNSURE_COLOUR;
  return colours[face.label] ?? UNSURE_COLOUR;
}

/** Chooses black or white for letters on a colour, whichever is easier to read. */
export function chooseInk(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > BRIGHT_LUMA ? "#000000" : "#ffffff";
}
