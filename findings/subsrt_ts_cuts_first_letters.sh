#!/usr/bin/env bash
# The npm package subsrt-ts reads "joy" from each ASS and SSA file as "oy".
#
# Guess before the run: labels that the package wrote into ASS come back whole.
# Source: README: it converts between its formats, of which SubStation Alpha (.ssa and .ass) is one. Both files name
# their fields in a line that begins with "Format:"; Text is the last of them, and a comma separates each from the
# next.
# What happens: the files are right, and FFmpeg reads them. The reader takes for granted that a blank follows the last
# comma, which neither the package nor FFmpeg writes, and removes a letter of each label in its place. SAMI that the
# package wrote comes back without any caption. Nothing is said. The other formats keep the texts.
#
# Needs node 18 or later, npm, the package index and ffmpeg. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . subsrt-ts@2.1.2 > log 2>&1 || { cat log; exit 1; }
printf '1\n00:00:01,000 --> 00:00:02,000\njoy\n\n2\n00:00:03,000 --> 00:00:05,000\nanger\n' > labels.srt
ffmpeg -v error -y -i labels.srt ffmpeg.ass
cat > run.cjs <<'JS'
const assert = require('assert');
const { execFileSync } = require('child_process');
const fs = require('fs');
const { default: subsrt } = require('subsrt-ts');
console.log('subsrt-ts', require('./node_modules/subsrt-ts/package.json').version);

const texts = (content) =>
  subsrt.parse(content).filter((row) => row.type === 'caption').map((row) => row.text.trim());
const srt = fs.readFileSync('labels.srt', 'utf8');
const whole = ['joy', 'anger'];
const read = { 'ass by FFmpeg': texts(fs.readFileSync('ffmpeg.ass', 'utf8')) };
for (const format of ['ass', 'ssa', 'smi', 'vtt', 'sbv']) {
  read[format] = texts(subsrt.convert(srt, { format }));
}
for (const [format, found] of Object.entries(read)) console.log(`${format}: ${JSON.stringify(found)}`);

fs.writeFileSync('own.ass', subsrt.convert(srt, { format: 'ass' }));
execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', 'own.ass', 'own.srt']);
for (const label of whole) assert(fs.readFileSync('own.srt', 'utf8').includes(label));
const cut = ['oy', 'nger'];
assert.deepStrictEqual(
  read,
  { 'ass by FFmpeg': cut, ass: cut, ssa: cut, smi: [], vtt: whole, sbv: whole },
  'this has changed',
);
JS
node run.cjs
