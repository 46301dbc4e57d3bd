#!/usr/bin/env bash
# Label Studio's exports to YOLO and Pascal VOC keep one of two pictures that have the same name in two folders.
#
# Guess before the run: anna/frame1.jpg and ben/frame1.jpg have a label file each.
# Source: Ultralytics' page on datasets (https://docs.ultralytics.com/datasets/detect/): one text file per image. The
# converter itself puts a number before the name where the address is one of the web.
# What happens: with addresses of local files or of cloud storage both are written to frame1.txt (or frame1.xml), and
# Anna's joy is overwritten by Ben's fear, without a word. COCO has both. Frames of several people or clips, all called
# frame1.jpg and so on, are the usual case. Give each picture a name of its own before the import.
#
# Needs python3 with venv and the package index. Nothing is fetched from the addresses. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --prefer-binary label-studio-sdk==2.1.2
cd "$folder"
HOME="$folder" venv/bin/python - <<'PYTHON'
import json
import logging
from importlib.metadata import version
from pathlib import Path

from label_studio_sdk.converter.converter import Converter, Format

logging.disable(logging.CRITICAL)
print("label-studio-sdk", version("label-studio-sdk"))
labels = "".join(f'<Label value="{name}"/>' for name in ("fear", "joy"))
view = '<View><Image name="image" value="$image"/>'
view += f'<RectangleLabels name="label" toName="image">{labels}</RectangleLabels></View>'


def task(number, address, label):
    box = {"rotation": 0, "x": 10, "y": 10, "width": 20, "height": 30, "rectanglelabels": [label]}
    result = {
        "id": label, "type": "rectanglelabels", "from_name": "label", "to_name": "image", "image_rotation": 0,
        "original_width": 640, "original_height": 480, "value": box,
    }
    when = "2026-01-01T00:00:00Z"
    note = {
        "id": number, "completed_by": {"id": 1, "email": "coder@example.org"}, "was_cancelled": False,
        "created_at": when, "updated_at": when, "lead_time": 1, "result": [result],
    }
    return {"id": number, "data": {"image": address}, "annotations": [note]}


def count(start, kind):
    """The number of faces, and of label files if there are any, that an export has."""
    tasks = [task(1, f"{start}anna/frame1.jpg", "joy"), task(2, f"{start}ben/frame1.jpg", "fear")]
    Path("tasks.json").write_text(json.dumps(tasks))
    out = Path(f"{kind.name}-{len(start)}")
    Converter(view, project_dir=".", download_resources=False).convert("tasks.json", str(out), kind, is_dir=False)
    if kind == Format.COCO:
        return len(json.loads((out / "result.json").read_text())["annotations"])
    files = sorted(out.glob("labels/*.txt" if kind == Format.YOLO else "Annotations/*.xml"))
    print("  ", kind.name, [file.name for file in files])
    texts = [file.read_text() for file in files]
    return sum(len(text.splitlines()) if kind == Format.YOLO else text.count("<object>") for text in texts)


for start, expected in (("https://example.org/", 2), ("/data/local-files/?d=faces/", 1), ("s3://faces/", 1)):
    print(f"{start}anna/frame1.jpg and {start}ben/frame1.jpg:")
    faces = {kind.name: count(start, kind) for kind in (Format.COCO, Format.YOLO, Format.VOC)}
    print("   faces of two:", faces)
    assert faces["COCO"] == 2 and faces["YOLO"] == faces["VOC"] == expected, "this has changed"
PYTHON
