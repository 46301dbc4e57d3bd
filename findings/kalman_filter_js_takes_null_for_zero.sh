#!/usr/bin/env bash
# The npm package kalman-filter takes the missing place of a face for 0, so a face at 130 px jumps to 21 px.
#
# Guess before the run: a frame in which the face was not found is predicted from the others, or refused with an
# error.
# Source: README: its example "Partial Observation" is for a "sensor with missing values", and in the discussion that
# it links (https://github.com/piercus/kalman-filter/issues/34) such values are given as null.
# What happens: [null] gives the same as [0], bit for bit, for the null becomes 0 in the difference from the
# prediction. Nothing is said, while NaN and undefined raise an error. In that discussion, a covariance that grows
# with null is proposed; without it, leave correct out for such a frame and go on from the prediction, as below.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . kalman-filter@2.3.0 @rayyamhk/matrix@1.0.8 matrix-inverse@2.0.0 simple-linalg@1.5.0 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const { KalmanFilter } = require('kalman-filter');
console.log('kalman-filter', require('./node_modules/kalman-filter/package.json').version);

const filter = () => new KalmanFilter({ observation: 1, dynamic: 'constant-speed' });
const round = (places) => places.map((place) => Number(place.toFixed(1)));
const smooth = (fourth) =>
  filter().filterAll([[100], [110], [120], [fourth], [140], [150]]).map((state) => state[0]);
const skip = () => {
  const kalman = filter();
  let state = null;
  return [100, 110, 120, null, 140, 150].map((place) => {
    const predicted = kalman.predict({ previousCorrected: state });
    state = place === null ? predicted : kalman.correct({ predicted, observation: [place] });
    return state.mean[0][0];
  });
};
const places = { 'found at 130': smooth(130), null: smooth(null), 'found at 0': smooth(0), 'no correction': skip() };
for (const [name, values] of Object.entries(places)) console.log(`fourth frame ${name}: ${round(values).join(', ')}`);
const even = [100, 110, 120, 130, 140, 150];
assert.deepStrictEqual(round(places['found at 130']), even);
assert.deepStrictEqual(round(places['no correction']), even);
assert.deepStrictEqual(places.null, places['found at 0'], 'this has changed');
assert.strictEqual(round(places.null)[3], 20.9, 'this has changed');
JS
node run.cjs
