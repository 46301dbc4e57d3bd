#!/usr/bin/env bash
# A picture without faces makes PyLabel write the face before it a second time into COCO.
#
# Guess before the run: three pictures with 2, 1 and 0 faces have three annotations in COCO, as in the file that was
# read.
# Source: README: PyLabel translates annotation formats; pictures without annotations are part of COCO and YOLO, where
# their label file is empty (https://docs.ultralytics.com/datasets/detect/).
# What happens: four annotations come out, the last face of the picture before twice, with the same picture and box.
# Each such face then counts as two to be found, of which one is missed. Read from YOLO, the picture without faces
# does the same. Leave such pictures out and add them to "images" yourself.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --prefer-binary pandas==2.2.3 numpy==1.26.4 scipy==1.17.1 \
  opencv-python-headless==4.10.0.84 scikit-learn==1.9.1 PyYAML==6.0.4 ipywidgets==8.1.9 jupyter_bbox_widget==0.7.0 \
  matplotlib==3.11.2 lxml==6.1.3 pillow==13.0.0 tqdm==4.70.1
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps pylabel==0.1.55 bbox-visualizer==1.0.1
cd "$folder"
MPLBACKEND=agg venv/bin/python - 2> log <<'PYTHON' || { cat log; exit 1; }
import json
import os
from importlib.metadata import version

from PIL import Image
from pylabel import importer

print("pylabel", version("pylabel"))
names = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger"]
os.mkdir("images")
for name in "abc":
    Image.new("RGB", (640, 480)).save(f"images/{name}.jpg")


def export(faces_of_c):
    """The pictures of the annotations that come out, from COCO and from YOLO."""
    faces = {"a": [(1, [64, 96, 160, 240]), (6, [320, 240, 64, 48])], "b": [(3, [32, 48, 96, 96])], "c": faces_of_c}
    images, notes = [], []
    for name, rows in faces.items():
        images.append({"id": len(images), "file_name": f"{name}.jpg", "width": 640, "height": 480})
        for label, box in rows:
            note = {"id": len(notes), "image_id": len(images) - 1, "category_id": label, "bbox": box}
            notes.append({**note, "area": box[2] * box[3], "iscrowd": 0, "segmentation": []})
    kinds = [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(names)]
    with open("faces.json", "w") as file:
        json.dump({"images": images, "categories": kinds, "annotations": notes}, file)
    os.makedirs("yolo", exist_ok=True)
    for name, rows in faces.items():
        with open(f"yolo/{name}.txt", "w") as file:
            for label, (x, y, w, h) in rows:
                file.write(f"{label} {(x + w / 2) / 640} {(y + h / 2) / 480} {w / 640} {h / 480}\n")
    out = []
    for read in (
        importer.ImportCoco("faces.json", path_to_images="images"),
        importer.ImportYoloV5("yolo", path_to_images="../images", cat_names=names, img_ext="jpg"),
    ):
        read.export.ExportToCoco("out.json")
        with open("out.json") as file:
            result = json.load(file)
        files = {image["id"]: image["file_name"] for image in result["images"]}
        out.append(sorted((files[note["image_id"]], *map(round, note["bbox"])) for note in result["annotations"]))
    return out


whole, gap = export([(0, [100, 100, 50, 50])]), export([])
print("2, 1 and 1 faces:", *("%d annotations from %s," % (len(out), of) for out, of in zip(whole, ("COCO", "YOLO"))))
print("2, 1 and 0 faces:", *("%d annotations from %s," % (len(out), of) for out, of in zip(gap, ("COCO", "YOLO"))))
print("from COCO:", gap[0])
assert [len(out) for out in whole] == [4, 4] and all(len(set(out)) == 4 for out in whole)
assert [len(out) for out in gap] == [4, 4] and all(len(set(out)) == 3 for out in gap), "this has changed"
PYTHON
