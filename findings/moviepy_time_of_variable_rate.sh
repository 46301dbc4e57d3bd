#!/usr/bin/env bash
# MoviePy shows the wrong moments of a clip whose frame rate varies, and never its end.
#
# Guess before the run: get_frame(t) is the frame that a player shows at t, also if the frame rate varies.
# Source: MoviePy's docstring of get_frame, whose t is the "Moment of the clip whose frame will be returned".
# Phones, video calls and screen recorders write such clips.
# What happens: the clip has 2 s of 25 frames/s and 2 s of 5 frames/s. MoviePy counts t in frames of the
# average, 15.6 frames/s, and FFmpeg hands it frames of 25 frames/s. So t = 3 s is what is shown at 1.84 s, and
# what comes after 2.4 s never appears. Give it a constant rate first (ffmpeg -fps_mode cfr, or -vsync cfr).
#
# Needs python3 with venv and the package index, and ffmpeg with x264. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet moviepy==2.2.1 imageio-ffmpeg==0.8.1 imageio==2.37.0 pillow==11.3.0 av==18.1.0 numpy==2.3.5
cd "$folder"
ffmpeg -v error -f lavfi -i "testsrc2=duration=4:size=320x180:rate=25,select='lt(t,2)+not(mod(n,5))'" \
  -vsync vfr -c:v libx264 -bf 0 -pix_fmt yuv420p varies.mp4
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import av
import numpy as np
from moviepy import VideoFileClip

print("moviepy", version("moviepy"), "imageio-ffmpeg", version("imageio-ffmpeg"))
with av.open("varies.mp4") as container:
    shown = [(frame.time, frame.to_ndarray(format="rgb24").astype(int)) for frame in container.decode(video=0)]
off = {}
with VideoFileClip("varies.mp4") as clip:
    print(f"MoviePy: {clip.fps} frames/s, {clip.duration} s")
    for t in (0.5, 1.0, 2.0, 3.0, 3.8):
        picture = clip.get_frame(t)
        time = min(shown, key=lambda one: np.abs(one[1] - picture).mean())[0]
        due = max(one[0] for one in shown if one[0] <= t)
        off[t] = due - time
        print(f"t = {t} s: the frame of {time:.2f} s; shown then is that of {due:.2f} s")
assert 0.15 < off[0.5] < 0.3 and 0.9 < off[3.0] < 1.5 and off[3.8] > 1.2, "this has changed"
PYTHON
