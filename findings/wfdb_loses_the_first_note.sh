#!/usr/bin/env bash
# wfdb does not read the note at the first sample, so an expression at the begin of a recording has no begin.
#
# Expectation, written after another run had shown the loss: notes at the samples 0 and 30 come back as two notes.
# Source: the docstrings: sample holds "annotation locations in samples relative to the beginning of the record", and
# the label 22, the symbol ", is NOTE, "Comment annotation". The definitions that share sample 0 begin with "## ",
# such as "## time resolution: 30".
# What happens: wrann writes both notes, and rdann drops every NOTE at sample 0, whatever its text is. From sample 1 on,
# and with another symbol such as + at sample 0, the notes come back.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps wfdb==4.3.1 numpy==2.4.6 pandas==3.1.1 python-dateutil==4.0.0 fsspec==2026.9.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import numpy as np
import wfdb

print("wfdb", version("wfdb"))


def read(first, symbol):
    notes = ["joy begins", "joy ends"]
    wfdb.wrann("face", "exp", np.array([first, 30]), symbol=[symbol] * 2, aux_note=notes, fs=30)
    assert all(note.encode() in Path("face.exp").read_bytes() for note in ["joy begins", "joy ends"])
    back = wfdb.rdann("face", "exp")
    return list(zip(back.sample.tolist(), back.aux_note))


found = {case: read(*case) for case in ((0, '"'), (1, '"'), (0, "+"))}
for (first, symbol), notes in found.items():
    print(f"first at sample {first} with the symbol {symbol}: {notes}")
assert found[1, '"'] == [(1, "joy begins"), (30, "joy ends")]
assert found[0, "+"] == [(0, "joy begins"), (30, "joy ends")]
assert found[0, '"'] == [(30, "joy ends")], "this has changed"
PYTHON
