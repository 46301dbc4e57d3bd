#!/usr/bin/env bash
# pymovements gives the last frame of each expression to the rest as well.
#
# Guess before the run: of 40 frames with joy in 0-9 and 20-29, fill() makes the events 10-19 and 30-39 of the rest.
# Source: the docstring of fill: "Classify all previously unclassified timesteps as events". The docstrings of
# events2segmentation and segmentation2events: onsets and offsets are both inclusive, and its detectors give them so.
# What happens: fill takes 1 off each offset, as if it lay behind the event: 9-19 and 29-39. With times in milliseconds
# at 25 frames/s, or in seconds, the time "offset - 1" does not exist, and an IndexError is raised.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps pymovements==0.28.0 polars==2.1.0 polars-runtime-32==2.1.0 deprecated==1.3.1 wrapt==2.5.2 PyYAML==6.0.4 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 joblib==1.6.0 threadpoolctl==3.8.0 narwhals==2.29.0 cloudpickle==3.1.3 pandas==3.1.1 pyreadr==0.5.8 tqdm==4.70.1 typing_extensions==4.16.0 matplotlib==3.11.2 contourpy==1.3.3 cycler==0.12.1 fonttools==4.68.0 kiwisolver==1.5.1 packaging==26.4 pillow==13.0.0 pyparsing==3.3.3 python-dateutil==4.0.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import polars as pl
from pymovements.events import Events, fill
from pymovements.transforms import events2segmentation, segmentation2events

print("pymovements", version("pymovements"))
joy = Events(name="joy", onsets=[0, 20], offsets=[9, 29])
frames = pl.DataFrame({"time": range(40)})
rest = ~frames.select(events2segmentation(joy.frame, name="joy"))["joy"]
expected = segmentation2events(rest, "rest").select("onset", "offset").rows()
found = fill(joy, timesteps=np.arange(40)).frame.select("onset", "offset").rows()
print(f"frames that are not joy: {expected}, by fill: {found}")
errors = []
for step in (40, 0.04):
    events = Events(name="joy", onsets=[0, 20 * step], offsets=[9 * step, 29 * step])
    try:
        print(fill(events, timesteps=np.arange(40) * step, minimum_duration=0).frame)
    except IndexError as error:
        errors.append(str(error))
        print(f"times in steps of {step}: IndexError: {error}")
assert expected == [(10, 19), (30, 39)]
assert found == [(9, 19), (29, 39)] and len(errors) == 2, "this has changed"
PYTHON
