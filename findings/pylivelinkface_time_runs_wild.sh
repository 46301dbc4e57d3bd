#!/usr/bin/env bash
# The time in pylivelinkface's packets jumps to and fro within each second.
#
# Guess before the run: encode() stamps a Live Link Face packet with the present frame of 60 frames/s, so the
# number grows by one in a sixtieth of a second.
# Source: its README and examples send such packets to Unreal's Live Link, which takes the frame number and the
# frame rate as the time of the sample (Epic's FQualifiedFrameTime); Apple's app counts its frames there.
# What happens: the time is handed to the package timecode with milliseconds, as 12:0:0:529.249, and of that only .249
# is read, as a fraction of a second. So the milliseconds are lost, and the microseconds stand in their
# place: packets 8 ms apart are 24 frames apart, and a quarter of a second later the time has gone back.
# Whole seconds are right.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pylivelinkface==0.1 timecode==1.3.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import struct
from datetime import datetime, timedelta
from importlib.metadata import version
from unittest.mock import patch

from pylivelinkface import PyLiveLinkFace

print("pylivelinkface", version("pylivelinkface"), "timecode", version("timecode"))
face = PyLiveLinkFace()
noon = datetime(2026, 11, 29, 12)
off = []
for microseconds in (0, 8_400, 16_700, 100_900, 250_250, 500_120, 750_999, 900_010, 999_500, 1_000_000):
    now = noon + timedelta(microseconds=microseconds)
    with patch("pylivelinkface.pylivelinkface.datetime.datetime") as clock:
        clock.now.return_value = now
        packet = face.encode()
    start = 45 + struct.unpack("!i", packet[41:45])[0]
    frame, _, rate, _ = struct.unpack("!IfII", packet[start : start + 16])
    if not off:
        first = frame
    due = microseconds * rate / 1e6
    off.append(frame - first - due)
    print(f"{now:%H:%M:%S.%f}: frame {frame - first:3d} after 12:00, due is {due:.1f} at {rate} frames/s")
assert off[0] == off[-1] == 0, "this has changed"
assert max(off) > 20 and min(off) < -20, "this has changed"
PYTHON
