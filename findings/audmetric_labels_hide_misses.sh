#!/usr/bin/env bash
# A list of labels makes audmetric forget the joy that was called something else.
#
# Guess before the run: labels=["joy"] gives joy's recall and precision as they are among all labels, as in
# scikit-learn.
# Source: the docstring of recall_per_class: true positives over true positives and false negatives, with "labels:
# included labels in preferred ordering"; that of accuracy counts a picture "if either prediction or ground truth" is in
# the list. recall_score of scikit-learn has the same argument with the words "to include".
# What happens: of four faces with joy two are found and two called "other". Recall is 0.5, and 1.0 with labels=["joy"]:
# a picture counts only if both of its labels are in the list. An average over the seven expressions without
# "other" or "uncertain" is too good in the same way.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --prefer-binary audmetric==1.4.2 audeer==2.7.0 numpy==2.2.6 \
  scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import audmetric
from sklearn.metrics import precision_score, recall_score

print("audmetric", version("audmetric"))
truth = ["joy", "joy", "joy", "joy", "fear", "fear", "other", "other"]
found = ["joy", "joy", "other", "other", "fear", "fear", "fear", "fear"]
alone = ["joy", "fear"]
for name, ours, judge in (
    ("recall", audmetric.recall_per_class, recall_score),
    ("precision", audmetric.precision_per_class, precision_score),
):
    everything, some = ours(truth, found, zero_division=0), ours(truth, found, labels=alone)
    right = dict(zip(alone, (float(one) for one in judge(truth, found, labels=alone, average=None))))
    print(f"{name}: {everything} of all labels; {some} with labels={alone}; scikit-learn: {right}")
    assert all(everything[label] == right[label] for label in alone) and min(right.values()) == 0.5
    assert some == {"joy": 1.0, "fear": 1.0}, "this has changed"
average = audmetric.unweighted_average_fscore(truth, found, labels=alone)
print("unweighted average F-score of the two:", average)
assert average == 1, "this has changed"
PYTHON
