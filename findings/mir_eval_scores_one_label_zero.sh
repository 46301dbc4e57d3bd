#!/usr/bin/env bash
# mir_eval gives a coding that is compared with itself a V-measure of 0 where the clip holds one expression.
#
# Guess before the run: a coding compared with itself has a V-measure of 1, with any number of labels.
# Source: Rosenberg and Hirschberg (2007, "V-Measure: A conditional entropy-based external cluster evaluation
# measure"), which mir_eval cites: homogeneity and completeness are defined as 1 where their entropy is 0, the case of
# one label.
# What happens: nce and vmeasure set a score to 0 if there is one label alone, whatever the other coding says. Among
# the clips of a set, one that is neutral throughout and coded so by both counts as complete disagreement in the mean.
# pairwise, ari, and adjusted and normalised mutual information are 1.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile mir_eval==0.8.2 numpy==1.26.4 scipy==1.12.0 decorator==5.3.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from mir_eval import segment

print("mir_eval", version("mir_eval"))
times = np.array([[0.0, 4.0], [4.0, 9.0], [9.0, 12.0]])
scores = {}
for name, labels in (("neutral, joy, neutral", ["neutral", "joy", "neutral"]), ("neutral throughout", ["neutral"] * 3)):
    pair = (times, labels, times, labels)
    scores[name] = {
        "V-measure": segment.vmeasure(*pair)[2],
        "NCE": segment.nce(*pair)[2],
        "pairwise F": segment.pairwise(*pair)[2],
        "adjusted Rand": segment.ari(*pair),
        "normalised MI": segment.mutual_information(*pair)[2],
    }
    scores[name] = {score: round(float(value), 6) for score, value in scores[name].items()}
    print(f"{name}, compared with itself: {scores[name]}")
assert set(scores["neutral, joy, neutral"].values()) == {1.0}, "this has changed"
assert list(scores["neutral throughout"].values()) == [0.0, 0.0, 1.0, 1.0, 1.0], "this has changed"
PYTHON
