#!/usr/bin/env bash
# pybids loses every event called "NA", though mne-bids reads the same file with it.
#
# Guess before the run: PA and NA, the usual names of positive and negative affect, both come back from an
# events.tsv.
# Source: the Brain Imaging Data Structure, "Common principles", "Tabular files": missing values are coded
# as `n/a`. No other word is.
# What happens: pybids reads "NA" and "None" as missing, both as a table and as a variable of a run, and
# leaves these events out of the latter. Nothing is said. mne-bids takes only n/a as missing. So labels in such
# files should be words in full.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pybids==0.22.0 mne-bids==0.20.0 mne==1.13.2 pybv==0.8.1 nibabel==5.4.2 sqlalchemy==2.1.9 formulaic==1.2.2 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" - 2> "$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
import json
from importlib.metadata import version
from pathlib import Path

import mne
import mne_bids
import nibabel
import numpy as np
from bids import BIDSLayout

print("pybids", version("pybids"), "mne-bids", version("mne-bids"))
mne.set_log_level("ERROR")
labels = ["PA", "NA", "None", "neutral"]
events = "onset\tduration\ttrial_type\n" + "".join(f"{2 * i + 1}\t1\t{label}\n" for i, label in enumerate(labels))

raw = mne.io.RawArray(np.zeros((1, 5000)), mne.create_info(["Cz"], 250, "eeg"))
raw.info["line_freq"] = 50
place = mne_bids.BIDSPath(subject="01", task="face", root="study", datatype="eeg")
mne_bids.write_raw_bids(raw, place, allow_preload=True, format="BrainVision", verbose=False)
Path("study/sub-01/eeg/sub-01_task-face_events.tsv").write_text(events)
by_mne = list(mne_bids.read_raw_bids(place, verbose=False).annotations.description)

func = Path("study/sub-01/func")
func.mkdir()
nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2, 20)), np.eye(4)), func / "sub-01_task-face_bold.nii.gz")
(func / "sub-01_task-face_bold.json").write_text(json.dumps({"RepetitionTime": 1.0, "TaskName": "face"}))
(func / "sub-01_task-face_events.tsv").write_text(events)
layout = BIDSLayout("study")
table = layout.get(suffix="events", datatype="func")[0].get_df()["trial_type"]
by_table = [label if isinstance(label, str) else None for label in table]
run = layout.get_collections("run", types="events", task="face")[0]
by_run = list(run.variables["trial_type"].to_df()["amplitude"])
print("written:         ", labels)
print("mne-bids:        ", by_mne)
print("pybids, table:   ", by_table)
print("pybids, variable:", by_run)
assert by_mne == labels, "this has changed"
assert by_table == ["PA", None, None, "neutral"] and by_run == ["PA", "neutral"], "this has changed"
PYTHON
