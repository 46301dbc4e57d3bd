#!/usr/bin/env bash
# MNE exports an annotation of two lines to EDF+ so that neither MNE nor edfio finds it again.
#
# Guess before the run: the label comes back from the file with its line feed, or the export refuses.
# Source: the specification of EDF+ (https://www.edfplus.info/specs/edfplus.html, 2.2): texts of
# annotations may hold the characters 9, 10 and 13 (tab, line feed, carriage return), for comments and tables of
# several lines.
# What happens: the text is written to the file, but both readers (edfio, which MNE exports with, and MNE's own)
# leave the annotation out without a word. edfio does so even for an Edf that was never written. pyEDFlib reads it from
# the same file.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mne==1.13.2 edfio==0.4.18 pyEDFlib==0.1.42 numpy==2.4.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import edfio
import mne
import numpy as np
import pyedflib

mne.set_log_level("ERROR")
print("MNE", version("mne"), "edfio", version("edfio"), "pyEDFlib", version("pyEDFlib"))
label = "joy\nstrong"
raw = mne.io.RawArray(np.random.default_rng(0).normal(size=(1, 2000)) * 1e-6, mne.create_info(1, 100.0, "eeg"))
raw.set_annotations(mne.Annotations([1, 3], [1, 1], [label, "neutral"]))
mne.export.export_raw("annotated.edf", raw)

found = {
    "MNE": list(mne.io.read_raw_edf("annotated.edf").annotations.description),
    "edfio": [one.text for one in edfio.read_edf("annotated.edf").annotations],
    "pyEDFlib": list(pyedflib.EdfReader("annotated.edf").readAnnotations()[2]),
}
print("written:", [label, "neutral"], "in the file:", label.encode() in Path("annotated.edf").read_bytes())
for name, labels in found.items():
    print(f"read by {name}: {[str(one) for one in labels]}")
unwritten = edfio.Edf([edfio.EdfSignal(np.sin(np.arange(2000)), 100)], annotations=[edfio.EdfAnnotation(1, 1, label)])
print("annotations of an Edf in memory:", unwritten.annotations)
assert label.encode() in Path("annotated.edf").read_bytes(), "this has changed"
assert found["MNE"] == found["edfio"] == ["neutral"] and unwritten.annotations == (), "this has changed"
PYTHON
