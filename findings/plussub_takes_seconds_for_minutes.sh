#!/usr/bin/env bash
# The npm package @plussub/srt-vtt-parser ends a cue of 1-10 s at 600 s where cue settings stand behind its times.
#
# Guess before the run: a cue from 00:01.000 to 00:10.000 ends at 10 s, with and without settings such as "line:0",
# which put the expressions of two people on lines of their own.
# Source: WebVTT (https://www.w3.org/TR/webvtt1/, "WebVTT timestamp": the hours may be left out; "WebVTT cue block":
# the settings follow the times). The README gives "from" and "to" in milliseconds. FFmpeg and browsers read such
# cues.
# What happens: whether the hours are left out is judged by the number of colons in all the rest of the line. "line:0"
# brings one, so the seconds of the end become minutes; "align:left" makes the end NaN, which JSON writes as null. The
# begin is right, and there is no error. With hours in the times all is right.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @plussub/srt-vtt-parser@2.0.5 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const { parse } = require('@plussub/srt-vtt-parser');
console.log('@plussub/srt-vtt-parser', require('./node_modules/@plussub/srt-vtt-parser/package.json').version);

const ends = [
  ['00:01.000 --> 00:10.000', 10000],
  ['00:01.000 --> 00:10.000 line:0', 600000],
  ['00:01.000 --> 00:10.000 align:left', NaN],
  ['00:00:01.000 --> 00:00:10.000 line:0', 10000],
];
for (const [times, end] of ends) {
  const { entries } = parse(`WEBVTT\n\n${times}\njoy\n`);
  console.log(`${times}: from ${entries[0].from} to ${entries[0].to}`);
  assert.deepStrictEqual(entries, [{ id: '', from: 1000, to: end, text: 'joy' }], 'this has changed');
}
JS
node run.cjs
