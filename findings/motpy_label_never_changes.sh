#!/usr/bin/env bash
# A motpy track keeps the label of its longest time, however long ago that was.
#
# Guess before the run: the class_id of a track follows its detections after some frames.
# Source: the docstring of update_class_id: "find most frequent prediction of class_id in recent K class_ids".
# What happens: there is no K. All labels since the track began are counted. Somebody who was neutral for a minute
# (30 frames/s) and is then happy stays "neutral" for the whole next minute, and after an hour for an hour.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet motpy==0.0.10 filterpy==2.0.0 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from motpy import Detection, MultiObjectTracker

print("motpy", version("motpy"))
names = ["neutral", "happy"]
tracker = MultiObjectTracker(dt=1 / 30)
told = {}
for frame in range(4000):
    label = int(frame >= 1800)  # a minute of neutral, then happy
    tracks = tracker.step([Detection(box=[100, 100, 220, 220], score=0.9, class_id=label)])
    told[frame] = names[tracks[0].class_id]
change = next((frame for frame in told if told[frame] == "happy"), None)
for frame in (0, 1799, 1800, 1830, 2700, 3590, 3610):
    print(f"{frame / 30:6.1f} s: the detection says {names[frame >= 1800]}, the track {told[frame]}")
print(f"the track says happy from {change / 30:.1f} s on")
assert told[1799] == "neutral" and told[2700] == told[3590] == "neutral" and change >= 3599, "this has changed"
PYTHON
