#!/usr/bin/env bash
# osc-js holds back every bundle of the second half of a second until the second is over.
#
# Guess before the run: a bundle whose time tag is the present moment is handed over at once, whatever
# the moment is.
# Source: Open Sound Control 1.0 (https://opensoundcontrol.stanford.edu/spec-1_0.html, "Temporal Semantics
# and OSC Time Tags"): the last 32 bits of a time tag are the fractional part of a second, to about 200
# picoseconds; a bundle whose time is now or past is invoked immediately. osc-js's README promises
# "Time-critical OSC Bundles with Timetags".
# What happens: timestamp() rounds the fraction to 0 or 1. So a bundle tagged with x.6 s counts as due at
# x + 1 s, and waits there with all others of this half second, while one tagged with x.1 s comes at
# once. "Immediately" comes at once too. A sender of live values to osc-js should tag them so.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . osc-js@2.4.1 ws@8.18.3 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const OSC = require('osc-js');
console.log('osc-js', require('./node_modules/osc-js/package.json').version);

const message = Buffer.from('/face/1/id\0\0,i\0\0\0\0\0\x07', 'latin1');
function bundle(seconds, fraction) {
  const head = Buffer.alloc(20);
  head.write('#bundle\0', 'latin1');
  head.writeUInt32BE(seconds, 8);
  head.writeUInt32BE(fraction, 12);
  head.writeUInt32BE(message.length, 16);
  return new Uint8Array(Buffer.concat([head, message]));
}
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Hands a bundle over that is due at this fraction of a second, when it is due, and returns the delay.
async function delay(receiver, fraction) {
  const now = Date.now();
  await pause(1000 - (now % 1000) + 1000 * (fraction ?? 0.6));
  const seconds = Math.floor(Date.now() / 1000);
  const packet = fraction === null
    ? bundle(0, 1)
    : bundle(seconds + 2208988800, Math.floor(fraction * 2 ** 32));
  const start = Date.now();
  const arrived = new Promise((done) => { receiver.eventHandler.on('/face/1/id', () => done(Date.now())); });
  receiver.eventHandler.notify(packet);
  return (await arrived) - start;
}

(async () => {
  const delays = {};
  for (const fraction of [null, 0.1, 0.6]) {
    delays[fraction] = await delay(new OSC({ plugin: { registerNotify() {} } }), fraction);
    const tag = fraction === null ? 'immediately' : `now, at a fraction of ${fraction} s`;
    console.log(`tagged with ${tag}: handed over after ${delays[fraction]} ms`);
  }
  assert(delays.null < 250 && delays[0.1] < 250, 'this has changed');
  assert(delays[0.6] > 250, 'this has changed');
})();
JS
node run.cjs
