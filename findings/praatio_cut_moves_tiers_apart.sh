#!/usr/bin/env bash
# praatio moves the tiers of a cut-out against each other: 0.5 s of joy and sadness at once become 1.5 s.
#
# Guess before the run: crop with mode "lax" and rebaseToZero moves all tiers by the same time.
# Source: the docstring of Textgrid.crop: with rebaseToZero, "the cropped textgrid timestamps will be subtracted by the
# cropStart"; with "lax", "partially contained intervals will be kept".
# What happens: where an interval is under way at the begin of the cut, its tier is moved by the begin of that interval,
# and the other tiers by cropStart. So expressions of two people lose their order in time. Nothing is said; that one
# tier is longer than the others now is the only sign. With rebaseToZero=False, the tiers fit.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps praatio==6.2.2 typing_extensions==4.16.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from praatio.data_classes.interval_tier import IntervalTier
from praatio.textgrid import Textgrid

print("praatio", version("praatio"))
coded = Textgrid()
coded.addTier(IntervalTier("face 1", [(1, 3, "joy")], 0, 10))
coded.addTier(IntervalTier("face 2", [(2.5, 4, "sadness")], 0, 10))


def times(rebase):
    cut = coded.crop(2, 6, "lax", rebaseToZero=rebase)
    return [(entry.start, entry.end) for name in ("face 1", "face 2") for entry in cut.getTier(name).entries]


def overlap(rows):
    (_, end), (start, _) = rows
    return end - start


kept, moved = times(False), times(True)
print("joy and sadness at", [(1, 3), (2.5, 4)])
print(f"cut 2-6 s, not moved: {kept}, both at once for {overlap(kept)} s")
print(f"cut 2-6 s, moved to 0: {moved}, both at once for {overlap(moved)} s")
assert kept == [(1, 3), (2.5, 4)] and overlap(kept) == 0.5
assert moved == [(0, 2), (0.5, 2)] and overlap(moved) == 1.5, "this has changed"
PYTHON
