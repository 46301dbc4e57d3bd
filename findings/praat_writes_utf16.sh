#!/usr/bin/env bash
# One umlaut in one label, and Praat writes the whole TextGrid in UTF-16, which pympi cannot read.
#
# Guess before the run: a TextGrid with the label "Überraschung" is saved in UTF-8, and pympi, which
# reads Praat's TextGrids, opens it.
# Source: pympi's documentation of pympi.Praat.TextGrid, https://dopefishh.github.io/pympi/Praat.html,
# has codec='utf-8' for its default, for a file "to read"; the sister program ELAN writes UTF-8 only.
# What happens: with ASCII labels Praat writes ASCII; with one other letter it writes UTF-16, big
# endian, with a byte order mark (its preference "try ASCII, then UTF-16"), long and short form alike.
# pympi ends in a UnicodeDecodeError. So the encoding differs from file to file within one study.
#
# Praat itself runs here, through praat-parselmouth. Needs python3 with venv and the package index.
# Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet praat-parselmouth==0.4.5 pympi-ling==1.71
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import parselmouth
import pympi
from parselmouth.praat import call

print(f"Praat {parselmouth.PRAAT_VERSION}, pympi {version('pympi-ling')}")
for label, is_ascii in (("surprise", True), ("Überraschung", False)):
    grid = call("Create TextGrid", 0, 4, "face", "")
    call(grid, "Insert boundary", 1, 2)
    call(grid, "Set interval text", 1, 1, label)
    for form in ("text file", "short text file"):
        call(grid, f"Save as {form}", "made.TextGrid")
        content = Path("made.TextGrid").read_bytes()
        is_utf16 = content.startswith(b"\xfe\xff")
        try:
            tier = pympi.Praat.TextGrid("made.TextGrid").get_tier("face")
            read = f"read: {list(tier.get_intervals())[0]}"
        except UnicodeDecodeError as error:
            read = f"UnicodeDecodeError: {error}"
        print(f"{label}, {form}: {'UTF-16' if is_utf16 else 'ASCII'}; pympi: {read}")
        assert is_utf16 is not is_ascii, "Praat's encoding has changed"
        assert read.startswith("read") is is_ascii, "what pympi reads has changed"
PYTHON
