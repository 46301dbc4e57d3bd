#!/usr/bin/env bash
# mean_average_precision halves the score of a detector that finds both faces where one of them is marked as difficult.
#
# Guess before the run: a face marked as difficult counts neither as found nor as missed, so the score is 1.
# Source: README: rows of the ground truth have the column "difficult", and value() gives the "VOC PASCAL mAP". In
# PASCAL VOC such objects are left out of the evaluation: the development kit does not count them as positives.
# What happens: a difficult face stays in the number of faces to be found, but whoever finds it gets nothing for it. So
# a recall of 1 is out of reach: 0.5 for one easy and one difficult face, found or not. Without the mark the same
# detections have 1. Remove difficult faces, and the detections on them, before the call.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps mean-average-precision==2024.1.5.0 numpy==2.2.6 pandas==2.3.3 python-dateutil==2.9.0.post0 six==1.17.0 pytz==2026.6 tzdata==2026.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from mean_average_precision import MetricBuilder

print("mean_average_precision", version("mean-average-precision"))
near, far = [10, 10, 110, 110], [200, 200, 210, 210]


def score(far_is_difficult, far_is_found):
    metric = MetricBuilder.build_evaluation_metric("map_2d", async_mode=False, num_classes=1)
    faces = [near + [0, 0, 0], far + [0, int(far_is_difficult), 0]]
    found = [near + [0, 0.9]] + ([far + [0, 0.8]] if far_is_found else [])
    metric.add(np.array(found, float), np.array(faces, float))
    return round(float(metric.value(iou_thresholds=0.5)["mAP"]), 3)


scores = {(mark, found): score(mark, found) for mark in (False, True) for found in (True, False)}
for (mark, found), value in scores.items():
    print(f"far face {'difficult' if mark else 'not marked'}, {'found' if found else 'not found'}: {value}")
assert scores[False, True] == 1 and scores[False, False] == 0.5
assert scores[True, True] == scores[True, False] == 0.5, "this has changed"
PYTHON
