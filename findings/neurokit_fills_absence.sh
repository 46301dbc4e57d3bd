#!/usr/bin/env bash
# NeuroKit2 fills the time in which nobody was in view with the last expression that was seen.
#
# Guess before the run: samples that are NaN in a recording of the Lab Streaming Layer, because nobody was in
# view, are NaN in the table that neurokit2.read_xdf makes.
# Source: its docstring: fill_method fills "NaNs arising from resampling (e.g., at the very start of the
# recording before the first sample)". These NaNs were recorded. pyxdf gives them as they are.
# What happens: fill_method is "ffill" by default and fills them too: two seconds without a face
# become two seconds of happiness 0.9, also in channels such as face_id. With fill_method=None they stay NaN.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --prefer-binary neurokit2==0.3.0 pyxdf==1.17.5 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 matplotlib==3.11.2
cd "$folder"
"$folder/venv/bin/python" - 2> log <<'PYTHON' || { cat log; exit 1; }
import struct
from contextlib import redirect_stdout
from importlib.metadata import version
from os import devnull

import neurokit2
import numpy as np
import pyxdf

print("neurokit2", version("neurokit2"), "pyxdf", version("pyxdf"))


def chunk(tag, body):
    """A chunk of an XDF file (https://github.com/sccn/xdf/wiki/Specifications)."""
    return b"\x04" + struct.pack("<IH", len(body) + 2, tag) + body


def stream(number, name, rate, times, values):
    head = (
        f"<info><name>{name}</name><type>T</type><channel_count>1</channel_count><nominal_srate>{rate}"
        "</nominal_srate><channel_format>float32</channel_format><desc><channels><channel><label>"
        f"{name}</label></channel></channels></desc></info>"
    )
    pairs = zip(times, values, strict=True)
    samples = b"".join(b"\x08" + struct.pack("<df", time, value) for time, value in pairs)
    which = struct.pack("<I", number)
    count = b"\x04" + struct.pack("<I", len(times))
    foot = f"<info><first_timestamp>{times[0]}</first_timestamp><last_timestamp>{times[-1]}</last_timestamp></info>"
    return chunk(2, which + head.encode()), chunk(3, which + count + samples), chunk(6, which + foot.encode())


seconds = np.arange(300) / 30
happiness = np.where(seconds < 4, 0.9, np.where(seconds < 6, np.nan, 0.1))  # nobody from 4 s to 6 s
face = stream(1, "happiness", 0, 100 + seconds, happiness)  # irregular, as from a camera
ticks = np.arange(1000) / 100
eeg = stream(2, "Cz", 100, 100 + ticks, np.sin(ticks))
parts = [part for pair in zip(face, eeg, strict=True) for part in pair]
with open("session.xdf", "wb") as file:
    file.write(b"XDF:" + chunk(1, b"<info><version>1.0</version></info>") + b"".join(parts))

recorded = next(s for s in pyxdf.load_xdf("session.xdf")[0] if s["info"]["name"] == ["happiness"])
print("pyxdf:", int(np.isnan(recorded["time_series"]).sum()), "of 300 samples are NaN")
assert np.isnan(recorded["time_series"]).sum() == 60, "this has changed"
for settings, absent in (({}, False), ({"fill_method": None}, True)):
    with open(devnull, "w") as nothing, redirect_stdout(nothing):
        table, _ = neurokit2.read_xdf("session.xdf", **settings)
    times = np.asarray(table.index, float)
    between = table["happiness"][(times > 4.1) & (times < 5.9)]
    print(f"read_xdf with {settings}: from 4.1 to 5.9 s {between.isna().mean():.0%} NaN, values {between.dropna().unique()}")
    assert between.isna().all() == absent, "this has changed"
    assert absent or np.allclose(between, 0.9), "this has changed"
PYTHON
