#!/usr/bin/env bash
# face-api's yaw of a head grows with the size of the picture, and its angles are degrees where its text says radians.
#
# Guess before the run: resizeResults to twice the size doubles the box and leaves the angle as it is.
# Source: TUTORIAL.md of the package: the three angles are "in radians in range of -pi/2 to pi/2"; an angle has no size.
# What happens: for the smiling girl of this repository's plate, the angles are whole degrees. resizeResults, which
# fits results to the size at which the picture is shown, doubles her yaw together with the box, and the same picture
# read at twice its size has about twice the yaw too. So a head that is drawn on a larger canvas has turned
# further. Roll keeps its value. Divide the yaw by the width of the box before you compare two.
#
# Needs node 18 or later, npm and the package index; the picture is in this repository, face-api's networks are in its
# package. Exits with 0 while this is so.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @vladmandic/face-api@1.7.15 \
  @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0 jpeg-js@0.4.4 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const jpeg = require('jpeg-js');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const faceapi = require(path.resolve('node_modules/@vladmandic/face-api/dist/face-api.node-wasm.js'));

const page = jpeg.decode(fs.readFileSync(process.argv[2]), { useTArray: true });

// The portrait of 340 x 340 px at (15, 20) of the page, each pixel `times` times in both directions.
function enlarge(times) {
  const side = 340 * times;
  const rgb = new Int32Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const from = ((20 + Math.floor(y / times)) * page.width + 15 + Math.floor(x / times)) * 4;
      for (let c = 0; c < 3; c++) rgb[(y * side + x) * 3 + c] = page.data[from + c];
    }
  }
  return faceapi.tf.tensor3d(rgb, [side, side, 3]);
}

async function main() {
  wasm.setWasmPaths(path.resolve('node_modules/@tensorflow/tfjs-backend-wasm/dist') + '/');
  await faceapi.tf.setBackend('wasm');
  await faceapi.tf.ready();
  const models = path.resolve('node_modules/@vladmandic/face-api/model');
  for (const name of ['ssdMobilenetv1', 'faceLandmark68Net']) await faceapi.nets[name].loadFromDisk(models);
  console.log('face-api', faceapi.version);
  const read = (times) => faceapi.detectSingleFace(enlarge(times)).withFaceLandmarks();
  const tell = (name, { angle, detection: { box } }) => {
    const { roll, pitch, yaw } = angle;
    console.log(`${name}: box ${Math.round(box.width)} px wide, roll ${roll}, pitch ${pitch}, yaw ${yaw}`);
  };
  const one = await read(1);
  tell('as it is', one);
  const shown = [2, 4].map((times) => faceapi.resizeResults(one, { width: 340 * times, height: 340 * times }));
  tell('resizeResults to twice the size', shown[0]);
  tell('resizeResults to four times the size', shown[1]);
  const large = await read(2);
  tell('read at twice the size', large);
  for (const angle of Object.values(one.angle)) assert(Number.isInteger(angle), 'this has changed');
  const yaws = [one, ...shown].map((result) => result.angle.yaw);
  assert(Math.abs(yaws[0]) > 5, 'this has changed');
  const isTimes = (yaw, times) => Math.abs(yaw / yaws[0] - times) < 0.1 * times; // whole degrees are coarse
  assert(isTimes(yaws[1], 2) && isTimes(yaws[2], 4), 'this has changed');
  assert(isTimes(large.angle.yaw, 2), 'this has changed');
  assert.equal(shown[1].angle.roll, one.angle.roll, 'this has changed');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
JS
node run.cjs "$here/docs/plates/plate-3.jpg"
