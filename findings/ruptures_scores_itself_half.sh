#!/usr/bin/env bash
# ruptures gives a segmentation that is compared with itself a precision and recall of one half.
#
# Guess before the run: precision_recall(x, x) is (1, 1) for every list x of change points.
# Source: ruptures' page on the metric: a true change point counts as detected if there is at least one
# computed change point closer to it than the margin. Each is closer to itself than any margin.
# What happens: a true change point uses up every computed one within the margin, 10 samples by default. At
# 25 frames/s, an expression of 8 frames thus loses its end, and a perfect list scores 0.5 without a message.
# So the margin must be no larger than the shortest episode, or pairs are matched one to one, for instance by
# scipy.optimize.linear_sum_assignment.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ruptures==1.1.10 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from ruptures.metrics import precision_recall

print("ruptures", version("ruptures"))
# Begin and end of expressions in frames; the last number is the length of the clip.
clips = {
    "one of 8 frames": [100, 108, 300],
    "two of 8 frames": [50, 58, 200, 208, 300],
    "one of 25 frames": [100, 125, 300],
}
found = {}
for name, points in clips.items():
    found[name] = precision_recall(points, points)
    narrow = precision_recall(points, points, margin=8)
    print(f"{name}: {points} with itself: {found[name]}, with a margin of 8: {narrow}")
    assert narrow == (1, 1), "this has changed"
assert found["one of 25 frames"] == (1, 1), "this has changed"
assert found["one of 8 frames"] == found["two of 8 frames"] == (0.5, 0.5), "this has changed"
PYTHON
