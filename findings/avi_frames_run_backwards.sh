#!/usr/bin/env bash
# Frames of H.264 in AVI come in the right order with times that run backwards: 1, 4, 3, 5, 2, 7 …
#
# Guess before the run: an AVI has no times but the places of its packets, so frames of a stream with
# B-frames may all be late by the decoder's delay; their times rise all the same.
# Source: the documentation of libavcodec on AVFrame.pts, "Presentation timestamp in time_base units
# (time when frame should be shown to user)", and on avcodec_receive_frame, which gives frames in the
# order in which they are shown.
# What happens: libav guesses presentation times from the places and gets them in disorder. The frames
# come in the order in which they are shown (each shows its own number here), and their times jump
# forth and back. Intra-only codecs are right; MPEG-4 Part 2 is late by its delay.
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

COUNT = 16


def film(path, codec, options, pix_fmt="yuv420p"):
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25, width=64, height=48)
        stream.pix_fmt, stream.options = pix_fmt, options
        for number in range(COUNT):  # its grey level says which one it is
            grey = np.full((48, 64, 3), 20 + 12 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(path) as container:
        frames = list(container.decode(video=0))
    levels = [frame.to_ndarray(format="rgb24")[24, 32].mean() for frame in frames]
    return [round((level - 20) / 12) for level in levels], [frame.pts for frame in frames]


print(f"PyAV {av.__version__}, libavformat {av.library_versions['libavformat']}")
found = {
    "H.264": film("h264.avi", "libx264", {"bf": "3", "b_strategy": "0", "crf": "4"}),
    "MPEG-4": film("mpeg4.avi", "mpeg4", {"bf": "2", "q": "2"}),
    "Motion JPEG": film("mjpeg.avi", "mjpeg", {"q": "2"}, "yuvj420p"),
}
for name, (shown, times) in found.items():
    print(f"{name}: frames {shown}\n  times {times}")
    assert shown == sorted(shown), f"{name}: the frames themselves are in disorder"
known = [time for time in found["H.264"][1] if time is not None]
assert known != sorted(known), "times of H.264 in AVI rise now"
assert found["Motion JPEG"][1] == list(range(COUNT))
PYTHON
