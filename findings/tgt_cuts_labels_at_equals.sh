#!/usr/bin/env bash
# TextGridTools reads "AU12 = 3.5" as "AU1": a label with an equals sign loses its end and one letter more.
#
# Guess before the run: a label with " = " in it comes back whole from a TextGrid, be it written by tgt itself
# or by Praat.
# Source: Praat's manual, "TextGrid file formats": a text stands between quotation marks, and a quotation
# mark within it is doubled. Nothing else in it has a meaning.
# What happens: tgt splits each line of the long format (Praat's usual one) at " = " and takes the second
# piece, without its first and last letter. Nothing is said. The short format keeps such labels.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tgt==1.5 praat-parselmouth==0.4.7 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import parselmouth
import tgt
from parselmouth.praat import call

print("tgt", version("tgt"), "Praat", parselmouth.PRAAT_VERSION)
labels = ["joy", "AU12 = 3.5", "fear=0.9"]


def read(path):
    return [interval.text for interval in tgt.read_textgrid(path).tiers[0]]


tier = tgt.IntervalTier(0, 3, "Anna")
for second, label in enumerate(labels):
    tier.add_interval(tgt.Interval(second, second + 1, label))
grid = tgt.TextGrid()
grid.add_tier(tier)
found = {}
for kind in ("short", "long"):
    tgt.write_to_file(grid, f"{kind}.TextGrid", format=kind)
    found[f"written by tgt, {kind}"] = read(f"{kind}.TextGrid")

praat = call("Create TextGrid", 0, 3, "Anna", "")
for second, label in enumerate(labels):
    if second:
        call(praat, "Insert boundary", 1, second)
    call(praat, "Set interval text", 1, second + 1, label)
call(praat, "Save as text file", "praat.TextGrid")
found["written by Praat"] = read("praat.TextGrid")
for name, texts in found.items():
    print(f"{name}: {texts}")
by_praat = call("Read from file", "long.TextGrid")
print("written by tgt, long, read by Praat:", [call(by_praat, "Get label of interval", 1, i) for i in (1, 2, 3)])
assert found["written by tgt, short"] == labels, "this has changed"
assert found["written by tgt, long"] == found["written by Praat"] == ["joy", "AU1", "fear=0.9"], "this has changed"
assert call(by_praat, "Get label of interval", 1, 2) == "AU12 = 3.5", "this has changed"
PYTHON
