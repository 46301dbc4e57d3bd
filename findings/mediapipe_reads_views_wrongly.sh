#!/usr/bin/env bash
# MediaPipe reads a NumPy view as if its pixels lay side by side, and says nothing.
#
# Guess before the run: mediapipe.Image of a view (a cut-out of a frame, a frame with [:, :, ::-1]) has the pixels of
# the view, or raises an error, as up to 0.10.21 (https://github.com/google-ai-edge/mediapipe/issues/5251).
# Source: its docstring: "Image can be created by copying the data from a numpy ndarray that stores the pixel
# data continuously", and the data is immutable afterwards. Nothing is said about other arrays.
# What happens: the class hands only the address of the first pixel, width and height over. So a cut-out becomes a
# slanted mix of neighbouring rows, in which the face is lost, and BGR turned by [:, :, ::-1] becomes RGB whose
# green and red come from the next pixel: its face is found, with other scores. numpy.ascontiguousarray helps.
# The views here are parts of a larger array, so every byte that is read belongs to it.
#
# Needs python3 with venv and the package index; the picture and MediaPipe's detector are in this repository.
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
from PIL import Image

print("mediapipe", version("mediapipe"))
here = sys.argv[1]
model = BaseOptions(model_asset_path=f"{here}/models/face_detection_short_range.tflite")
detector = vision.FaceDetector.create_from_options(vision.FaceDetectorOptions(base_options=model))
page = np.asarray(Image.open(f"{here}/docs/plates/plate-3.jpg").convert("RGB"))


def look(name, view):
    """The same pixels as they are and side by side: equal or not, and the scores of the faces."""
    scores = []
    for array in (view, np.ascontiguousarray(view)):
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=array)
        equal = np.array_equal(image.numpy_view(), view)
        found = detector.detect(image).detections
        scores.append((equal, [round(face.categories[0].score, 3) for face in found]))
    print(f"{name}: the view itself {scores[0]}, its copy {scores[1]}")
    return scores

faces = page[:1235]  # not the last rows: what follows belongs to the same array
cut_out = faces[80:460, 30:410]  # the girl at the top left
backwards = np.ascontiguousarray(page[..., ::-1])[20:460, :, ::-1]  # BGR as from OpenCV, turned to RGB

scores = look("a cut-out", cut_out)
assert not scores[0][0] and scores[1][0], "this has changed"
assert not scores[0][1] and scores[1][1], "this has changed"
scores = look("BGR with [:, :, ::-1]", backwards)
assert not scores[0][0] and scores[1][0], "this has changed"
PYTHON
