#!/usr/bin/env bash
# ffmpegcv cuts the rows of a turned clip at the wrong places, so its frames are stripes.
#
# Guess before the run: a clip of 320 x 180 stored pixels that its display matrix turns by 90 degrees is read upright,
# 320 rows of 180, or as it is stored, 180 rows of 320.
# Source: README: "api compatible to open-cv"; OpenCV's VideoCapture turns frames by default
# (CAP_PROP_ORIENTATION_AUTO), and gives them as stored without.
# What happens: FFmpeg turns the frames, and ffmpegcv takes the stored size for theirs: the bytes of 320 rows come as
# 180 rows of 320 pixels, each with the end of one row and the beginning of the next, and no face is left. Nothing is
# said, and the number of frames is right. Use infile_options="-noautorotate" and turn the frames yourself.
#
# Needs python3 with venv and the package index, and ffmpeg with x264. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps ffmpegcv==0.3.20 opencv-python-headless==4.12.0.88 \
  numpy==2.2.6
cd "$folder"
ffmpeg -v error -f lavfi -i testsrc2=duration=1:size=320x180:rate=25 -c:v libx264 -pix_fmt yuv420p stored.mp4
venv/bin/python - <<'PYTHON'
import struct
from importlib.metadata import version
from pathlib import Path

import cv2
import ffmpegcv
import numpy as np

film = bytearray(Path("stored.mp4").read_bytes())
matrix = film.index(b"tkhd") + 44  # of the track, ISO/IEC 14496-12, 8.3.2
film[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 180 << 16, 0, 1 << 30)
Path("turned.mp4").write_bytes(film)

print("ffmpegcv", version("ffmpegcv"), "opencv", cv2.__version__)
upright, stored = (cv2.VideoCapture(name).read()[1] for name in ("turned.mp4", "stored.mp4"))
frames = list(ffmpegcv.VideoCapture("turned.mp4"))
lying = list(ffmpegcv.VideoCapture("turned.mp4", infile_options="-noautorotate"))


def differ(first, second):
    return float(np.abs(first.astype(int) - second).mean())


print(f"OpenCV: {upright.shape}; ffmpegcv: {frames[0].shape}, {len(frames)} frames")
print(f"mean difference to the stored picture {differ(frames[0], stored):.0f} of 255")
print(f"the bytes of its frame in the shape of OpenCV's: {differ(frames[0].reshape(upright.shape), upright):.1f}")
print(f"with -noautorotate: {differ(lying[0], stored):.1f} to the stored picture")
assert upright.shape == (320, 180, 3) and len(frames) == 25 and differ(lying[0], stored) < 3
assert frames[0].shape == (180, 320, 3) and differ(frames[0], stored) > 30, "this has changed"
assert differ(frames[0].reshape(upright.shape), upright) < 3, "this has changed"
PYTHON
