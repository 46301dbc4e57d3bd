#!/usr/bin/env bash
# libavfilter: haldclut gives other colours for planar RGB than for packed RGB, with the same table.
#
# Met while building, so the expectation was written down after the first sight.
# Expected: a colour table in a Hald image that inverts colours does so to within one level in
# every RGB format that the filter takes.
# Source: FFmpeg's documentation, https://ffmpeg.org/ffmpeg-filters.html#haldclut: the filter applies a
# Hald CLUT; it names no difference between pixel formats.
# What happens: bgr24 and rgb48le are right. In gbrp, gbrp10le and gbrp16le values are off by tens of
# levels out of 255 on average, up to all of them, though the table is in the very same format.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

print(f"PyAV {av.__version__}, libavfilter {av.library_versions['libavfilter']}")
LEVEL, TICK = 6, Fraction(1, 25)
sides, side = LEVEL**2, LEVEL**3
steps = np.linspace(1, 0, sides)  # inverts; red changes fastest
blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
table = np.stack([red, green, blue], axis=-1).reshape(side, side, 3)
table16 = np.rint(65535 * table).astype(np.uint16)
smooth = np.linspace(0, 65535, 128).astype(np.uint16)
picture = np.stack([*np.meshgrid(smooth, smooth), np.full((128, 128), 20_000, np.uint16)], axis=-1)
errors = {}
for name, top in (("bgr24", 255), ("rgb48le", 65535), ("gbrp", 255), ("gbrp10le", 1023), ("gbrp16le", 65535)):
    clut = av.VideoFrame.from_ndarray(table16, format="rgb48le").reformat(format=name)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb48le").reformat(format=name)
    given = frame.to_ndarray().astype(float)
    graph = Graph()
    main = graph.add_buffer(width=128, height=128, format=name, time_base=TICK)
    second = graph.add_buffer(width=side, height=side, format=name, time_base=TICK)
    apply, sink = graph.add("haldclut", "clut=first"), graph.add("buffersink")
    main.link_to(apply, 0, 0)
    second.link_to(apply, 0, 1)
    apply.link_to(sink)
    graph.configure()
    for one in (clut, frame):
        one.pts, one.time_base = 0, TICK
    second.push(clut)
    second.push(None)
    main.push(frame)
    made = sink.pull().to_ndarray().astype(float)
    errors[name] = 255 / top * np.abs(top - given - made)
    print(f"{name:9} mean error {errors[name].mean():.2f}, largest {errors[name].max():.1f} of 255")
for name, error in errors.items():
    assert bool(error.mean() > 10) is name.startswith("gbrp"), f"{name} has changed"
PYTHON
