#!/usr/bin/env bash
# openfacefx mirrors the smile of a face and leaves its jaw and mouth on the old side; a Live Link take stays as it was.
#
# Guess before the run: mirror() swaps all pairs of left and right, also jawLeft with jawRight and mouthLeft with
# mouthRight, and those of a take that read_csv has read.
# Source: docstring of mirror: "Swap *Left/*Right channel pairs"; its module: "bring a capture in", and "centered
# channels" pass through. Apple's ARFaceAnchor.BlendShapeLocation has jawLeft and mouthLeft as movements to one side.
# What happens: a face with its smile, its jaw and its mouth on the left gets the smile on the right and keeps the jaw
# and the mouth on the left, a grimace that nobody made. In a take from the CSV of Live Link Face, whose names begin
# with capitals, nothing is swapped at all. Swap these names yourself.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps openfacefx==0.24.0 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from openfacefx.curves import Channel, FaceTrack, Keyframe
from openfacefx.export_livelink import write_livelink_csv
from openfacefx.importers_csv import read_csv
from openfacefx.transforms import mirror

print("openfacefx", version("openfacefx"))
left = {"mouthSmileLeft": 0.8, "jawLeft": 0.6, "mouthLeft": 0.5}
names = [name.replace("Left", side) for name in left for side in ("Left", "Right")]
steady = {name: left.get(name, 0.0) for name in names}
face = FaceTrack(60, [Channel(name, [Keyframe(0, value), Keyframe(1, value)]) for name, value in steady.items()])


def shown(track):
    return {channel.name: channel.keys[0].value for channel in track.channels if channel.keys[0].value}


turned = shown(mirror(face))
print("face:    ", shown(face))
print("mirrored:", turned)
write_livelink_csv(face, "take.csv")
take, warnings = read_csv("take.csv")
print("a Live Link take of it:", shown(take))
print("mirrored:              ", shown(mirror(take)), "warnings:", warnings)
assert turned.pop("mouthSmileRight") == 0.8
assert turned == {"jawLeft": 0.6, "mouthLeft": 0.5}, "this has changed"
assert shown(take) == {name[0].upper() + name[1:]: value for name, value in left.items()}
assert shown(mirror(take)) == shown(take) and not warnings, "this has changed"
PYTHON
