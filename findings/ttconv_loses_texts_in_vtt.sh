#!/usr/bin/env bash
# ttconv writes "AU12 < 3 & rising" into WebVTT so that every reader, its own too, gives "AU12 & rising" or "AU12 ".
#
# Guess before the run: a text of a TTML file comes back from the WebVTT that ttconv made of it.
# Source: WebVTT (https://www.w3.org/TR/webvtt1/, "WebVTT cue text span"): the text contains neither "&" nor "<",
# which are written as character references ("&amp;", "&lt;"). What begins with "<" is a tag, and readers leave out
# tags that they do not know.
# What happens: the WebVTT writer puts texts out as they are. A label in angle brackets vanishes, and of one with "<"
# the rest does up to the next ">" or the end, depending on the reader. There is no message. The reader of ttconv
# decodes "&lt;" as it should.
#
# Needs python3 with venv, the package index and ffmpeg. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ttconv==1.2.3
cd "$folder"
cat > labels.ttml <<'XML'
<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en">
  <head><layout><region xml:id="r"/></layout></head>
  <body region="r"><div>
    <p begin="1s" end="2s">AU12 &lt; 3 &amp; rising</p>
    <p begin="3s" end="4s">&lt;apex&gt; of joy</p>
  </div></body>
</tt>
XML
"$folder/venv/bin/tt" convert -i labels.ttml -o labels.vtt > log 2>&1 || { cat log; exit 1; }
"$folder/venv/bin/tt" convert -i labels.vtt -o again.ttml > log 2>&1 || { cat log; exit 1; }
ffmpeg -v error -y -i labels.vtt again.srt
"$folder/venv/bin/python" - <<'PYTHON'
import xml.etree.ElementTree as ElementTree
from importlib.metadata import version
from pathlib import Path

print("ttconv", version("ttconv"))


def texts(name):
    paragraphs = ElementTree.parse(name).iter("{http://www.w3.org/ns/ttml}p")
    return [" ".join("".join(paragraph.itertext()).split()) for paragraph in paragraphs]


given, again = texts("labels.ttml"), texts("again.ttml")
written = [line for line in Path("labels.vtt").read_text().splitlines() if "AU12" in line or "joy" in line]
ffmpeg = [line for line in Path("again.srt").read_text().splitlines() if "AU12" in line or "joy" in line]
for name, rows in (("TTML", given), ("WebVTT", written), ("read by ttconv", again), ("read by FFmpeg", ffmpeg)):
    print(f"{name}: {rows}")
assert given == ["AU12 < 3 & rising", "<apex> of joy"] == written, "this has changed"
assert again == ["AU12 & rising", "of joy"], "this has changed"
PYTHON
