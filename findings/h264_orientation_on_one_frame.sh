#!/usr/bin/env bash
# H.264 says once how its pictures are to be turned; libavcodec tells it of that one frame only.
#
# Met while building, so the expectation was written down after the first sight.
# Expected: where the first frame of an H.264 stream has a display orientation message that
# holds on, each decoded frame has a display matrix, as each frame of a turned MP4 has.
# Source: ITU-T H.264, D.2.26: display_orientation_repetition_period equal to 1 means that the message
# persists in output order up to the next coded video sequence or the next such message. FFmpeg's own
# filter h264_metadata writes it so.
# What happens: the first frame has the matrix, all others have none, so a reader that asks each frame
# shows one upright picture and then lies on its side; one that asks the first frame alone is right
# until the phone is turned.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import av
import numpy as np

print(f"PyAV {av.__version__}, libavcodec {av.library_versions['libavcodec']}")
with av.open("plain.ts", "w") as container:
    stream = container.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
    for index in range(6):
        picture = np.full((48, 64, 3), 30 * index, np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
    container.mux(stream.encode(None))
with av.open("plain.ts") as source, av.open("turned.ts", "w") as container:
    stream = source.streams.video[0]
    copy = container.add_stream_from_template(stream)
    words = "h264_metadata=display_orientation=insert:rotate=-90"
    turns = av.BitStreamFilterContext(words, stream, copy)
    for packet in source.demux(stream):
        for turned in turns.filter(packet if packet.size else None):
            turned.stream = copy
            container.mux(turned)
with av.open("turned.ts") as container:
    told = ["DISPLAYMATRIX" in [one.type.name for one in frame.side_data]
            for frame in container.decode(video=0)]
print("frames with a display matrix:", told)
assert told == [True] + [False] * 5, "libavcodec has changed"
PYTHON
