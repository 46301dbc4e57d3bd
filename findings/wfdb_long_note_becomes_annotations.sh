#!/usr/bin/env bash
# wfdb writes a note of 300 letters as one of 44 letters and 128 annotations that nobody made.
#
# Guess before the run: a long note comes back whole, or is refused with an error.
# Source: the docstring of wrann names no limit for aux_note, "a list containing the auxiliary information string".
# annot(5) of the WFDB Applications Guide gives the number of its bytes ten bits, so up to 1023.
# What happens: only the lowest 8 bits of the length are written, and the rest of the text is read as annotations of
# type "?", whose intervals push the next real one from sample 60 to sample 81212. Letters beyond Latin-1 lose their
# upper bits too: "радость" comes back as "@04>ABL". Nothing is said.
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

import numpy as np
import wfdb

print("wfdb", version("wfdb"))


def read(note):
    wfdb.wrann("face", "exp", np.array([30, 60]), symbol=['"'] * 2, aux_note=[note, "fear"], fs=30)
    return wfdb.rdann("face", "exp")


found = {}
for length in (255, 256, 300):
    back = read("z" * length)
    found[length] = (len(back.aux_note[0]), len(back.sample), int(back.sample[-1]))
    print(f"note of {length} letters: {found[length][0]} letters, {found[length][1]} annotations instead of 2,")
    print(f'  "{back.aux_note[-1]}" at sample {found[length][2]} instead of 60')
texts = {note: read(note).aux_note[0] for note in ("überrascht", "радость", "smile – wide")}
for note, text in texts.items():
    print(f"{note} comes back as {text!r}")
assert found[255] == (255, 2, 60) and texts["überrascht"] == "überrascht"
assert found[256][:2] == (0, 130) and found[300] == (44, 130, 81212), "this has changed"
assert texts["радость"] == "@04>ABL" and texts["smile – wide"] != "smile – wide", "this has changed"
PYTHON
