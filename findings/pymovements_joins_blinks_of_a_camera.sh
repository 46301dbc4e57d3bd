#!/usr/bin/env bash
# pymovements joins blinks that are 66 ms apart, although they should stay two from a gap of 5 ms on.
#
# Guess before the run: with times in milliseconds and minimum_gap=5, its default, two blinks stay two.
# Source: the docstring of blink: blinks "that have a smaller time gap are combined into a single event. The duration
# is specified in the units used in timesteps", as minimum_duration is.
# What happens: the gap is counted in samples, minimum_duration in the units of timesteps. For an eye tracker of 1000/s
# that is the same; at 60 frames/s a gap of 5 is one of 83 ms. With the 100 ms that the docstring names as default,
# all blinks of these three seconds become one, which is longer than maximum_duration, and no blink is found.
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
from pymovements.events import blink

print("pymovements", version("pymovements"))


def blinks(rate, gap):
    """Returns begins and ends, in ms, of blinks that were made at 500-700, 766-966 and 2000-2200 ms."""
    times = np.arange(3 * rate) * 1000 / rate
    pupil = 4 + 0.01 * np.sin(times / 40)  # mm
    for begin in (500, 766, 2000):
        pupil[(times >= begin - 0.1) & (times < begin + 199.9)] = np.nan
    events = blink(pupil, timesteps=times, minimum_gap=gap).frame
    return [(round(a), round(b)) for a, b in events.select("onset", "offset").rows()]


found = {(rate, gap): blinks(rate, gap) for rate in (1000, 60) for gap in (0, 5, 100)}
for (rate, gap), events in found.items():
    print(f"{rate}/s, minimum_gap={gap} ms: {events}")
assert len(found[1000, 5]) == len(found[60, 0]) == 3 and len(found[1000, 0]) == 3
assert found[60, 5] == [(500, 950), (2000, 2183)], "this has changed"
assert found[60, 100] == [], "this has changed"
PYTHON
