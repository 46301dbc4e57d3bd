#!/usr/bin/env bash
# statsmodels counts ratings that are missing as agreement with each other.
#
# Guess before the run: a missing rating (NaN) in the table for aggregate_raters raises an error or is
# left out.
# Source: statsmodels' docstring of aggregate_raters says that data which "cannot be converted to
# integer" raise an exception; Fleiss (1971, "Measuring nominal scale agreement among many raters") has
# no category for what was not rated.
# What happens: NaN becomes a category like any other, without a message, and an empty text does too. Here
# four raters answer at random, so kappa is near 0; where all of them left the same half out, it is 0.45.
# Who has gaps counts per category, and uses a measure that knows gaps, such as Krippendorff's alpha.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6 krippendorff==0.9.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import krippendorff
import numpy as np
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

print("statsmodels", version("statsmodels"), "krippendorff", version("krippendorff"))
ratings = np.random.default_rng(0).integers(0, 4, (400, 4)).astype(float)  # 4 raters at random
gaps = ratings.copy()
gaps[200:] = np.nan  # a stretch without a face, which nobody rated

values = {}
for name, table in (("all rated", ratings), ("half rated", ratings[:200]), ("half missing", gaps)):
    counts, categories = aggregate_raters(table)
    alpha = krippendorff.alpha(reliability_data=table.T, level_of_measurement="nominal")
    values[name] = fleiss_kappa(counts)
    print(f"{name}: categories {categories}, Fleiss' kappa {values[name]:.3f}, alpha {alpha:.3f}")
    assert abs(alpha) < 0.05, "this has changed"
assert abs(values["all rated"]) < 0.05 and abs(values["half rated"]) < 0.05, "this has changed"
assert values["half missing"] > 0.4, "this has changed"

texts = np.where(np.isnan(gaps), "", np.array(["joy", "fear", "anger", "sad"])[np.nan_to_num(gaps).astype(int)])
counts, categories = aggregate_raters(texts)
print(f"empty texts: categories {categories}, Fleiss' kappa {fleiss_kappa(counts):.3f}")
assert fleiss_kappa(counts) > 0.4 and "" in categories, "this has changed"
PYTHON
