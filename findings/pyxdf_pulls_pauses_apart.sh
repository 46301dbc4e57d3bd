#!/usr/bin/env bash
# pyxdf moves the frames of a face stream by up to half a pause away from their recorded times.
#
# Guess before the run: a stream of 30/s that pauses for 10 s, because nobody was in view, keeps its pause.
# Source: the docstring of load_xdf: it supports "robust time synchronization, support for breaks in the data", and
# dejitter_timestamps is "jitter removal for regularly sampled streams". jitter_break_threshold_seconds is 1.
# What happens: a break must also be longer than 500 samples (jitter_break_threshold_samples), which is 16.7 s at
# 30/s and 1 s at 500/s. Over a shorter pause one line is laid through all times, as if the frames were slower:
# with a pause of 10 s the frame after it comes 5 s too early and the one before it 5 s too late, while markers of
# another stream stay. Up to 10 % of difference in the rate nothing is said. Such a stream has a nominal rate of 0,
# or says can_drop_samples, or is read with dejitter_timestamps=False.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps pyxdf==1.17.5 numpy==2.4.6
"$folder/venv/bin/python" - "$folder/face.xdf" <<'PYTHON'
import logging
import struct
import sys
from importlib.metadata import version

import numpy as np
import pyxdf

print("pyxdf", version("pyxdf"))
logging.disable(logging.WARNING)
frames = np.arange(1800)  # a minute


def chunk(tag, content):
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content


def header(stream, rate, more=""):
    text = (
        f"<info><name>face</name><type>Expression</type><channel_count>1</channel_count>"
        f"<nominal_srate>{rate}</nominal_srate><channel_format>float32</channel_format>{more}</info>"
    )
    return chunk(2, struct.pack("<I", stream) + text.encode())


def samples(stream, times, values):
    body = b"".join(b"\x08" + struct.pack("<df", *pair) for pair in zip(times, values))
    return chunk(3, struct.pack("<I", stream) + b"\x04" + struct.pack("<I", len(times)) + body)


def errors(pause, rate=30, more="", **options):
    """Returns how far the frames before and after the pause are moved, in seconds."""
    times = 100 + frames / 30
    times[900:] += pause
    offsets = b"".join(chunk(4, struct.pack("<Idd", 1, second, 0)) for second in range(100, 180, 5))
    with open(sys.argv[1], "wb") as file:
        file.write(b"XDF:" + chunk(1, b"<info><version>1.0</version></info>") + header(1, rate, more))
        file.write(samples(1, times, frames) + offsets)
    read = pyxdf.load_xdf(sys.argv[1], **options)[0][0]["time_stamps"]
    return tuple(round(float(read[i] - times[i]), 1) for i in (899, 900))


found = {pause: errors(pause) for pause in (2, 5, 10, 16, 18)}
for pause, (before, after) in found.items():
    print(f"pause of {pause:2} s: the frame before it moves by {before:+.1f} s, the one after it by {after:+.1f} s")
drops = "<desc><synchronization><can_drop_samples>true</can_drop_samples></synchronization></desc>"
right = {
    "nominal rate 0": errors(10, rate=0),
    "can_drop_samples": errors(10, more=drops),
    "dejitter_timestamps=False": errors(10, dejitter_timestamps=False),
}
for name, moved in right.items():
    print(f"pause of 10 s, {name}: {moved}")
assert set(right.values()) == {(0, 0)}, right
assert found == {2: (1, -1), 5: (2.5, -2.5), 10: (5, -5), 16: (8, -8), 18: (0, 0)}, "this has changed"
PYTHON
