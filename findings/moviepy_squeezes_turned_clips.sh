#!/usr/bin/env bash
# MoviePy turns a phone's upright clip and squeezes it into the lying size, with a current imageio-ffmpeg.
#
# Guess before the run: a clip of 320 x 180 stored pixels that its display matrix turns by 90 degrees is
# 180 x 320 in MoviePy, which reads the rotation and swaps the sides.
# Source: a comment in MoviePy's reader says that FFmpeg turns the frames, and the code swaps the sides for 90 and
# 270 degrees; its requirement is "imageio_ffmpeg>=0.2.0".
# What happens: the FFmpeg of imageio-ffmpeg 0.8.1 writes "Display Matrix:" where older ones wrote
# "displaymatrix:", MoviePy does not know it, takes the rotation for 0, and asks for frames of 320 x 180 of a
# picture that FFmpeg has turned. Faces come out three times as wide for their height, without a message. With
# imageio-ffmpeg 0.6.0 the size is right.
#
# Needs python3 with venv and the package index, and ffmpeg with x264. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
ffmpeg -v error -f lavfi -i testsrc2=duration=1:size=320x180:rate=25 -c:v libx264 -pix_fmt yuv420p stored.mp4
python3 - <<'PYTHON'
import struct
from pathlib import Path

film = bytearray(Path("stored.mp4").read_bytes())
matrix = film.index(b"tkhd") + 44  # of the track, ISO/IEC 14496-12, 8.3.2
film[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 180 << 16, 0, 1 << 30)
Path("turned.mp4").write_bytes(film)
PYTHON
for version in 0.6.0 0.8.1; do
  "$folder/venv/bin/pip" install --quiet moviepy==2.2.1 imageio-ffmpeg=="$version" imageio==2.37.0 pillow==11.3.0 numpy==2.3.5
  "$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import imageio_ffmpeg
import numpy as np
from moviepy import VideoFileClip

with VideoFileClip("turned.mp4") as clip:
    size, frame = clip.size, clip.get_frame(0)
frames = imageio_ffmpeg.read_frames("turned.mp4")
facts = next(frames)
frames.close()
old = version("imageio-ffmpeg") == "0.6.0"
print("moviepy", version("moviepy"), "imageio-ffmpeg", version("imageio-ffmpeg"), end=": ")
print(f"MoviePy's size {size}, frame {frame.shape}; FFmpeg's own {facts['size']}")
assert tuple(facts["size"]) == (180, 320), "this has changed"
assert size == ([180, 320] if old else [320, 180]), "this has changed"
PYTHON
done
