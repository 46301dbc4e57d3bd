#!/usr/bin/env bash
# edfio loses an expression of eight seconds that is under way where the cut-out begins.
#
# Guess before the run: of the annotations at 1-9 s, 6-8 s and 12-13 s, a cut-out of 5-10 s keeps the first two, the
# first perhaps shortened.
# Source: the docstring of Edf.slice_between_seconds: with keep_all_annotations=True "annotations outside the
# selected time interval are kept". So those which are not outside are kept anyway.
# What happens: only the onset counts. The first one is dropped without a word, though most of the cut-out lies within
# it. One that begins within and lasts beyond the end is kept in full length. keep_all_annotations=True keeps the
# first, and all others.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet edfio==0.4.18 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from edfio import Edf, EdfAnnotation, EdfSignal

print("edfio", version("edfio"))
rows = [(1, 8, "joy"), (6, 2, "fear"), (9, 3, "anger"), (12, 1, "neutral")]


def cut(**options):
    signal = EdfSignal(np.sin(np.arange(2000) / 10), 100)
    edf = Edf([signal], annotations=[EdfAnnotation(*row) for row in rows])
    edf.slice_between_seconds(5, 10, **options)
    return [(one.onset, one.duration, one.text) for one in edf.annotations]


print("20 s with", rows)
print("5-10 s cut out:", cut())
print("with keep_all_annotations:", cut(keep_all_annotations=True))
assert cut() == [(1, 2, "fear"), (4, 3, "anger")], "this has changed"
assert cut(keep_all_annotations=True)[0] == (-4, 8, "joy"), "this has changed"
PYTHON
