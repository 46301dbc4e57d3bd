#!/usr/bin/env bash
# mapcalc takes detections in the order in which they are listed, not in that of their scores.
#
# Guess before the run: the order of the detections in the lists does not matter.
# Source: README: the criterion is the mAP of PASCAL VOC 2012, whose development kit sorts detections by confidence
# (function VOCevaldet); "scores" are part of the input there.
# What happens: a false alarm of score 0.1 that is listed first costs as much as one of score 0.95: the average
# precision is 0.67 instead of 1. Any scores give the same. Sort boxes, labels and scores by score before the call.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps mapcalc==0.2.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from mapcalc import calculate_map

print("mapcalc", version("mapcalc"))
first, second, poster = [10, 10, 110, 110], [200, 200, 300, 300], [400, 400, 450, 450]
faces = {"boxes": [first, second], "labels": [1, 1]}


def score(rows):
    found = {"boxes": [box for box, _ in rows], "labels": [1] * len(rows), "scores": [sure for _, sure in rows]}
    return round(float(calculate_map(faces, found, 0.5)), 3)


rows = [(poster, 0.1), (first, 0.9), (second, 0.8)]
unsure_first, by_score = score(rows), score(sorted(rows, key=lambda row: -row[1]))
sure = score([(poster, 0.95), (first, 0.9), (second, 0.8)])
print(f"two faces and a false alarm of score 0.1: {by_score} by score, {unsure_first} if it is listed first")
print(f"the false alarm has score 0.95 and is listed first: {sure}")
assert by_score == 1 and sure == 0.667
assert unsure_first == sure, "this has changed"
PYTHON
