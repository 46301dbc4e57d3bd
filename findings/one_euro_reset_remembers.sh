#!/usr/bin/env bash
# OneEuroFilter.reset() keeps the place of the face before, and the next face trembles for a second.
#
# Guess before the run: after reset() the filter is like a new one.
# Source: the docstring of reset: "Resets the internal state of the filter."
# What happens: the first value comes out unchanged, but its speed is still counted from the last value before the
# reset. A face that appears 800 px away seems to move at 24000 px/s. That speed fades slowly, and until then the
# filter lets the noise of a still face pass. The npm package 1eurofilter of the same authors forgets all. Make a new
# OneEuroFilter for each face.
#
# Needs python3 with venv, node 18 or later, npm and the package indexes. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps OneEuroFilter==0.2.1
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" 1eurofilter@1.3.0 > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
cat > "$folder/run.cjs" <<'JS'
const { OneEuroFilter } = require('1eurofilter');
const { before, after } = JSON.parse(process.argv[2]);
const used = new OneEuroFilter(30, 1, 0.05);
const fresh = new OneEuroFilter(30, 1, 0.05);
before.forEach((x, i) => used.filter(x, 1 + i / 30));
used.reset();
const run = (filter) => after.map((x, i) => filter.filter(x, 10 + i / 30));
console.log(JSON.stringify([run(used), run(fresh)]));
JS
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import json
import random
import subprocess
import sys
from importlib.metadata import version

from OneEuroFilter import OneEuroFilter

print("OneEuroFilter", version("OneEuroFilter"))
source = random.Random(1)
before = [100 + source.gauss(0, 3) for _ in range(60)]  # px, a face that keeps still
after = [900 + source.gauss(0, 3) for _ in range(60)]  # another one


def error(values):
    return (sum((value - 900) ** 2 for value in values[10:40]) / 30) ** 0.5


used, fresh = OneEuroFilter(30, 1, 0.05), OneEuroFilter(30, 1, 0.05)
for i, place in enumerate(before):
    used(place, 1 + i / 30)
used.reset()
again = [used(place, 10 + i / 30) for i, place in enumerate(after)]
new = [fresh(place, 10 + i / 30) for i, place in enumerate(after)]
told = subprocess.run(
    ["node", "run.cjs", json.dumps({"before": before, "after": after})],
    cwd=sys.argv[1], capture_output=True, text=True, check=True,
)
npm_again, npm_new = json.loads(told.stdout)
most = max(abs(a - b) for a, b in zip(again, new))
print(f"noise of the second face, frames 10 to 40: {error(after):.1f} px, new filter {error(new):.1f} px,")
print(f"after reset() {error(again):.1f} px; the two filters differ by up to {most:.1f} px")
print(f"the npm package: new filter {error(npm_new):.1f} px, after reset() {error(npm_again):.1f} px")
assert npm_again == npm_new
assert most > 3 and error(again) > 1.3 * error(new), "this has changed"
PYTHON
