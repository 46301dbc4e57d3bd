#!/usr/bin/env bash
# The npm package webvtt-parser, a validator of WebVTT, reads "joy &amp; surprise" as "joy &; surprise".
#
# Guess before the run: "joy & surprise", for "&amp;" is one of the references that it knows without further help.
# Source: WebVTT (https://www.w3.org/TR/webvtt1/, "WebVTT cue text tokenizer"), by which a reference is decoded
# together with its semicolon. README: "By default, the WebVTT parser only recognizes a small subset of named
# character entities".
# What happens: the table that is used by default has the names without the semicolon, which therefore stays in the
# text. No error is reported, and what the serializer writes of it has the text "joy &; surprise" for every reader.
# With a table that has "&amp;" with its semicolon, as the file of all references in HTML has, the text is right.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . webvtt-parser@2.2.0 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const { WebVTTParser, WebVTTSerializer } = require('webvtt-parser');
console.log('webvtt-parser', require('./node_modules/webvtt-parser/package.json').version);

const file = 'WEBVTT\n\n00:01.000 --> 00:02.000\njoy &amp; surprise\n\n00:03.000 --> 00:04.000\nAU12 &lt; 3\n';
const whole = { '&amp;': '&', '&lt;': '<' };
const read = (entities) => {
  const { cues, errors } = new WebVTTParser(entities).parse(file, 'subtitles');
  assert.deepStrictEqual(errors, []);
  return [cues.map((cue) => cue.tree.children[0].value), new WebVTTSerializer().serialize(cues)];
};
const [texts, written] = read();
console.log('by default:', texts);
console.log('with names that end in a semicolon:', read(whole)[0]);
const lines = written.split('\n').filter((line) => line.includes('&'));
console.log('written again:', lines);
assert.deepStrictEqual(read(whole)[0], ['joy & surprise', 'AU12 < 3']);
assert.deepStrictEqual(texts, ['joy &; surprise', 'AU12 <; 3'], 'this has changed');
assert.deepStrictEqual(lines, ['joy &amp;; surprise', 'AU12 &lt;; 3'], 'this has changed');
JS
node run.cjs
