#!/usr/bin/env bash
# praat-textgrids keeps only the first line of a label, and loses its last quotation mark.
#
# Guess before the run: 'says "hi"' and a label of two lines come back from Praat's file, and from a copy of it.
# Source: Praat's manual, "TextGrid file formats": a text stands between quotation marks, and a quotation mark within
# it is doubled. It may go over several lines.
# What happens: the long format is read line by line. The second line of a label is lost, a doubled quotation mark
# stays doubled, and one at the end goes with the mark that closes the text. Nothing is said. Praat reads a copy that
# the package writes with the loss.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet praat-textgrids==1.4.0 praat-parselmouth==0.4.7 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import parselmouth
import textgrids
from parselmouth.praat import call

print("praat-textgrids", version("praat-textgrids"), "Praat", parselmouth.PRAAT_VERSION)
labels = ["joy", 'says "hi"', "joy\nstrong"]
found, copies = [], []
for label in labels:
    grid = call("Create TextGrid", 0, 1, "Anna", "")
    call(grid, "Set interval text", 1, 1, label)
    call(grid, "Save as text file", "praat.TextGrid")
    back = call(call("Read from file", "praat.TextGrid"), "Get label of interval", 1, 1)
    assert back == label, "Praat reads its own file"
    read = textgrids.TextGrid("praat.TextGrid")
    read.write("copy.TextGrid")
    found.append(str(read["Anna"][0].text))
    copies.append(call(call("Read from file", "copy.TextGrid"), "Get label of interval", 1, 1))
    print(f"{label!r}: read as {found[-1]!r}; Praat reads the package's copy as {copies[-1]!r}")
assert found == ["joy", 'says ""hi', "joy"] and copies == ["joy", 'says "hi', "joy"], "this has changed"
PYTHON
