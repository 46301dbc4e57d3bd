#!/usr/bin/env bash
# One missing rating takes its coder out of audpsychometric's rater_agreement, and the result does not tell which.
#
# Guess before the run: a rating that is missing leaves out that picture, or that pair, and each coder has a value.
# Source: the docstring of rater_agreement: the correlation "of a rater with the mean score of all other raters", one
# value a rater in its examples. Its sister functions, as agreement_numerical, ignore nan "per item". The comment in
# the code itself says that stimuli with a missing rating are removed.
# What happens: of four coders three values come back, because the coder is removed and not the picture. The values
# move up, so the third one is the fourth coder's. With one gap in each coder's list nothing comes back.
# Remove such pictures yourself.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --prefer-binary audpsychometric==0.1.1 audmetric==1.4.2 \
  pingouin==0.6.1 statsmodels==0.15.0 pandas==3.1.1 numpy==2.0.2 scipy==1.17.1 scikit-learn==1.9.1
cd "$folder"
MPLBACKEND=agg venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from audpsychometric import rater_agreement

print("audpsychometric", version("audpsychometric"))
# 40 pictures. Coders 1 to 3 see the same smile, coder 4 clicks at random.
random = np.random.default_rng(1)
smile = random.uniform(0, 10, 40)
ratings = np.column_stack([smile + random.normal(0, 0.5, 40) for _ in range(3)] + [random.uniform(0, 10, 40)])
whole = rater_agreement(ratings).round(2)
gap = ratings.copy()
gap[7, 1] = np.nan  # coder 2 skipped one picture
without_picture, told = rater_agreement(np.delete(gap, 7, axis=0)).round(2), rater_agreement(gap).round(2)
print("all ratings:                ", whole)
print("without the skipped picture:", without_picture)
print("with one missing rating:    ", told)
assert len(whole) == len(without_picture) == 4 and np.argmin(without_picture) == 3
assert len(told) == 3 and np.argmin(told) == 2, "this has changed"
for coder in range(4):
    gap[coder, coder] = np.nan
print("one gap in each list:       ", rater_agreement(gap))
assert len(rater_agreement(gap)) == 0, "this has changed"
PYTHON
