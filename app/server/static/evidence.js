/** Paints where on a face the evidence for its label lies, as the window does. */

const FINE_PX = 96; // side to which a map is enlarged, so that its few cells do not show
const MAX_OPACITY = 0.6; // where the evidence is strongest
const EDGE_SLOPE = 6; // the map fades out over one sixth of its side, at each border

// Coefficients of polynomials of degree 6 that come within 0.04 of Matplotlib's "inferno".
const INFERNO = [
  [0.00021894, 0.10651342, 11.60249308, -41.70399613, 77.1629357, -71.31942824, 25.13112622],
  [0.001651, 0.56395644, -3.97285397, 17.43639888, -33.40235894, 32.62606426, -12.24266895],
  [-0.0194809, 3.93271239, -15.94239411, 44.3541452, -81.80730926, 73.20951986, -23.070325],
];

/** Returns the red, green and blue (0 to 255) of a strength from 0 to 1. */
export function chooseMapColour(strength) {
  return INFERNO.map((factors) => {
    const value = factors.reduceRight((sum, factor) => sum * strength + factor, 0);
    return Math.round(255 * Math.max(0, Math.min(1, value)));
  });
}

/** Enlarges `weights` (rows x columns, 0 to 255) to FINE_PX x FINE_PX values from 0 to 1. */
export function enlarge(weights, rows, columns) {
  const fine = new Float32Array(FINE_PX * FINE_PX);
  const read = (row, column) =>
    weights[
      Math.max(0, Math.min(rows - 1, row)) * columns + Math.max(0, Math.min(columns - 1, column))
    ] / 255;
  const stepsX = [...Array(FINE_PX).keys()].map((at) => cubicStep(at, columns));
  for (let y = 0; y < FINE_PX; y += 1) {
    const [row, factorsY] = cubicStep(y, rows);
    for (let x = 0; x < FINE_PX; x += 1) {
      const [column, factorsX] = stepsX[x];
      let sum = 0;
      for (let j = 0; j < 4; j += 1) {
        for (let i = 0; i < 4; i += 1) {
          sum += factorsY[j] * factorsX[i] * read(row + j - 1, column + i - 1);
        }
      }
      fine[y * FINE_PX + x] = Math.max(0, Math.min(1, sum)) * fade(x) * fade(y);
    }
  }
  return fine;
}

/** Returns the cell before a fine pixel's centre, and the factors of the four cells around it. */
function cubicStep(at, cells) {
  const place = ((at + 0.5) * cells) / FINE_PX - 0.5;
  const cell = Math.floor(place);
  const t = place - cell;
  const [a, u] = [-0.75, 1 - t];
  const near = (d) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [cell, [far(1 + t), near(t), near(u), far(1 + u)]];
}

function fade(at) {
  return Math.min(1, EDGE_SLOPE * (0.5 - Math.abs((at + 0.5) / FINE_PX - 0.5)));
}

/** Makes a small canvas of one map of an event. */
function drawFine(map) {
  const text = atob(map.weights);
  const weights = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const fine = enlarge(weights, map.rows, map.cols);
  const canvas = new OffscreenCanvas(FINE_PX, FINE_PX);
  const context = canvas.getContext("2d");
  const image = context.createImageData(FINE_PX, FINE_PX);
  fine.forEach((strength, at) => {
    const [red, green, blue] = chooseMapColour(strength);
    image.data.set([red, green, blue, 255 * MAX_OPACITY * Math.sqrt(strength)], 4 * at);
  });
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Inverts the matrix of a map. [a, b, c, d, e, f] takes picture px to shares of the map's sides:
 * u = ax + by + c, v = dx + ey + f. Returns the six factors of the way back in the same order, null
 * where there is none.
 */
export function invert([a, b, c, d, e, f]) {
  const size = a * e - b * d;
  if (!Number.isFinite(1 / size)) return null;
  return [e, -b, b * f - c * e, -d, a, c * d - a * f].map((value) => value / size);
}

/** Paints the maps of an event. The context's units are px of the event's picture. */
export function paintMaps(context, maps) {
  for (const map of maps ?? []) {
    const back = invert(map.matrix);
    if (back === null) continue;
    const [a, b, c, d, e, f] = back;
    context.save();
    context.transform(a, d, b, e, c, f);
    context.imageSmoothingQuality = "high";
    context.drawImage(drawFine(map), 0, 0, 1, 1);
    context.restore();
  }
}
