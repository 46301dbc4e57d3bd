#!/usr/bin/env bash
# audpsychometric's second way to the intraclass correlation takes the coders' numbers for measurements.
#
# Guess before the run: the six coefficients of Shrout and Fleiss' example are the published ones, .17 .29 .71 .44 .62
# and .91, with either value of anova_method.
# Source: the docstring of intra_class_correlation: anova_method is the "method for ANOVA calculation", "pingouin" or
# "statsmodels". Shrout and Fleiss (1979), Psychological Bulletin 86(2), tables 2 and 4.
# What happens: with "statsmodels" and an array, ICC(1,1) is 0.69 instead of 0.17. The columns are called 0, 1, 2, 3,
# and the formula takes these names as a straight line instead of as four coders. With letters as names of columns it is
# right. Leave anova_method alone, or name the columns by text.
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
import contextlib
import io
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from audpsychometric import intra_class_correlation

warnings.simplefilter("ignore")  # statsmodels on a model that leaves no residual
print("audpsychometric", version("audpsychometric"), "statsmodels", version("statsmodels"))
rows = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
kinds = ["ICC_1_1", "ICC_2_1", "ICC_3_1", "ICC_1_k", "ICC_2_k", "ICC_3_k"]


def coefficients(ratings, method):
    with contextlib.redirect_stdout(io.StringIO()):  # it prints how many ratings are missing
        return [round(intra_class_correlation(ratings, icc_type=kind, anova_method=method)[0], 2) for kind in kinds]


published = [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
array, named = np.array(rows, float), pd.DataFrame(rows, columns=list("ABCD"), dtype=float)
first, second, letters = (
    coefficients(array, "pingouin"), coefficients(array, "statsmodels"), coefficients(named, "statsmodels")
)
print("published:                   ", published)
print("pingouin, array:             ", first)
print("statsmodels, array:          ", second)
print("statsmodels, columns A B C D:", letters)
assert np.allclose(first, published, atol=0.011) and np.allclose(letters, published, atol=0.011)
assert second[0] > 0.6 and second[2] < 0.68, "this has changed"
PYTHON
