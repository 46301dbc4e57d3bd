#!/usr/bin/env bash
# confidenceinterval's macro F1 is wrong where labels are not counted from 0, as RAF-DB's 1 to 7.
#
# Guess before the run: the value is that of scikit-learn's f1_score(average="macro"), whatever the numbers of the
# labels.
# Source: README: "the standard scikit-learn naming convention and interface"; scikit-learn's f1_score takes any labels.
# What happens: with labels from 1 the first class is counted as an empty one and the last does not count: 0.66 instead
# of 0.76, and the interval, 0.63 to 0.69, does not reach the true value. Precision, recall and the micro F1
# are right, so one table of classification_report_with_ci holds both. Number the labels from 0.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --prefer-binary confidenceinterval==1.0.5 setuptools==68.2.2 \
  statsmodels==0.15.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from confidenceinterval import classification_report_with_ci, f1_score
from sklearn import metrics

print("confidenceinterval", version("confidenceinterval"))
random = np.random.default_rng(0)
truth = random.integers(1, 8, 700)  # RAF-DB: 1 surprise, 2 fear ... 7 neutral
found = np.where(random.random(700) < 0.7, truth, random.integers(1, 8, 700))
right = metrics.f1_score(truth, found, average="macro")
print(f"scikit-learn: {right:.3f}")
values = []
for first in (0, 1):
    value, (low, high) = f1_score(truth - 1 + first, found - 1 + first, average="macro")
    values.append(value)
    print(f"labels {first} to {first + 6}: {value:.3f}, interval {low:.3f} to {high:.3f}")
report = classification_report_with_ci(truth, found).set_index("Class")
print(report.loc[["micro", "macro"], ["Precision", "Recall", "F1-Score", "F1-Score CI"]])
assert abs(values[0] - right) < 1e-6 and abs(report.loc["macro", "Recall"] - right) < 0.01
assert values[1] < right - 0.08 and high < right, "this has changed"
assert report.loc["macro", "F1-Score"] < right - 0.08, "this has changed"
PYTHON
