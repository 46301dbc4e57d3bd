#!/usr/bin/env bash
# OpenCV turns a TIFF by its orientation tag even when it is told to ignore orientations.
#
# Guess before the run: with IMREAD_IGNORE_ORIENTATION (and with IMREAD_UNCHANGED) imread gives pixels
# as they are stored, whatever the kind of file, so that a program can turn all kinds by its own
# reading of the tag, which EXIF and TIFF share (0x112).
# Source: OpenCV's documentation of ImreadModes: IMREAD_IGNORE_ORIENTATION: "If set, do not rotate the
# image according to EXIF's orientation flag"; IMREAD_UNCHANGED: "return the loaded image as is ...
# Ignore EXIF orientation".
# What happens: JPEG, PNG and WebP come as they are stored. A TIFF comes upright with every flag: a
# program that turns all kinds itself turns TIFFs twice.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 pillow==12.0.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io

import cv2
import numpy as np
from PIL import Image

picture = np.zeros((40, 60, 3), np.uint8)
picture[:20, :30] = 255  # the top left is white, as it is stored
exif = Image.Exif()
exif[0x112] = 6  # to be turned clockwise
FLAGS = {
    "IGNORE_ORIENTATION": cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    "UNCHANGED": cv2.IMREAD_UNCHANGED,
}
print(f"OpenCV {cv2.__version__}")
turned = {}
for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, exif=exif)
    content = np.frombuffer(file.getvalue(), np.uint8)
    shapes = {name: cv2.imdecode(content, flags).shape[:2] for name, flags in FLAGS.items()}
    turned[kind] = [shape == (60, 40) for shape in shapes.values()]
    print(kind, "stored 40 rows x 60 columns, read", shapes)
assert turned.pop("TIFF") == [True, True], "a TIFF is not turned any more"
assert not any(map(any, turned.values())), "other kinds are turned, too"
PYTHON
