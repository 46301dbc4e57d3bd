#!/usr/bin/env bash
# pyannote.core lets each label begin a frame early, so an expression of one frame lasts three.
#
# Guess before the run: a face with joy from 0 s to 1 s, sadness to 2 s and joy to 3 s has 75 frames of 0.04 s,
# each with one label.
# Source: the docstring of Annotation.discretize: "(num_frames, num_labels)-shaped binary features", of frames
# of the given resolution.
# What happens: 74 frames, of which two have both labels, because the frame whose centre is closest to a begin
# or end counts in, on whichever side of it the centre lies. Lengths grow by up to two frames: 0.04 s become 3
# frames of 0.04 s. Who compares frames asks which segment each frame's own centre is in.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyannote-core==6.1.0 numpy==2.4.6 pandas==3.1.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from pyannote.core import Annotation, Segment

print("pyannote-core", version("pyannote-core"))
clip = Segment(0, 3)
face = Annotation()
for second, label in enumerate(("joy", "sadness", "joy")):
    face[Segment(second, second + 1)] = label
for step in (0.04, 0.1):
    frames = face.discretize(clip, resolution=step)
    both = int((frames.data.sum(axis=1) > 1).sum())
    counts = dict(zip(frames.labels, frames.data.sum(axis=0).tolist()))
    print(f"frames of {step} s: {len(frames)}, {counts}, with both labels {both}")
    assert both == 2, "this has changed"

found = []
for length in (1, 2, 3, 4):
    short = Annotation()
    short[Segment(1, 1 + 0.04 * length)] = "joy"
    found.append(int(short.discretize(clip, resolution=0.04).data.sum()))
    centres = sum(Segment(1, 1 + 0.04 * length).overlaps(0.04 * i + 0.02) for i in range(75))
    print(f"joy for {length} frames: {found[-1]} frames, with centres in it {centres}")
    assert centres == length, "this has changed"
assert found == [3, 3, 5, 5], "this has changed"
PYTHON
