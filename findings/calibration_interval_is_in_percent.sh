#!/usr/bin/env bash
# uncertainty-calibration takes alpha=0.1 for a tenth of a percent, so a 90 % interval is one of 99.9 %.
#
# Guess before the run: alpha=0.1, its default, gives an interval of 90 %, and alpha=0.5 one of 50 %.
# Source: the docstring of get_calibration_error_uncertainties: it returns "1-alpha confidence intervals produced by
# bootstrap resampling", and alpha is 0.1 there.
# What happens: alpha reaches the percentiles as percent. Intervals of "90 %" and of "50 %" are nearly the same, and
# with the 100 samples that it draws they are the least and the greatest sample. Who wants 90 % gives alpha=10.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps uncertainty-calibration==0.1.4 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 joblib==1.6.0 threadpoolctl==3.8.0 narwhals==2.29.0 cloudpickle==3.1.3
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import calibration
import numpy as np

print("uncertainty-calibration", version("uncertainty-calibration"))
source = np.random.default_rng(0)
confidences = source.choice([0.2, 0.4, 0.6, 0.8], size=1000)
right = (source.random(1000) < confidences - 0.1).astype(int)  # 0.1 too sure of each expression


def interval(alpha):
    np.random.seed(0)
    low, _, high = calibration.get_calibration_error_uncertainties(confidences, right, p=1, alpha=alpha)
    return float(low), float(high)


np.random.seed(0)
drawn = [
    calibration.get_calibration_error(confidences[rows], right[rows], p=1, debias=False)
    for rows in (np.random.choice(range(1000), size=1000) for _ in range(100))
]
widths = {alpha: interval(alpha)[1] - interval(alpha)[0] for alpha in (0.1, 0.5, 10, 50)}
for alpha, width in widths.items():
    print(f"alpha={alpha}: from {interval(alpha)[0]:.4f} to {interval(alpha)[1]:.4f}, {width:.4f} wide")
ninety = float(np.percentile(drawn, 95) - np.percentile(drawn, 5))
print(f"90 % of the samples lie within {ninety:.4f}, all of them within {max(drawn) - min(drawn):.4f}")
assert abs(widths[10] - ninety) < 1e-9
assert widths[0.5] > 0.98 * widths[0.1] > 1.15 * ninety, "this has changed"
assert widths[0.1] > 0.99 * (max(drawn) - min(drawn)), "this has changed"
PYTHON
