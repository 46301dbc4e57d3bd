#!/usr/bin/env bash
# praatio doubles the quotation marks in labels of points each time that a long TextGrid is read and saved.
#
# Guess before the run: a label comes back from each of the formats as it was.
# Source: the manual of Praat, "TextGrid file formats": a quotation mark within a text is written twice. praatio
# writes so, and it reads labels of intervals so.
# What happens: from the long format, Praat's usual one, `says "hi"` of a point comes back as `says ""hi""`, after two
# rounds as `says """"hi""""`. Labels of intervals and files in the short format are right. Save as short_textgrid, and
# replace "" by " in labels of points after reading Praat's files.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps praatio==6.2.2 typing_extensions==4.16.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from praatio.data_classes.interval_tier import IntervalTier
from praatio.data_classes.point_tier import PointTier
from praatio.textgrid import Textgrid, openTextgrid

print("praatio", version("praatio"))
label = 'says "hi"'
found = {}
for form in ("long_textgrid", "short_textgrid"):
    coded = Textgrid()
    coded.addTier(IntervalTier("face 1", [(1, 2, label)], 0, 10))
    coded.addTier(PointTier("apex", [(1.5, label)], 0, 10))
    found[form] = []
    for _ in range(3):
        coded.save("coded.TextGrid", form, includeBlankSpaces=True)
        coded = openTextgrid("coded.TextGrid", includeEmptyIntervals=False)
        interval, point = (coded.getTier(name).entries[0].label for name in ("face 1", "apex"))
        found[form].append(point)
        assert interval == label
    print(f"{form}: label of the point after 1, 2 and 3 rounds: {', '.join(found[form])}")
assert found["short_textgrid"] == [label] * 3
assert found["long_textgrid"] == [label.replace('"', '"' * 2**k) for k in (1, 2, 3)], "this has changed"
PYTHON
