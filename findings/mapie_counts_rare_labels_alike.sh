#!/usr/bin/env bash
# MAPIE's top-label calibration error counts ten pictures of a rare expression as much as 990 of a common one.
#
# Guess before the run: about 0.01. Of 1000 pictures, 990 are read as neutral with a confidence of 0.99, and
# 980 of these are; ten are read as contempt with 0.9, and none is.
# Source: Gupta and Ramdas (2021, "Top-label calibration and multiclass-to-binary reductions"), whom the
# docstring of top_label_ece names: the error is the expectation over X, so each picture counts alike.
# What happens: 0.45. The function takes the plain mean over the labels that were predicted. The other one,
# expected_calibration_error, also takes a column per class, as predict_proba gives them, but compares the
# larger probability with the class's number: two classes that are always right have an error of 0.49.
# So errors of rare classes are weighted by hand, and two classes are given as one column.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mapie==1.6.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from mapie.metrics.calibration import expected_calibration_error, top_label_ece

print("mapie", version("mapie"))
rare = np.arange(1000) >= 990
probabilities = np.where(rare[:, None], [0.1, 0.9], [0.99, 0.01])  # neutral, contempt
truth = np.zeros(1000, int)
truth[:10] = 1  # ten of the 990 that were read as neutral are contempt
found = top_label_ece(truth, probabilities, num_bins=10)
by_picture = 0.99 * abs(0.99 - 980 / 990) + 0.01 * abs(0.9 - 0)
print(f"top_label_ece: {found:.4f}, by the definition: {by_picture:.4f}")
assert by_picture < 0.01 and 0.44 < found < 0.46, "this has changed"

truth = np.tile([0, 1], 500)
right = np.where(truth[:, None] == [0, 1], 0.99, 0.01)
both, one = (expected_calibration_error(truth, scores, num_bins=10) for scores in (right, right[:, 1]))
print(f"expected_calibration_error of readings that are always right: {both:.2f} by two columns, {one:.2f} by one")
assert both > 0.48 and one < 0.02, "this has changed"
PYTHON
