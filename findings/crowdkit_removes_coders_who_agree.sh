#!/usr/bin/env bash
# Crowd-Kit removes the answers of all coders where all of them answered equally varied.
#
# Guess before the run: five coders who agree on every picture of a balanced set all stay, with any percentile.
# Source: the docstring of entropy_threshold: it "filters out all answers by workers, whos' entropy (uncertanity) of
# answers is below specified percentile", which "detects answers of workers that answer the same way too often".
# What happens: whoever is at the percentile is removed as well. With equal entropies everybody is, and an empty table
# comes back (with a warning that at least half was removed). If one coder differs in a single answer from four who
# agree, either this one goes, or all but this one, depending on which side the answer falls.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps crowd-kit==1.4.2 numpy==2.4.6 pandas==3.1.1 python-dateutil==4.0.0 six==1.17.0 scipy==1.17.1 scikit-learn==1.9.1 joblib==1.6.0 cloudpickle==3.1.3 threadpoolctl==3.8.0 narwhals==2.29.0 nltk==3.10.4 regex==2026.11.19 attrs==26.1.0 tqdm==4.70.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import pandas as pd
from crowdkit.postprocessing import entropy_threshold

print("crowd-kit", version("crowd-kit"))
expressions = ["joy", "fear", "anger"]
coders = "ABCDE"


def kept(change=None, percentile=10):
    rows = [(picture, coder, expressions[picture % 3]) for picture in range(12) for coder in coders]
    if change:
        rows = [(p, c, change if (p, c) == (0, "E") else label) for p, c, label in rows]
    answers = pd.DataFrame(rows, columns=["task", "worker", "label"])
    return "".join(sorted(set(entropy_threshold(answers, percentile=percentile).worker)))


found = {percentile: kept(percentile=percentile) for percentile in (1, 10, 50)}
for percentile, left in found.items():
    print(f"all agree, percentile {percentile}: coders {left or 'nobody'} left")
less, more = kept("fear"), kept("surprise")
print(f"E once says fear instead of joy (less varied): {less} left")
print(f"E once says surprise instead of joy (more varied): {more} left")
assert set(found.values()) == {""} and less == "ABCD" and more == "E", "this has changed"
PYTHON
