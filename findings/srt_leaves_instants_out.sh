#!/usr/bin/env bash
# The package srt writes no cue for a moment without length, and none for an empty label.
#
# Guess before the run: each subtitle that is given to compose stands in the file, also the apex of an expression,
# which is one moment.
# Source: the docstring of compose: "A single SRT formatted string, with each input Subtitle represented as an
# SRT block"; reindex: "Whether to reindex subtitles based on start time".
# What happens: reindex, which is on by default, also leaves out subtitles that end where they start, that are
# empty, or that start before 0. Only sort_and_reindex says so. The others are numbered as if nothing were missing.
# reindex=False keeps them all.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet srt==3.5.3
"$folder/venv/bin/python" - <<'PYTHON'
from datetime import timedelta
from importlib.metadata import version

import srt

print("srt", version("srt"))
rows = [(1, 2, "joy"), (3, 3, "apex of joy"), (4, 5, ""), (6, 7, "neutral")]
cues = [
    srt.Subtitle(number, timedelta(seconds=start), timedelta(seconds=end), label)
    for number, (start, end, label) in enumerate(rows, start=1)
]
counts = {}
for reindex in (True, False):
    text = srt.compose(cues, reindex=reindex)
    counts[reindex] = text.count("-->")
    print(f"reindex={reindex}: {counts[reindex]} of {len(cues)} cues, apex written: {'apex' in text}")
    assert ("apex" in text) is not reindex, "this has changed"
assert counts == {True: 2, False: 4}, "this has changed"
PYTHON
