#!/usr/bin/env bash
# labelformat keeps COCO's numbers 1 to 7 in YOLO, where 7 classes are 0 to 6, and cannot read its own files.
#
# Guess before the run: categories 1 to 7 become the classes 0 to 6, in the same order and with their names.
# Source: Ultralytics' page on datasets for detection (https://docs.ultralytics.com/datasets/detect/): classes of YOLO
# are counted from 0, and data.yaml names them from 0. COCO's own categories begin with 1.
# What happens: the faces get the classes 1 to 7, beside "nc: 7" and names from 1 to 7, so class 7 is out of range.
# labelformat's own reader ends in "KeyError: 0" there. Categories that are counted from 0 are right. Number them
# from 0 before the conversion.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps labelformat==0.1.17 numpy==2.2.6 pillow==11.3.0 PyYAML==6.0.3 tqdm==4.70.1 fsspec==2026.9.0 pydantic==2.14.4 pydantic_core==2.50.5 pydantic-xml==2.22.0 annotated-types==0.8.0 typing-inspection==0.4.5 typing_extensions==4.16.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
import os
import subprocess
from importlib.metadata import version

import yaml
from PIL import Image

print("labelformat", version("labelformat"))
names = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger"]
os.mkdir("images")
for name in ("a.jpg", "b.jpg"):
    Image.new("RGB", (640, 480)).save(f"images/{name}")


def convert(first, folder):
    """Returns the classes in YOLO, data.yaml and the way back of faces with happiness and anger."""
    box = {"bbox": [64, 48, 128, 96], "area": 128 * 96, "iscrowd": 0}
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}],
        "categories": [{"id": first + place, "name": name} for place, name in enumerate(names)],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": first + 1, **box},
            {"id": 2, "image_id": 1, "category_id": first + 6, **box},
        ],
    }
    with open("faces.json", "w") as file:
        json.dump(coco, file)
    program = ["venv/bin/labelformat", "convert", "--task", "object-detection"]
    there = ["--input-format", "coco", "--input-file", "faces.json", "--output-format", "yolov8"]
    there += ["--output-file", f"{folder}/data.yaml", "--output-split", "train"]
    subprocess.run(program + there, check=True, capture_output=True)
    with open(f"{folder}/labels/a.txt") as file:
        classes = [int(line.split()[0]) for line in file]
    with open(f"{folder}/data.yaml") as file:
        data = yaml.safe_load(file)
    os.symlink(os.path.abspath("images"), f"{folder}/images")
    back = ["--input-format", "yolov8", "--input-file", f"{folder}/data.yaml", "--input-split", "train"]
    back += ["--output-format", "coco", "--output-file", f"{folder}/back.json"]
    done = subprocess.run(program + back, capture_output=True, text=True)
    return classes, data["nc"], sorted(data["names"]), (done.stderr.strip().splitlines() or ["read"])[-1]


for first in (0, 1):
    classes, count, keys, outcome = found = convert(first, f"yolo{first}")
    print(f"COCO from {first}: classes {classes}, nc {count}, names for {keys}; read again: {outcome}")
    if first == 0:
        assert found[:3] == ([1, 6], 7, [0, 1, 2, 3, 4, 5, 6]) and "Error" not in outcome
    else:
        assert found == ([2, 7], 7, [1, 2, 3, 4, 5, 6, 7], "KeyError: 0"), "this has changed"
PYTHON
