#!/usr/bin/env bash
# TrackEval counts no fragmentation of a face that is lost and found again while nobody else is followed.
#
# Guess before the run: a face that is followed, missed for two frames and followed again has one fragmentation, with
# and without another face in view.
# Source: Milan et al. (2016, "MOT16: A Benchmark for Multi-Object Tracking", https://arxiv.org/abs/1603.00831, "Track
# quality measures"): a fragmentation is counted each time a trajectory changes from tracked to untracked and is
# resumed later. TrackEval's README says that its CLEAR metrics align perfectly with those of MOTChallenge, which that
# paper describes.
# What happens: a frame in which the tracker has no face at all is skipped before the fragmentations are counted, so
# the face seems to be followed throughout. With a second face that is followed meanwhile it is 1; where both are lost
# at once it is 0 again, with twice as many misses. Clips of one person, or trackers that lose all, look better. MOTA,
# which counts the misses, is right.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps trackeval==1.3.0 numpy==1.26.4 scipy==1.12.0
"$folder/venv/bin/python" - > "$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
from importlib.metadata import version

import numpy as np
from trackeval.metrics import CLEAR

print("trackeval", version("trackeval"))


def count(people, followed):
    identities = sorted({person for frame in people for person in frame})
    data = {
        "num_timesteps": len(people),
        "num_gt_ids": len(identities),
        "num_tracker_ids": len(identities),
        "num_gt_dets": sum(map(len, people)),
        "num_tracker_dets": sum(map(len, followed)),
        "gt_ids": [np.array(frame, int) for frame in people],
        "tracker_ids": [np.array(frame, int) for frame in followed],
        "similarity_scores": [
            np.equal.outer(np.array(truth, int), np.array(found, int)).astype(float)
            for truth, found in zip(people, followed)
        ],
    }
    result = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    return tuple(float(result[name]) for name in ("Frag", "CLR_FN", "MOTA"))


cases = {
    "one face, missed in 2 of 10 frames": ([[0]] * 10, [[0]] * 4 + [[]] * 2 + [[0]] * 4),
    "two faces, one missed in 2 of 10 frames": ([[0, 1]] * 10, [[0, 1]] * 4 + [[1]] * 2 + [[0, 1]] * 4),
    "two faces, both missed in 2 of 10 frames": ([[0, 1]] * 10, [[0, 1]] * 4 + [[]] * 2 + [[0, 1]] * 4),
}
results = [count(*case) for case in cases.values()]
for name, (fragments, misses, mota) in zip(cases, results):
    print(f"{name}: fragmentations {fragments:.0f}, misses {misses:.0f}, MOTA {mota:.1f}")
assert results == [(0, 2, 0.8), (1, 2, 0.9), (0, 4, 0.8)], "this has changed"
PYTHON
grep -v "^Error importing" "$folder/log"
