#!/usr/bin/env bash
# Norfair makes tracks of detections whose scores are all below its detection_threshold.
#
# Guess before the run: a detection whose points all have the score 0.1 never becomes a track of a Tracker with
# detection_threshold=0.5.
# Source: the docstrings of Tracker: "the threshold at which the scores of the points in a detection being fed into
# the tracker must dip below to be ignored by the tracker", and of Detection: "any point with a score below
# detection_threshold will be ignored".
# What happens: such a detection starts a track after as many frames as a sure one, and keeps one alive. Only
# its live_points say False. So doubtful detections have to be left out before update.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet norfair==2.3.0 filterpy==1.4.5 numpy==1.26.4 scipy==1.17.1 rich==14.3.4
"$folder/venv/bin/python" - 2> "$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
from importlib.metadata import version

import numpy as np
from norfair import Detection, Tracker

print("norfair", version("norfair"))
corners = np.array([[100.0, 100.0], [200.0, 200.0]])
first = {}
for score in (0.9, 0.1):
    tracker = Tracker("iou", distance_threshold=0.7, detection_threshold=0.5)
    shown = [tracker.update([Detection(corners, scores=np.full(2, score))]) for _ in range(30)]
    first[score] = next((frame for frame, tracks in enumerate(shown) if tracks), None)
    last = shown[-1]
    print(
        f"both points have a score of {score}: a track from frame {first[score]} on, "
        f"{len(last)} track in the last frame, live points {last[0].live_points.tolist() if last else None}"
    )
    assert len(last) == 1 and last[0].live_points.all() == (score > 0.5), "this has changed"
assert first[0.9] == first[0.1] == 7, "this has changed"
PYTHON
