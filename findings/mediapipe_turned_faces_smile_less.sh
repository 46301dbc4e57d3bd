#!/usr/bin/env bash
# MediaPipe's rotation_degrees finds the points of a turned face, but not its smile.
#
# Guess before the run: a picture on its head, with rotation_degrees=180, has the coefficients of the upright
# picture (within 0.2, as after a shift of few pixels), and its points turned.
# Source: the docstring of ImageProcessingOptions: "The rotation to apply to the image", which is the way to
# read a camera that hangs upside down.
# What happens: the points are right to 2 % of the face's width, but mouthSmileLeft falls from 0.8 and 0.9 to half
# of that, and other coefficients rise as much. Turn the picture yourself and leave the option alone.
#
# Needs python3 with venv and the package index; the picture and MediaPipe's network are in this repository.
# Exits with 0 while this is so.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --prefer-binary mediapipe==1.2.2 numpy==2.4.6 pillow==13.0.0
cd "$folder"
MPLBACKEND=agg "$folder/venv/bin/python" - "$here" 2> log <<'PYTHON' || { cat log; exit 1; }
import sys
from importlib.metadata import version

import mediapipe
import numpy as np
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision.core.image_processing_options import ImageProcessingOptions
from PIL import Image

print("mediapipe", version("mediapipe"))
here = sys.argv[1]
landmarker = vision.FaceLandmarker.create_from_options(
    vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=f"{here}/models/face_landmarker.task"),
        output_face_blendshapes=True,
    )
)
page = np.asarray(Image.open(f"{here}/docs/plates/plate-3.jpg").convert("RGB"))


def read(picture, degrees=0):
    """The points in px and the coefficients by name of the one face."""
    image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
    found = landmarker.detect(image, ImageProcessingOptions(rotation_degrees=degrees))
    points = np.array([(point.x, point.y) for point in found.face_landmarks[0]]) * picture.shape[1::-1]
    return points, {one.category_name: one.score for one in found.face_blendshapes[0]}


def differ(first, second):
    return max(abs(first[name] - second[name]) for name in first)


for who, top, left, side in (("girl", 20, 15, 360), ("man", 840, 440, 325)):
    upright = page[top : top + side, left : left + side]
    points, expected = read(upright)
    shifted = [read(page[top + y : top + y + side, left + x : left + x + side])[1] for y, x in ((1, 0), (2, 2), (4, 1))]
    turned_points, turned = read(upright[::-1, ::-1], 180)
    error = np.linalg.norm(side - turned_points - points, axis=1).mean() / np.ptp(points[:, 0])
    noise, loss = max(differ(expected, one) for one in shifted), differ(expected, turned)
    smile = expected["mouthSmileLeft"], turned["mouthSmileLeft"]
    print(f"{who}: shifts change a coefficient by up to {noise:.2f}, rotation_degrees=180 by {loss:.2f};")
    print(f"  mouthSmileLeft {smile[0]:.2f} becomes {smile[1]:.2f}; points are off by {error:.1%} of the width")
    assert error < 0.03, "this has changed"
    assert noise < 0.2 and loss > 0.35 and smile[1] < 0.75 * smile[0], "this has changed"
PYTHON
