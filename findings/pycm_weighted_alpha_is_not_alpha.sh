#!/usr/bin/env bash
# pycm's weighted Krippendorff's alpha is 0.17 where alpha is 0.49.
#
# Guess before the run: with squared differences as weights it is alpha for interval data.
# Source: the docstring of weighted_alpha: "Calculate weighted Krippendorff's alpha", with a "weight matrix" as for
# weighted_kappa, which agrees with scikit-learn's for the same matrix.
# What happens: the agreement that is expected by chance uses ((a + b) / 2n)² for two different labels, where a coder's
# use of one label and the other coder's use of the other are multiplied in alpha. Only with one weight for all
# differences, where those terms vanish, is it right. Grades of intensity of two coders look far less reliable.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps pycm==4.6 art==6.5 numpy==2.4.6 krippendorff==0.9.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import krippendorff
import numpy as np
from pycm import ConfusionMatrix

print("pycm", version("pycm"))
source = np.random.default_rng(3)
first = source.choice(5, 200, p=[0.4, 0.3, 0.15, 0.1, 0.05])  # intensities of AU12 by two coders
second = np.where(source.random(200) < 0.6, first, source.choice(5, 200))
matrix = ConfusionMatrix(actual_vector=first.tolist(), predict_vector=second.tolist())
weights = {
    "nominal": {i: {j: float(i != j) for j in range(5)} for i in range(5)},
    "interval": {i: {j: (i - j) ** 2 for j in range(5)} for i in range(5)},
}
found = {}
for level, weight in weights.items():
    alpha = krippendorff.alpha(np.array([first, second]), level_of_measurement=level)
    found[level] = (matrix.weighted_alpha(weight=weight), float(alpha))
    print(f"{level}: pycm {found[level][0]:.4f}, alpha {found[level][1]:.4f}")
kappa = matrix.weighted_kappa(weight=weights["interval"])
grid = np.subtract.outer(np.arange(5), np.arange(5)) ** 2
counts = np.histogram2d(first, second, bins=[range(6)] * 2)[0]
chance = np.outer(counts.sum(1), counts.sum(0)) / 200
own = 1 - (grid * counts).sum() / (grid * chance).sum()
print(f"its weighted kappa with the same weights {kappa:.4f}, Cohen's {own:.4f}")
assert abs(kappa - own) < 1e-9 and abs(found["nominal"][0] - found["nominal"][1]) < 1e-9
assert abs(found["interval"][0] - 0.171) < 0.001 and abs(found["interval"][1] - 0.488) < 0.001, "this has changed"
PYTHON
