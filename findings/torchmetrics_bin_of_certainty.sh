#!/usr/bin/env bash
# torchmetrics puts confidences of exactly 1 into a bin of their own, also where one bin is asked for.
#
# Guess before the run: with n_bins=1, the calibration error is the difference of the mean confidence and the
# share of right readings.
# Source: torchmetrics' docstring: n_bins is the "Number of bins to use when computing the metric"; Guo et al.
# (2017, "On Calibration of Modern Neural Networks"), section 2: M bins ((m - 1)/M, m/M], with 1 in the last.
# What happens: there is one bin more, for 1 alone, and nothing is said. Confidences of 1 are usual after rounding
# and with a very sure model in float32. Here, 500 readings with 1.00, 90 % right, and 500 with 0.97,
# all right, have an error of 0.065 instead of 0.035 with any number of bins. A clip to just below 1 cures it.
#
# Needs python3 with venv and the package index (torch is large). Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import torch
from torchmetrics.functional.classification import multiclass_calibration_error

print("torchmetrics", version("torchmetrics"), "torch", torch.__version__)
confidence = torch.tensor([1.0, 0.97]).repeat_interleave(500)
probabilities = torch.zeros(1000, 8)
probabilities[:, 0], probabilities[:, 1] = confidence, 1 - confidence
truth = torch.zeros(1000, dtype=torch.long)
truth[:50] = 1  # ten of a hundred readings that are certain are wrong
right = probabilities.argmax(dim=1) == truth
plain = abs(confidence.mean() - right.float().mean()).item()
print(f"mean confidence {confidence.mean():.3f}, right {right.float().mean():.3f}, difference {plain:.3f}")
for bins in (1, 10):
    found, clipped = (
        multiclass_calibration_error(values, truth, num_classes=8, n_bins=bins).item()
        for values in (probabilities, probabilities.clamp(max=0.999999))
    )
    print(f"n_bins={bins}: {found:.3f}, clipped to 0.999999: {clipped:.3f}")
    assert abs(found - 0.065) < 1e-3 and abs(clipped - plain) < 1e-3, "this has changed"
PYTHON
