#!/usr/bin/env bash
# supervision's smoother gives faces in the order in which they first appeared, so expressions change their owners.
#
# Guess before the run: the smoothed row i is the detection i, so lists beside the detections stay valid.
# Source: the docstring of update_with_detections: it returns "smoothed detections for the tracks present in this
# frame", and its example draws the result in place of what went in. annotate() takes labels as a list, one a row.
# What happens: rows are in the order of the first appearance of each track. As soon as a detector names two faces in
# another order, as one that sorts by score or size does, the labels of the frame are drawn at the other face. Only
# what lies in class_id or data moves with its row. Order the labels by tracker_id afterwards.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps supervision==0.31.2 numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 pydeprecate==0.13.0 PyYAML==6.0.4 defusedxml==0.7.1 requests==2.34.2 certifi==2026.10.19.post1 charset-normalizer==3.5.3 idna==3.20 urllib3==2.8.0 tqdm==4.70.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import supervision as sv

print("supervision", version("supervision"))
left = {1: 100, 2: 400}  # the left edge of two faces that keep still
smoother = sv.DetectionsSmoother(length=5)
swapped = []
for order in ((1, 2), (1, 2), (2, 1), (2, 1)):
    boxes = np.array([[left[face], 100, left[face] + 120, 220] for face in order], float)
    detections = sv.Detections(xyxy=boxes, confidence=np.full(2, 0.9), tracker_id=np.array(order))
    expressions = [{1: "joy", 2: "fear"}[face] for face in order]  # one a row of this frame's detections
    smoothed = smoother.update_with_detections(detections)
    drawn = dict(zip(smoothed.tracker_id.tolist(), expressions))
    swapped.append(drawn != {1: "joy", 2: "fear"})
    print(f"faces in {list(order)}, out {smoothed.tracker_id.tolist()}: drawn with {drawn}")
assert (np.sort(smoothed.xyxy[:, 0]) == [100, 400]).all()
assert swapped == [False, False, True, True], "this has changed"
PYTHON
