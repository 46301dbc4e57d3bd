#!/usr/bin/env bash
# pyirr gives coders who agree completely a Kendall's W of 0.26 where half of the pictures lack a rating.
#
# Guess before the run: pictures that a coder skipped are left out, so W is that of the others.
# Source: pyirr's README: it is "a straight line-for-line port from the R-package" irr, and sends its readers there
# for the documentation. That says of kendall (https://rdrr.io/cran/irr/man/kendall.html): "Missing data are omitted
# in a listwise way".
# What happens: the ranks are those of the rated pictures, but the number of pictures in the denominator, in the test
# and in the output is counted before the others are left out. W falls by about the square of the share that is left,
# with no warning. So leave incomplete rows out yourself. meanrho, robinson and intraclass_correlation do as they say.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile pyirr==0.84.1.2 numpy==1.26.4 scipy==1.12.0 pandas==2.3.3 statsmodels==0.15.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from pyirr import kendall, meanrho

print("pyirr", version("pyirr"))
ratings = np.repeat(np.arange(1.0, 21.0)[:, None], 3, axis=1)  # three coders rank 20 smiles alike
ratings[::2, 2] = np.nan  # the third coder skips every second smile
complete = ratings[~np.isnan(ratings).any(axis=1)]
values = {}
for name, rows in (("all 20 rows", ratings), ("the 10 complete rows", complete)):
    result = kendall(rows, correct=True)
    values[name] = round(float(result.value), 3)
    print(f"{name}: W {values[name]}, subjects {result.subjects}, p {result.pvalue:.3f}")
assert meanrho(ratings).value == meanrho(complete).value, "this has changed"
assert list(values.values()) == [0.262, 1.0], "this has changed"
PYTHON
