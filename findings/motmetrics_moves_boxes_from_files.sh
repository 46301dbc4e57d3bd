#!/usr/bin/env bash
# motmetrics reads each box of a MOTChallenge file one pixel up and left of where it is written.
#
# Guess before the run: the columns X and Y hold the numbers of the file, so boxes that a program has in memory and
# wrote to the file match them exactly.
# Source: the docstring of load_motchallenge: "The returned dataframe has the following columns 'X', 'Y', 'Width',
# 'Height', ...". It says nothing of a conversion.
# What happens: 1 is taken off X and Y, since MOTChallenge counts pixels from 1. Two files that are compared with each
# other move alike. A file that is compared with boxes in memory differs: the box of a face of 20 pixels has an IoU of
# 0.82 with itself.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet motmetrics==1.4.0 pandas==3.0.6 numpy==1.26.4 scipy==1.17.1 xmltodict==1.0.4
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import motmetrics
import numpy as np

print("motmetrics", version("motmetrics"))
boxes = np.array([[0.0, 0.0, 20.0, 20.0], [100.5, 200.25, 60.0, 80.0]])
lines = [f"1,{face},{','.join(map(str, box))},1,-1,-1,-1" for face, box in enumerate(boxes, start=1)]
Path("faces.txt").write_text("\n".join(lines) + "\n")
read = motmetrics.io.loadtxt("faces.txt")[["X", "Y", "Width", "Height"]].to_numpy()
overlap = 1 - np.diag(motmetrics.distances.iou_matrix(boxes, read))
for written, one, value in zip(boxes.tolist(), read.tolist(), overlap):
    print(f"written {written}, read {one}, IoU {value:.2f}")
assert np.array_equal(read, boxes - [1, 1, 0, 0]) and round(overlap[0], 2) == 0.82, "this has changed"
PYTHON
