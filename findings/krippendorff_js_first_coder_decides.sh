#!/usr/bin/env bash
# The npm package krippendorff counts no pictures beyond the last one that the first coder rated.
#
# Guess before the run: Krippendorff's own example has an alpha of 0.743, with trailing missing votes written as
# undefined or left out, of each coder.
# Source: Krippendorff (2011, "Computing Krippendorff's Alpha-Reliability"), and the README, whose example leaves out
# the last vote of its third coder: "note missing rating for third sample".
# What happens: with undefined in place of each missing vote, the value is right. With the trailing ones left out, the
# length of the first list is taken for the number of pictures: the three pictures at the end that others rated are
# not counted, and alpha is 0.692. Whichever coder stands first decides the value. So write undefined.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . krippendorff@0.1.0 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const { alpha } = require('krippendorff');
console.log('krippendorff', require('./node_modules/krippendorff/package.json').version);

const coders = ['123321412...', '1233224125.3', '.3332342251.', '12332441251.'];
const votes = (text) => [...text].map((vote) => (vote === '.' ? undefined : Number(vote)));
const shortened = coders.map((coder) => coder.replace(/\.+$/, ''));
const values = {
  'missing votes written as undefined': alpha(coders.map(votes)),
  'trailing ones left out': alpha(shortened.map(votes)),
  'the same, another coder first': alpha([...shortened].reverse().map(votes)),
};
for (const [name, value] of Object.entries(values)) console.log(`${name}: alpha ${value.toFixed(3)}`);
const rounded = Object.values(values).map((value) => value.toFixed(3));
assert.deepStrictEqual([rounded[0], rounded[1]], ['0.743', '0.692'], 'this has changed');
assert.notStrictEqual(rounded[2], rounded[1], 'this has changed');
JS
node run.cjs
