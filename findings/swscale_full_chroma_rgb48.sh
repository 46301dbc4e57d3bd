#!/usr/bin/env bash
# libswscale: with "full chroma interpolation" 16-bit packed RGB gets wrong colours, 8-bit RGB does not.
#
# Met while building, so the expectation was written down after the first sight.
# Expected: a 10-bit 4:2:0 frame of one colour becomes the same colour in bgr24,
# gbrp16le and rgb48le, whatever flags ask for better chroma.
# Source: FFmpeg's scaler documentation, https://ffmpeg.org/ffmpeg-scaler.html: full_chroma_int
# "Enable full chroma interpolation": a matter of quality, of no particular output.
# What happens: bgr24 and gbrp16le are right. In rgb48le red stays, green falls to almost nothing and
# blue changes; without the flag rgb48le is right. HDR and other 10-bit video that is
# converted at higher precision "to be exact" comes out purple.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import av
import numpy as np
from av.video.reformatter import Interpolation

print(f"PyAV {av.__version__}, libswscale {av.library_versions['libswscale']}")
frame = av.VideoFrame(64, 48, "yuv420p10le")
for plane, level in zip(frame.planes, (502, 440, 580)):  # skin, limited range
    plane.update(np.full(plane.buffer_size // 2, level, np.uint16).tobytes())
flag = Interpolation.FULL_CHR_H_INT
means = {}
for name in ("bgr24", "gbrp16le", "rgb48le"):
    for flags in (Interpolation.BILINEAR, Interpolation.BILINEAR | flag):
        made = frame.reformat(format=name, interpolation=flags).to_ndarray().astype(float)
        made = made[..., ::-1] if name == "bgr24" else made  # RGB
        top = 255 if name == "bgr24" else 65535
        means[name, bool(flags & flag)] = made.mean((0, 1)) / top
        print(f"{name:9} full chroma {bool(flags & flag)!s:5}: {np.round(means[name, bool(flags & flag)], 3)}")
plain = means["rgb48le", False]
for key, mean in means.items():
    right = bool(np.abs(mean - plain).max() < 0.01)
    assert right is not (key == ("rgb48le", True)), f"{key} has changed"
PYTHON
