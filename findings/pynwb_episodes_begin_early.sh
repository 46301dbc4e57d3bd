#!/usr/bin/env bash
# PyNWB points one sample too early for seven of a hundred episodes that begin on a sample.
#
# Guess before the run: an episode from sample i to sample i + 10 of a series with 25 samples/s refers to ten
# samples from i.
# Source: PyNWB's docstring of TimeSeriesReference, which add_interval makes: idx_start is the "Start index in
# time for the timeseries", count the "Number of timesteps to be selected" from there.
# What happens: PyNWB multiplies the time by the rate and drops the fraction, so 1.16 s × 25/s, in floating
# point a hair below 29, becomes 28. Of 2000 episodes 137 begin a sample early, and 276 refer to nine or eleven
# samples. At 29.97/s with times to the millisecond, half of them begin early. With timestamps in the series
# instead of a rate, all are right.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pynwb==4.2.0 hdmf==6.2.0 h5py==3.16.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - 2> "$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
from importlib.metadata import version

import numpy as np
from pynwb import TimeSeries
from pynwb.epoch import TimeIntervals

print("pynwb", version("pynwb"))
COUNT = 2000


def refer(per_second, times, **clock):
    series = TimeSeries(name="confidence", data=np.zeros(len(times)), unit="1", **clock)
    episodes = TimeIntervals(name="expressions")
    for i in range(COUNT):
        episodes.add_interval(start_time=times[i], stop_time=times[i + 10], timeseries=[series])
    found = [(row[0].idx_start, row[0].count) for row in episodes["timeseries"][:]]
    early = sum(start == i - 1 for i, (start, _) in enumerate(found))
    other = sum(count != 10 for _, count in found)
    assert all(start in (i, i - 1) for i, (start, _) in enumerate(found)), "this has changed"
    print(f"{per_second}/s, {', '.join(clock)}: {early} of {COUNT} begin a sample early, {other} have not ten samples")
    return found, early, other


times = [i / 25 for i in range(COUNT + 10)]
found, early, other = refer(25.0, times, rate=25.0, starting_time=0.0)
print(f"episode from {times[29]} s to {times[39]} s: {found[29]}")
assert (early, other) == (137, 276) and found[29] == (28, 11), "this has changed"
assert refer(25.0, times, timestamps=times)[1:] == (0, 0), "this has changed"
rounded = [round(i / 29.97, 3) for i in range(COUNT + 10)]
assert refer(29.97, rounded, rate=29.97, starting_time=0.0)[1] == 1000, "this has changed"
PYTHON
