#!/usr/bin/env bash
# decord gives another frame for the same index of a trimmed clip, depending on how it was reached.
#
# Guess before the run: frame 27 is the same picture whether the frames before it are read or not, and
# len() is the number of frames that players show.
# Source: an index of a sequence stands for one thing, and decord's VideoReader is read by index; an
# edit list (ISO/IEC 14496-12, 8.6.6) says which part of the stored frames is shown. A phone's trimming and "ffmpeg -ss -c copy" write one.
# What happens: of 75 stored frames 65 are shown. Read in order, index 27 is the 28th shown frame, and the
# last ten indices repeat the last frame. Asked for at once, or after a jump, index 27 is ten frames
# earlier, so a batch with rising indices runs back in time. Trim by encoding anew, or read with PyAV.
#
# Needs python3 with venv and the package index, and ffmpeg with x264. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet eva-decord==0.6.1 av==18.1.0 numpy==2.4.6
cd "$folder"
ffmpeg -v error -f lavfi -i testsrc2=duration=4:size=320x180:rate=25 -c:v libx264 -pix_fmt yuv420p -g 25 whole.mp4
ffmpeg -v error -ss 1.4 -i whole.mp4 -c copy trimmed.mp4
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import av
import decord
import numpy as np

print("eva-decord", version("eva-decord"), "PyAV", version("av"))
with av.open("trimmed.mp4") as container:
    shown = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]


def which(picture):
    """The number of the shown frame that a picture is."""
    return int(np.argmin([np.abs(picture - other).mean() for other in shown]))


reader = decord.VideoReader("trimmed.mp4")
in_order = [which(reader[i].asnumpy()) for i in range(len(reader))]
at_once = {i: which(decord.VideoReader("trimmed.mp4")[i].asnumpy()) for i in (0, 12, 27, 60)}
reader = decord.VideoReader("trimmed.mp4")
batch = [which(picture) for picture in reader.get_batch(list(range(0, 75, 6))).asnumpy()]
print(f"{len(shown)} frames are shown; decord has {len(reader)}")
print("in order:", in_order)
print("at once:", at_once)
print("every sixth in one batch:", batch)
assert len(shown) == 65 and len(reader) == 75, "this has changed"
assert in_order == [*range(65), *[64] * 10], "this has changed"
assert at_once == {0: 0, 12: 12, 27: 17, 60: 50}, "this has changed"
assert batch != sorted(batch), "this has changed"
PYTHON
