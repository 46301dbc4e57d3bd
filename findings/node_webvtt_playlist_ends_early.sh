#!/usr/bin/env bash
# node-webvtt's playlist of 37 seconds of expressions of two people ends after 5 seconds.
#
# Guess before the run: the playlist lasts until the last cue ends, and each segment has the cues that are shown in its
# time.
# Source: RFC 8216, 3.5: a WebVTT segment must contain all cues that are to be displayed in the period that its EXTINF
# states, also those that reach beyond it. node-webvtt's README: it "segments and generates HLS playlists".
# What happens: the end of the file is taken from the cue that stands last. WebVTT orders cues by their starts, so a
# short one can stand behind a long one of somebody else. Then one segment of 5 s is all, and the rest of the long cue
# is never shown. webvtt-py makes four segments of the same file.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . node-webvtt@1.9.4 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const webvtt = require('node-webvtt');
console.log('node-webvtt', require('./node_modules/node-webvtt/package.json').version);

const joy = '00:00:02.000 --> 00:00:37.000\nAnna: joy\n';
const fear = '00:00:04.000 --> 00:00:05.000\nBen: fear\n';
const later = '00:00:37.000 --> 00:00:38.000\nBen: neutral\n';
const lengths = {};
const files = {
  'short cue last': [joy, fear],
  'long cue alone': [joy],
  'a later cue last': [joy, fear, later],
};
for (const [name, cues] of Object.entries(files)) {
  const text = ['WEBVTT\n', ...cues].join('\n');
  const segments = webvtt.hls.hlsSegment(text, 10, 0);
  const playlist = webvtt.hls.hlsSegmentPlaylist(text, 10);
  const durations = [...playlist.matchAll(/EXTINF:([0-9.]+)/g)].map((match) => Number(match[1]));
  lengths[name] = durations.reduce((sum, one) => sum + one, 0);
  console.log(`${name}: ${segments.length} segments of ${durations.join(' + ')} s`);
}
assert.strictEqual(lengths['short cue last'], 5, 'this has changed');
assert(lengths['a later cue last'] >= 38, 'this has changed');
JS
node run.cjs
