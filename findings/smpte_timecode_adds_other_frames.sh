#!/usr/bin/env bash
# The npm package smpte-timecode adds frames of another rate: one second and one second are three seconds.
#
# Guess before the run: a timecode of 50 frames/s that is added to one of 25 frames/s is added by its time, or refused.
# Source: README: "timecode arithmetics: adding frame counts and other timecodes"; add(x) "adds x to timecode", where x
# may be a Timecode, and each Timecode has its own frameRate.
# What happens: the frame count of the second is added without regard to its rate. So 1 s at 25/s plus 1 s at 50/s is
# 3 s, and 2 s at 25/s less 1 s at 50/s is nothing. Nothing is said. Convert the frame count to the other rate first.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . smpte-timecode@1.3.6 \
  > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const Timecode = require('smpte-timecode');
console.log('smpte-timecode', require('./node_modules/smpte-timecode/package.json').version);

const second = (rate) => new Timecode('00:00:01:00', rate);
const same = second(25).add(second(25)).toString();
const faster = second(25).add(second(50)).toString();
const slower = second(50).add(second(25)).toString();
const less = second(25).add(second(25)).subtract(second(50)).toString();
console.log(`1 s at 25/s plus 1 s at 25/s: ${same}`);
console.log(`1 s at 25/s plus 1 s at 50/s: ${faster}`);
console.log(`1 s at 50/s plus 1 s at 25/s: ${slower}`);
console.log(`2 s at 25/s less 1 s at 50/s: ${less}`);
const converted = new Timecode(second(25).frameCount + second(50).frameCount * 25 / 50, 25).toString();
console.log(`with the frame count converted: ${converted}`);
assert.strictEqual(same, '00:00:02:00');
assert.strictEqual(converted, '00:00:02:00');
assert.strictEqual(faster, '00:00:03:00', 'this has changed');
assert.strictEqual(slower, '00:00:01:25', 'this has changed');
assert.strictEqual(less, '00:00:00:00', 'this has changed');
JS
node run.cjs
