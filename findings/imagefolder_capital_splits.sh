#!/usr/bin/env bash
# Hugging Face's imagefolder puts the pictures of Test/ into the training split where splits have capitals.
#
# Guess before the run: the splits' keywords are compared without regard to capitals, as labels' folders
# Train/ and Test/ (so SFEW and many sets on Kaggle have them) say what train/ and test/ say.
# Source: the documentation of the Hub, "File names and splits": splits are told by the names of files
# and folders, and several words are equivalent, such as train and training; capitals are not spoken of
# (https://huggingface.co/docs/hub/datasets-file-names-and-splits).
# What happens: with capitals, and with FER2013's names of its usages, every picture becomes one of
# `train`, test pictures among them, under the right labels and without a word.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 pillow==13.0.0
cd "$folder"
export HF_HUB_OFFLINE=1 HF_HOME="$folder/home"
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib

import datasets
from PIL import Image

datasets.disable_progress_bars()
print("datasets", datasets.__version__)


def splits(*names):
    root = pathlib.Path("-".join(names))
    for shade, name in enumerate(names):
        for label in ("angry", "happy"):
            (root / name / label).mkdir(parents=True)
            Image.new("L", (8, 8), shade).save(root / name / label / "1.png")
    read = datasets.load_dataset("imagefolder", data_dir=str(root))
    found = {split: (len(rows), rows.features["label"].names) for split, rows in read.items()}
    print(", ".join(names), "->", found)
    return {split: count for split, (count, _) in found.items()}


assert splits("train", "test") == {"train": 2, "test": 2}
assert splits("Train", "Test") == {"train": 4}, "capitals are known now"
assert splits("Training", "PublicTest", "PrivateTest") == {"train": 6}, "FER2013 is known now"
PYTHON
