#!/usr/bin/env bash
# One picture called test_1.png makes Hugging Face's imagefolder forget all others, and every label.
#
# Guess before the run: in a folder of labels without splits, happy/ and sad/, all pictures become
# `train`; at most the one whose name has the word goes to `test`.
# Source: the documentation of the Hub, "File names and splits": files whose name has the word test are
# the test split; that others are left out is not said
# (https://huggingface.co/docs/hub/datasets-file-names-and-splits).
# What happens: as soon as one file's name begins with the keyword, splits are read from file names
# alone: the set has one picture, in `test`, and no label. What has no keyword is left out without a
# word. RAF-DB calls its pictures test_0001.jpg; cameras and people do so, too.
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


def read(root, odd_name):
    for shade, label in enumerate(("happy", "sad")):
        folder = pathlib.Path(root, label)
        folder.mkdir(parents=True)
        for number in range(10):
            Image.new("L", (8, 8), 10 * shade + number).save(folder / f"face_{number}.png")
    Image.new("L", (8, 8), 99).save(pathlib.Path(root, "happy", odd_name))
    found = datasets.load_dataset("imagefolder", data_dir=root)
    said = {split: (len(rows), sorted(rows.features)) for split, rows in found.items()}
    print("20 pictures and", odd_name, "->", said)
    return said


assert read("a", "face_10.png") == {"train": (21, ["image", "label"])}
assert read("b", "test_1.png") == {"test": (1, ["image"])}, "the others are there now"
PYTHON
