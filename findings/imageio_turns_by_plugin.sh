#!/usr/bin/env bash
# imageio turns a phone's clip upright with one of its two plugins for video, and not with the other.
#
# Guess before the run: imageio.v3.imread gives the same picture of a clip with either plugin, upright as
# players show it.
# Source: imageio's documentation offers plugin="FFMPEG" and plugin="pyav" for the same formats; the
# documentation of the plugin for PyAV speaks of turning only as a filter that one may ask for.
# What happens: the plugin FFMPEG gives a frame that is 320 high and 180 wide, as it should be; the plugin
# pyav gives 180 x 320, lying on its side, without a message, and its immeta says nothing of a turn. Who changes
# the plugin for speed changes the picture: face detectors then find few faces or none.
#
# Needs python3 with venv and the package index, and ffmpeg with x264. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
ffmpeg -v error -f lavfi -i testsrc2=duration=1:size=320x180:rate=25 -c:v libx264 -pix_fmt yuv420p stored.mp4
cat > turn.py <<'PYTHON'
import struct
from pathlib import Path

film = bytearray(Path("stored.mp4").read_bytes())
matrix = film.index(b"tkhd") + 44  # of the track, ISO/IEC 14496-12, 8.3.2
film[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 180 << 16, 0, 1 << 30)
Path("turned.mp4").write_bytes(film)
PYTHON
python3 turn.py
"$folder/venv/bin/pip" install --quiet imageio==2.38.1 imageio-ffmpeg==0.8.1 av==18.1.0 pillow==13.0.0 numpy==2.4.6
"$folder/venv/bin/python" - 2> log <<'PYTHON' || { cat log; exit 1; }
from importlib.metadata import version

import imageio.v3 as iio

print(*(f"{name} {version(name)}" for name in ("imageio", "imageio-ffmpeg", "av")))
shapes = {}
for plugin in ("FFMPEG", "pyav"):
    shapes[plugin] = iio.imread("turned.mp4", index=0, plugin=plugin).shape
    facts = iio.immeta("turned.mp4", plugin=plugin)
    said = {key: value for key, value in facts.items() if "rotat" in key.lower() and value}
    print(f"plugin {plugin}: frame {shapes[plugin]}, immeta on the turn: {said}")
    assert not said, "this has changed"
assert shapes == {"FFMPEG": (320, 180, 3), "pyav": (180, 320, 3)}, "this has changed"
PYTHON
