#!/usr/bin/env bash
# reset() of one UniFace tracker sets the numbers of all others back, so two people of another camera are one.
#
# Guess before the run: with a tracker for each of two cameras, reset() of the second changes nothing at the first, and
# a new face there has a number that nobody had.
# Source: the docstring of BYTETracker.reset: "Reset tracker state." A tracker is an object of its own, and its track_id
# is what tells people apart.
# What happens: all trackers of a process count with one number, and reset() sets it to 0. A person who comes to the
# first camera after that gets the number of one who left it, and records of both are one person's. Keep a process
# for each camera, or make a new tracker instead of reset().
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps uniface==4.2.1 onnxruntime==1.32.0 numpy==2.4.6 \
  scipy==1.17.1 scikit-image==0.26.0 lazy-loader==0.6 packaging==26.4 pillow==13.0.0 imageio==2.38.1 networkx==3.6.1 \
  opencv-python-headless==5.0.0.93 requests==2.34.2 certifi==2026.10.19.post1 \
  charset-normalizer==3.5.3 idna==3.20 urllib3==2.8.0 tqdm==4.70.1 flatbuffers==25.12.19 protobuf==7.36.2
HOME="$folder" "$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from uniface.tracking import BYTETracker

print("uniface", version("uniface"))
nobody = np.zeros((0, 5))


def face(left):
    return np.array([[left, 100, left + 100, 200, 0.9]])


def numbers(reset):
    """The numbers of the two people whom the first camera sees one after the other."""
    first, second = BYTETracker(), BYTETracker()
    first.reset()  # so that the counting begins at 1 each time
    for _ in range(5):
        anna = first.update(face(100))
        second.update(face(100))
    for _ in range(60):  # Anna leaves; a lost track is kept for 30 frames
        first.update(nobody)
    if reset:
        second.reset()
    for _ in range(5):
        ben = first.update(face(900))
    return int(anna[0, 4]), int(ben[0, 4])


alone, after = numbers(False), numbers(True)
print(f"camera 1: Anna is {alone[0]}, Ben is {alone[1]}")
print(f"camera 1, camera 2 was reset in between: Anna is {after[0]}, Ben is {after[1]}")
assert alone[0] != alone[1]
assert after[0] == after[1], "this has changed"
PYTHON
