#!/usr/bin/env bash
# torchmetrics gives complete agreement a Fleiss' kappa of 0.55 where some pictures have fewer votes.
#
# Guess before the run: 1, or an error. Where votes for "unknown" and "not a face" are left out, as with
# FERPlus, pictures have different numbers of votes.
# Source: torchmetrics' docstring: "If the raters are in complete agreement then the score 1 is returned".
# What happens: the number of raters is the largest of all rows, also for rows with fewer votes, and nothing
# is said. So the same agreement is worth less where half of the pictures have 5 votes and half have 10.
# Who has uneven votes uses a measure that knows them, such as Krippendorff's alpha.
#
# Needs python3 with venv and the package index (torch is large). Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.13.0 krippendorff==0.9.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import krippendorff
import torch
from torchmetrics.functional.nominal import fleiss_kappa

print("torchmetrics", version("torchmetrics"), "torch", torch.__version__)
even = 10 * torch.eye(8, dtype=torch.long).repeat(100, 1)  # 800 pictures, 8 expressions, 10 equal votes each
uneven = even.clone()
uneven[:400] //= 2  # 5 equal votes for half of the pictures
values = {}
for name, votes in (("10 votes each", even), ("5 or 10 votes", uneven)):
    values[name] = fleiss_kappa(votes).item()
    alpha = krippendorff.alpha(value_counts=votes.numpy(), level_of_measurement="nominal")
    print(f"complete agreement, {name}: Fleiss' kappa {values[name]:.3f}, alpha {alpha:.3f}")
    assert alpha == 1, "this has changed"
assert values["10 votes each"] > 0.999 and 0.5 < values["5 or 10 votes"] < 0.6, "this has changed"
PYTHON
