#!/usr/bin/env bash
# motmetrics counts no fragmentation for a face that is lost and never found again.
#
# Guess before the run: a face that is followed for 10 frames and then missed for 10 has one fragmentation, as one
# that is found again has.
# Source: the README and the docstring of num_fragmentations: "Total number of switches from tracked to not tracked."
# What happens: only gaps between two found parts count. A tracker that never finds anybody again has none, and one
# that does so after a moment has one for each gap. So fewer fragmentations can mean the worse tracker.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet motmetrics==1.4.0 pandas==3.0.6 numpy==1.26.4 scipy==1.17.1 xmltodict==1.0.4
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import motmetrics

print("motmetrics", version("motmetrics"))
measure = motmetrics.metrics.create()
counts = {}
for name, pattern in {
    "found, lost, found again": "+" * 10 + "-" * 3 + "+" * 7,
    "found, then lost for good": "+" * 10 + "-" * 10,
    "found late": "-" * 10 + "+" * 10,
}.items():
    following = motmetrics.MOTAccumulator(auto_id=True)
    for sign in pattern:
        following.update([1], [7] if sign == "+" else [], [[0.1]] if sign == "+" else [])
    table = measure.compute(following, metrics=["num_fragmentations", "num_misses", "mota"])
    counts[name] = int(table.num_fragmentations.iloc[0])
    missed, accuracy = int(table.num_misses.iloc[0]), table.mota.iloc[0]
    print(f"{name} ({pattern}): {counts[name]} fragmentations, {missed} misses, MOTA {accuracy:.2f}")
assert list(counts.values()) == [1, 0, 0], "this has changed"
PYTHON
