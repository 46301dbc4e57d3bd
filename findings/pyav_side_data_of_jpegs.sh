#!/usr/bin/env bash
# PyAV: a frame's side data cannot be read at all where a JPEG has EXIF, so mirrored ones are lost.
#
# Met while building, so the expectation was written down after the first sight.
# Expected: frame.side_data of a Motion JPEG frame whose EXIF says "mirrored" (2) has the
# display matrix that libav makes of it, as the side data of a turned MP4 has.
# Source: PyAV's documentation, https://pyav.basswood-io.com/docs/stable/api/sidedata.html: side data
# of a frame is a mapping by kind. libav's AV_FRAME_DATA_DISPLAYMATRIX is set from EXIF since 8.0.
# What happens: any access raises ValueError ("31 is not a valid Type"): libav also attaches the EXIF
# itself, a kind that PyAV has no name for. frame.rotation is there still, but has no mirrors: it says
# 180 degrees both of a picture mirrored left to right and of one that is upside down. libav's filter
# "sidedata" can delete the unknown kind; behind it the matrix can be read.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6 pillow==12.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from PIL import Image

print(f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec']}")
matrices = {}
for number in (2, 3):
    picture, exif = Image.new("RGB", (64, 48)), Image.Exif()
    exif[0x112] = number
    picture.save("made.jpg", exif=exif)
    with av.open("made.jpg", format="mjpeg") as container:
        frame = next(container.decode(video=0))
    try:
        said = frame.side_data.keys()
    except ValueError as error:
        said = f"ValueError: {error}"
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(width=64, height=48, format=frame.format, time_base=Fraction(1, 25)),
        graph.add("sidedata", "mode=delete:type=31"),
        graph.add("buffersink"),
    ).configure()
    graph.push(frame)
    matrix = np.frombuffer(graph.pull().side_data.get("DISPLAYMATRIX"), np.int32).reshape(3, 3)
    matrices[number] = (matrix[:2, :2] // 65536).tolist()
    print(f"EXIF {number}: {said}; rotation {frame.rotation}; the matrix: {matrices[number]}")
    assert said == "ValueError: 31 is not a valid Type", "side data can be read now"
    assert abs(frame.rotation) == 180, "the rotation has changed"
assert matrices == {2: [[-1, 0], [0, 1]], 3: [[-1, 0], [0, -1]]}, "the matrices have changed"
PYTHON
