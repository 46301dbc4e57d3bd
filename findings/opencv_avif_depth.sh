#!/usr/bin/env bash
# OpenCV spreads the 16-bit codes of a PNG over all of uint16, and leaves those of a 10-bit AVIF at 0..1023.
#
# Guess before the run: with IMREAD_ANYDEPTH a picture of more than 8 bits comes as uint16 whose white
# is 65535, as 16-bit PNG and TIFF do, so that dividing by 65535 gives 0..1 for every kind.
# Source: OpenCV's documentation of ImreadModes: IMREAD_ANYDEPTH: "return 16-bit/32-bit image when the
# input has the corresponding depth, otherwise convert it to 8-bit".
# What happens: white of an AVIF of 10 bits is 1023, of 12 bits 4095, in a uint16 array that does not
# tell; without the flag white is 255, as it should be. Taken for 16 bits, an HDR photo is 64 times too
# dark. The depth stands in the file alone (its `pixi` property).
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np


def white_of(suffix, depth, options, flags):
    white = np.full((32, 48, 3), (1 << depth) - 1, np.uint8 if depth == 8 else np.uint16)
    done, content = cv2.imencode(suffix, white, options)
    assert done
    read = cv2.imdecode(content, flags)
    print(f"{suffix} of {depth} bits, flags {flags}: white is {read.max()} of {read.dtype}")
    return read.dtype, int(read.max())


DEEP = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
print(f"OpenCV {cv2.__version__}")
assert white_of(".png", 16, [], DEEP) == (np.uint16, 65535)
assert white_of(".tif", 16, [], DEEP) == (np.uint16, 65535)
for depth in (10, 12):
    options = [cv2.IMWRITE_AVIF_DEPTH, depth, cv2.IMWRITE_AVIF_QUALITY, 100]
    assert white_of(".avif", depth, options, cv2.IMREAD_COLOR) == (np.uint8, 255)
    found = white_of(".avif", depth, options, DEEP)
    assert found == (np.uint16, (1 << depth) - 1), "an AVIF's codes are spread now"
PYTHON
