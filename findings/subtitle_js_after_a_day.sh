#!/usr/bin/env bash
# The npm package subtitle writes an expression at 25 hours as one at 1 hour and 86400000 milliseconds.
#
# Guess before the run: a cue at 25 h is written as 25:00:00.000, as the package itself reads it.
# Source: WebVTT (https://www.w3.org/TR/webvtt1/, "WebVTT timestamp"): two or more digits of hours, and three
# of milliseconds. README: formatTimestamp "receives a timestamp in milliseconds and returns it formatted as SRT or
# VTT".
# What happens: hours are taken modulo 24, and the days come back in the milliseconds, which then have eight or nine
# digits. Other readers refuse such a time or take it for another. Recordings of more than a day need another writer.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . subtitle@4.2.2 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const { formatTimestamp, parseTimestamp } = require('subtitle');
console.log('subtitle', require('./node_modules/subtitle/package.json').version);

const HOUR_MS = 3600000;
const written = {};
for (const hours of [23, 24, 25, 49]) {
  written[hours] = formatTimestamp(hours * HOUR_MS, { format: 'WebVTT' });
  const own = parseTimestamp(`${hours}:00:00.000`) / HOUR_MS;
  console.log(`${hours} h: written as ${written[hours]}; "${hours}:00:00.000" is read as ${own} h`);
  assert.strictEqual(own, hours);
}
assert.deepStrictEqual(
  Object.values(written),
  ['23:00:00.000', '00:00:00.86400000', '01:00:00.86400000', '01:00:00.172800000'],
  'this has changed',
);
JS
node run.cjs
