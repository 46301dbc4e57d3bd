#!/usr/bin/env bash
# pympi removes two annotations at the moment where one expression ends and the next begins.
#
# Guess before the run: remove_annotation at the start of an annotation removes this one, and the annotations between
# 0 and 1000 ms are those that lie there.
# Source: the docstrings: "Remove an annotation in a tier", time: "Timepoint within the annotation"; and of
# get_annotation_data_between_times: "Gives the annotations within the times".
# None says what an end belongs to.
# What happens: both ends belong to an annotation. In a tier in which expressions follow each other without a gap,
# each start is also an end, so the one before is removed too, and the times of one annotation give three. The number
# of removed ones is returned. A time in the middle is safe.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pympi-ling==1.71
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from pympi.Elan import Eaf

print("pympi-ling", version("pympi-ling"))


def make():
    eaf = Eaf(author="")
    eaf.add_tier("Anna")
    for start, end, label in ((0, 1000, "joy"), (1000, 2000, "surprise"), (2000, 3000, "neutral")):
        eaf.add_annotation("Anna", start, end, label)
    return eaf


between = make().get_annotation_data_between_times("Anna", 1000, 2000)
print("between 1000 and 2000 ms:", between)
left = {}
for time in (1000, 1500):
    eaf = make()
    count = eaf.remove_annotation("Anna", time)
    left[time] = [label for _, _, label in eaf.get_annotation_data_for_tier("Anna")]
    print(f"removed at {time} ms: {count} annotations, left are {left[time]}")
assert [label for _, _, label in between] == ["joy", "surprise", "neutral"], "this has changed"
assert left == {1000: ["neutral"], 1500: ["joy", "neutral"]}, "this has changed"
PYTHON
