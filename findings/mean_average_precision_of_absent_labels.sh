#!/usr/bin/env bash
# mean_average_precision gives a detector that finds every face exactly an mAP of 0.14 where one of 7 labels occurs.
#
# Guess before the run: the mAP is the mean of the classes that occur in the ground truth, so 1.
# Source: README: value() computes the "COCO mAP" of a metric that is built with num_classes. COCOeval of pycocotools
# gives a class without objects -1 and leaves it out of the mean.
# What happens: a class that never occurs counts as 0, so 1 of 7 expressions found without a fault gives 1 / 7, by the
# rules of VOC and COCO alike. On a clip or a fold without some expressions, the mAP says more about these than about
# the detector. Take the "ap" of each class from the result and average those that occur.
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
boxes = [[10, 10, 110, 110], [200, 200, 300, 300]]
ways = {
    "VOC": {"iou_thresholds": 0.5},
    "COCO": {
        "iou_thresholds": np.arange(0.5, 1.0, 0.05),
        "recall_thresholds": np.arange(0.0, 1.01, 0.01),
        "mpolicy": "soft",
    },
}


def score(labels, classes, way):
    """Returns the mAP of detections that are exactly the faces, whose labels are `labels`."""
    metric = MetricBuilder.build_evaluation_metric("map_2d", async_mode=False, num_classes=classes)
    faces = np.array([box + [label, 0, 0] for box, label in zip(boxes, labels)], float)
    found = np.array([box + [label, 0.9] for box, label in zip(boxes, labels)], float)
    metric.add(found, faces)
    return round(float(metric.value(**ways[way])["mAP"]), 3)


for way in ways:
    rows = score([0, 0], 1, way), score([0, 0], 7, way), score([0, 3], 7, way)
    print(f"{way}: num_classes=1: {rows[0]}, num_classes=7 with 1 label: {rows[1]}, with 2 labels: {rows[2]}")
    assert rows == (1.0, 0.143, 0.286), "this has changed"
PYTHON
