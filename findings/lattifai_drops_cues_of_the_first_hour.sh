#!/usr/bin/env bash
# lattifai-captions reads none of the cues of the first hour from the WebVTT that FFmpeg writes.
#
# Guess before the run: three expressions that FFmpeg wrote into WebVTT come back as three.
# Source: WebVTT (https://www.w3.org/TR/webvtt1/, "WebVTT timestamp"): hours are optional if they are zero. FFmpeg
# leaves them out. README: lattifai-captions is a "universal caption toolkit" that reads and writes the "web standard"
# WebVTT.
# What happens: the reader finds only times with hours. A cue at 59 min is dropped, one that begins in the second hour
# is kept, and a file of less than an hour is empty, without an error or a warning. Cues with hours in the times are
# read. pysubs2, which the package uses for other formats, reads them all.
#
# Needs python3 with venv, the package index and ffmpeg. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps lattifai-captions==0.4.17 pysubs2==1.8.1 chardet==7.7.0
cd "$folder"
cat > labels.srt <<'SRT'
1
00:00:01,000 --> 00:00:10,000
joy

2
00:59:00,000 --> 01:00:02,000
anger

3
01:30:00,000 --> 01:30:05,000
neutral
SRT
ffmpeg -v error -y -i labels.srt labels.vtt
"$folder/venv/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version
from pathlib import Path

import pysubs2
from lattifai.caption import Caption

warnings.simplefilter("error")
print("lattifai-captions", version("lattifai-captions"))
text = Path("labels.vtt").read_text()
times = [line for line in text.splitlines() if "-->" in line]
print("written by FFmpeg:", times)
assert times[0] == "00:01.000 --> 00:10.000"
full = text.replace("00:01.000 --> 00:10", "00:00:01.000 --> 00:00:10").replace("59:00.000 ", "00:59:00.000 ")
Path("hours.vtt").write_text(full)
labels = {}
for name in ("labels.vtt", "hours.vtt"):
    labels[name] = [row.text for row in Caption.read(name).supervisions]
    print(f"{name}: read {labels[name]}")
assert [row.text for row in pysubs2.load("labels.vtt")] == ["joy", "anger", "neutral"] == labels["hours.vtt"]
assert labels["labels.vtt"] == ["neutral"], "this has changed"
PYTHON
