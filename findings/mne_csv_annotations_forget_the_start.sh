#!/usr/bin/env bash
# MNE's annotations come back from their own .csv file with the first one at 0 s.
#
# Guess before the run: annotations at 600 s and 601.5 s that are saved as .csv come back at these times,
# as they do from .txt and .fif.
# Source: MNE's docstring of Annotations.save ("easier to share between packages"): .csv files "store the
# onset as timestamps", .txt files as "seconds since start of the recording". It warns of no loss.
# What happens: without a known date, the file has times of 1 January 1970, and the reader takes the first
# of them for the beginning: 0 s and 1.5 s, with an orig_time of 00:10:00. A recording without a date then
# refuses the annotations, and one with a date drops all of them with a warning. Use .txt or .fif, or a
# table of your own in seconds.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --prefer-binary mne==1.13.2 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import mne
import numpy as np

mne.set_log_level("ERROR")
print("mne", version("mne"))
written = mne.Annotations([600.0, 601.5], [0.5, 0.5], ["joy", "fear"])
onsets = {}
for suffix in ("txt", "fif", "csv"):
    written.save(f"coder-annot.{suffix}")
    read = mne.read_annotations(f"coder-annot.{suffix}")
    onsets[suffix] = read.onset.tolist()
    print(f".{suffix}: onsets {onsets[suffix]} s, orig_time {read.orig_time}")
assert onsets == {"txt": [600.0, 601.5], "fif": [600.0, 601.5], "csv": [0.0, 1.5]}, "this has changed"

raw = mne.io.RawArray(np.zeros((1, 70_000)), mne.create_info(1, 100))  # 700 s
try:
    raw.copy().set_annotations(read)
except RuntimeError as error:
    print("a recording without a date:", str(error)[:22])
else:
    raise AssertionError("this has changed")
dated = raw.copy().set_meas_date(1_700_000_000).set_annotations(read)
print("a recording with a date keeps", len(dated.annotations), "of 2")
assert len(dated.annotations) == 0, "this has changed"
PYTHON
