#!/usr/bin/env bash
# elan-data splits an annotation of 1.0-2.5 s at 1.5 s into one of 1.5-1.5 s and one of 1.5-2.5 s.
#
# Guess before the run: 1.0-1.5 s and 1.5-2.5 s, both with the label.
# Source: the docstring of split_segment: it will "Split a segment at the points specified", where splits are "Where
# to do the splits (ms)".
# What happens: every part but the last begins where it ends, so all of them have no length, and only the time after
# the last point keeps its label. The file that is saved then holds the same. merge_segments of the parts does not
# bring the time before the first point back. Nothing is said. The other tiers stay as they are.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps elan-data==1.7.3 pympi-ling==1.71 pandas==2.3.3 numpy==1.26.4 python-dateutil==2.9.0.post0 six==1.17.0 pytz==2026.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from elan_data import ELAN_Data
from pympi import Eaf

print("elan-data", version("elan-data"))
eaf = Eaf()
eaf.add_tier("face 1")
eaf.add_annotation("face 1", 1000, 2500, "joy")
eaf.to_file("coded.eaf")
results = {}
for points in ([1500], [1500, 2000]):
    data = ELAN_Data.from_file("coded.eaf", init_df=True)
    segment = data.tier_data.SEGMENT_ID.iloc[0]
    data.split_segment(list(points), segment)
    data.save_ELAN("split.eaf", raise_error_if_unmodified=False)
    saved = Eaf("split.eaf").get_annotation_data_for_tier("face 1")
    results[tuple(points)] = sorted(tuple(row) for row in saved)
    print(f"1000-2500 ms split at {points}: {results[tuple(points)]}")
assert results == {
    (1500,): [(1500, 1500, "joy"), (1500, 2500, "joy")],
    (1500, 2000): [(1500, 1500, "joy"), (2000, 2000, "joy"), (2000, 2500, "joy")],
}, "this has changed"
PYTHON
