#!/usr/bin/env bash
# human reads the same face as happy in a square picture and as angry in a wide one.
#
# Guess before the run: grey margin around a face changes neither its box nor its label.
# Source: human's README and the comments of its Config: detect() takes pictures of any size. The only word on shape is
# the option face.detector.square, "automatically pad image to square", which is not set by default.
# What happens: the same pixels of a smiling girl, with the same grey around them, are happy 0.99 in 1280 x 1280 and
# angry 0.71 in 1280 x 720, the shape of a webcam. The detector gets the picture squeezed to a square, its box
# is 1.4 times as large, and the emotion network reads that box. With detector.square no face is found at
# all. Pad pictures to a square yourself.
#
# Needs node 18 or later, npm and the package index; the picture is in this repository. human's networks are in its
# package. Exits with 0 while this is so.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @vladmandic/human@3.3.6 \
  @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0 jpeg-js@0.4.4 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const fs = require('fs');
const http = require('http');
const path = require('path');
const jpeg = require('jpeg-js');
const { Human } = require(path.resolve('node_modules/@vladmandic/human/dist/human.node-wasm.js'));

const models = path.resolve('node_modules/@vladmandic/human/models');
const server = http.createServer((request, answer) => {
  answer.end(fs.readFileSync(path.join(models, path.basename(request.url))));
});
const page = jpeg.decode(fs.readFileSync(process.argv[2]), { useTArray: true });

// A grey picture with the portrait of 340 x 340 px at (15, 20) of the page, its corner at (470, 190).
function place(width, height) {
  const rgb = new Float32Array(width * height * 3).fill(128);
  for (let y = 0; y < 340; y++) {
    for (let x = 0; x < 340; x++) {
      for (let c = 0; c < 3; c++) {
        rgb[((190 + y) * width + 470 + x) * 3 + c] = page.data[((20 + y) * page.width + 15 + x) * 4 + c];
      }
    }
  }
  return rgb;
}

server.listen(0, '127.0.0.1', async () => {
  const off = { enabled: false };
  const human = new Human({
    backend: 'wasm',
    wasmPath: path.resolve('node_modules/@tensorflow/tfjs-backend-wasm/dist') + '/',
    modelBasePath: `http://127.0.0.1:${server.address().port}/`,
    debug: false,
    cacheSensitivity: 0, // nothing is carried over from the picture before
    filter: off, gesture: off, body: off, hand: off, object: off, segmentation: off,
    face: { detector: { rotation: false }, iris: off, description: off, antispoof: off, liveness: off },
  });
  await human.load();
  console.log('human', human.version);
  const found = {};
  for (const [width, height] of [[1280, 1280], [1280, 720], [1280, 1280]]) {
    const picture = human.tf.tensor(place(width, height), [1, height, width, 3]);
    const faces = (await human.detect(picture)).face;
    assert.equal(faces.length, 1);
    const [{ box, emotion }] = faces;
    found[`${width}x${height}`] = { side: box[2], first: emotion[0] };
    const told = emotion.map((one) => `${one.emotion} ${one.score}`).join(', ');
    console.log(`${width} x ${height}: box ${box.map(Math.round)}, ${told}`);
  }
  const picture = human.tf.tensor(place(1280, 720), [1, 720, 1280, 3]);
  const padded = (await human.detect(picture, { face: { detector: { square: true } } })).face;
  console.log(`1280 x 720 with detector.square: ${padded.length} faces`);
  const square = found['1280x1280'], wide = found['1280x720'];
  assert(square.first.emotion === 'happy' && square.first.score > 0.9, 'this has changed');
  assert(wide.first.emotion !== 'happy' && wide.side > 1.3 * square.side, 'this has changed');
  assert(padded.length === 0, 'this has changed');
  process.exit(0);
});
JS
node run.cjs "$here/docs/plates/plate-3.jpg"
