#!/usr/bin/env bash
# pycocotools never finds the face whose annotation has the number 0, as the first one from globox has.
#
# Guess before the run: a detector that finds every face exactly has an average precision of 1.
# Source: the comment of COCOeval names gtIds, an "id for each of the G ground truths", and no first number. globox
# describes COCOEvaluator as an evaluator of the COCO metrics, and it says 1.
# What happens: a match with the annotation 0 is stored as 0, which is read as no match ("matching gt id at each IoU or
# 0"). One face in the set: 0 instead of 1. Ten faces: 0.81, and a recall of 0.9. Count annotations from 1. That has
# been known since 2019 (https://github.com/cocodataset/cocoapi/pull/332), and still files are written from 0.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps pycocotools==2.0.11 globox==2.9.0 numpy==2.4.6 tqdm==4.70.1
"$folder/venv/bin/python" -W ignore - "$folder/faces.json" <<'PYTHON'
import contextlib
import io
import sys
from importlib.metadata import version

from globox import Annotation, AnnotationSet, BoundingBox, COCOEvaluator
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pycocotools", version("pycocotools"), "and globox", version("globox"))


def pictures(count, **confidence):
    return AnnotationSet(
        Annotation(
            f"{i:02}.jpg", (640, 480), [BoundingBox(label="face", xmin=9, ymin=9, xmax=209, ymax=209, **confidence)]
        )
        for i in range(count)
    )


def score(count, first):
    """Returns AP and recall of a detector that finds each face exactly, with annotations counted from `first`."""
    pictures(count).save_coco(sys.argv[1], auto_ids=True)
    with contextlib.redirect_stdout(io.StringIO()):
        faces = COCO(sys.argv[1])
    for annotation in faces.dataset["annotations"]:
        annotation["id"] += first
    found = [
        {"image_id": one["image_id"], "category_id": one["category_id"], "bbox": list(one["bbox"]), "score": 0.9}
        for one in faces.dataset["annotations"]
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        faces.createIndex()
        evaluation = COCOeval(faces, faces.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return round(float(evaluation.stats[0]), 2), round(float(evaluation.stats[8]), 2)


found = {}
for count in (1, 2, 10):
    own = COCOEvaluator(ground_truths=pictures(count), predictions=pictures(count, confidence=0.9)).ap()
    found[count] = score(count, 0)
    print(f"{count} faces, counted from 0: AP and recall {found[count]}, from 1: {score(count, 1)}, globox: AP {own}")
    assert score(count, 1) == (1, 1) and abs(own - 1) < 1e-9
assert found == {1: (0, 0), 2: (0.25, 0.5), 10: (0.81, 0.9)}, "this has changed"
PYTHON
