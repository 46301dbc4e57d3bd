#!/usr/bin/env bash
# aiortc's MediaRecorder counts time in thirtieths of a second, and loses an MP4 of 50 or 60 frames/s.
#
# Guess before the run: the recording of a video track has its frames at the times that they carry, also when
# there are 60 in a second.
# Source: aiortc's documentation (https://aiortc.readthedocs.io/en/latest/helpers.html): "A media sink that writes
# audio and/or video to a file"; no frame rate is named. Frames of WebRTC carry times in 1/90000 s.
# What happens: the stream is made with 30 frames/s, and each time is rounded to 1/30 s. In Matroska, two and
# two frames of 60 frames/s have the same time. MP4 refuses that: the recording ends after about 45 frames
# without a word, stop() raises "Invalid argument" minutes later, and the file cannot be opened.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --prefer-binary aiortc==1.16.0 av==18.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - 2> log <<'PYTHON' || { cat log; exit 1; }
import asyncio
from fractions import Fraction
from importlib.metadata import version

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRecorder
from aiortc.mediastreams import MediaStreamError

print("aiortc", version("aiortc"), "av", version("av"))


class Camera(MediaStreamTrack):
    """Two seconds of a camera, with true times, faster than they pass."""

    kind = "video"

    def __init__(self, rate):
        super().__init__()
        self.rate, self.given, self.ended = rate, 0, asyncio.Event()

    async def recv(self):
        await asyncio.sleep(0)
        if self.given == 2 * self.rate:
            self.ended.set()
            raise MediaStreamError
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), self.given, np.uint8), format="bgr24")
        frame.pts, frame.time_base = 90000 * self.given // self.rate, Fraction(1, 90000)
        self.given += 1
        return frame


async def record(name, rate):
    camera, recorder = Camera(rate), MediaRecorder(name)
    recorder.addTrack(camera)
    await recorder.start()
    try:
        await asyncio.wait_for(camera.ended.wait(), 20)
    except TimeoutError:
        print(f"{name}: after {camera.given} of {2 * rate} frames nothing is taken any more")
    try:
        await recorder.stop()
        with av.open(name) as container:
            times = [round(frame.time, 3) for frame in container.decode(video=0)]
    except av.FFmpegError as error:
        print(f"{name}: stop() raises {type(error).__name__}: {error.strerror}")
        return camera.given, None
    print(f"{name}: {len(times)} frames at {times[:6]} …, due are {[round(k / rate, 3) for k in range(6)]} …")
    return camera.given, times


async def main():
    given, times = await record("thirty.mp4", 30)
    assert len(times) == given == 60 and times == sorted(set(times)), "this has changed"
    given, times = await record("sixty.mkv", 60)
    assert len(times) == given == 120 and len(set(times)) < 70, "this has changed"
    given, times = await record("sixty.mp4", 60)
    assert given < 120 and times is None, "this has changed"


asyncio.run(main())
PYTHON
