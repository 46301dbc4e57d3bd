#!/usr/bin/env bash
# Python's two libraries for WebVTT hand the text of a cue over as it is escaped in the file.
#
# Guess before the run: caption.text (webvtt-py) and event.plaintext (pysubs2) of the cue text
# "joy &amp; surprise &lt;3" are "joy & surprise <3", as a browser and FFmpeg show it.
# Source: WebVTT, https://www.w3.org/TR/webvtt1/, section 6.4 "WebVTT cue text parsing rules": the
# tokenizer has an "HTML character reference in data state", so that &amp; is an ampersand in the
# text. A writer must therefore escape & and <.
# What happens: both give "joy &amp; surprise &lt;3". FFmpeg's conversion to SubRip decodes it. Who
# reads labels back from subtitles with either library has to call html.unescape.
#
# Needs python3 with venv, the package index, and ffmpeg. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet webvtt-py==0.5.1 pysubs2==1.8.0
cd "$folder"
printf 'WEBVTT\n\n00:00:00.500 --> 00:00:02.000\njoy &amp; surprise &lt;3\n' > cue.vtt
ffmpeg -v error -y -i cue.vtt cue.srt
ffmpeg -version | head -1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import pysubs2
import webvtt

escaped, meant = "joy &amp; surprise &lt;3", "joy & surprise <3"
found = {
    f"webvtt-py {version('webvtt-py')}": webvtt.read("cue.vtt")[0].text,
    f"pysubs2 {version('pysubs2')}": pysubs2.load("cue.vtt")[0].plaintext,
    "FFmpeg, as SubRip": Path("cue.srt").read_text().splitlines()[2],
}
for name, text in found.items():
    print(f"{name}: {text}")
assert list(found.values()) == [escaped, escaped, meant], "this has changed"
PYTHON
