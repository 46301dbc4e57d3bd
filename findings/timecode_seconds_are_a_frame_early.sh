#!/usr/bin/env bash
# The package timecode turns seconds into the timecode of one frame before.
#
# Guess before the run: Timecode(25, start_seconds=1.0) is 00:00:01:00, and a difference of two timecodes
# that are two seconds apart is 00:00:02:00.
# Source: its docstring: "start_seconds: A float or integer value showing the seconds"; SMPTE ST 12-1 counts
# from 00:00:00:00, which is 0 s.
# What happens: it is 00:00:00:24, the difference 00:00:01:24, and of 1.5 s in "ms" 00:00:01.499, because
# seconds become a number of frames, and frame 1 is 00:00:00:00. 0 s is refused. Who labels edits by seconds
# adds a frame, or uses opentimelineio, which gives 00:00:01:00.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet timecode==1.3.1 opentimelineio==0.18.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import opentimelineio
from timecode import Timecode

print("timecode", version("timecode"), "opentimelineio", version("opentimelineio"))
one = str(Timecode(25, start_seconds=1.0))
apart = str(Timecode(25, "00:00:03:00") - Timecode(25, "00:00:01:00"))
milliseconds = str(Timecode("ms", start_seconds=1.5))
other = opentimelineio.opentime.to_timecode(opentimelineio.opentime.RationalTime.from_seconds(1.0, 25))
print(f"1 s at 25 frames/s: {one}; opentimelineio: {other}")
print(f"00:00:03:00 - 00:00:01:00 = {apart}; 1.5 s in ms: {milliseconds}")
assert (one, apart, milliseconds, other) == (
    "00:00:00:24",
    "00:00:01:24",
    "00:00:01.499",
    "00:00:01:00",
), "this has changed"
PYTHON
