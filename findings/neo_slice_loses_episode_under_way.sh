#!/usr/bin/env bash
# Neo's time slices lack an expression that began before the slice, though it fills most of it.
#
# Guess before the run: of expressions at 1-9 s and 5-6 s, a slice of 4-10 s holds both, the first perhaps shortened.
# Source: the docstrings of Epoch.time_slice: "Creates a new Epoch corresponding to the time slice of the original Epoch
# between (and including) times t_start and t_stop", and of Segment.time_slice: "Creates a time slice of a Segment
# containing slices of all child objects", in which the signal goes on from 4 s.
# What happens: only the onset of an epoch counts. The first one is missing, without a warning, and one that begins
# within the slice reaches beyond its end. So the signal of 4-9 s stands there without a label.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet neo==0.14.6 quantities==0.16.4 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import neo
import numpy as np
from quantities import Hz, mV, s

print("neo", version("neo"))
rows = [(1, 8, "joy"), (5, 1, "fear"), (9, 3, "anger")]
onsets, durations, labels = zip(*rows)
epoch = neo.Epoch(times=np.array(onsets) * s, durations=np.array(durations) * s, labels=list(labels))
segment = neo.Segment()
segment.epochs.append(epoch)
segment.analogsignals.append(neo.AnalogSignal(np.zeros((200, 1)), units=mV, sampling_rate=10 * Hz))


def rows_of(one):
    columns = zip(one.times, one.durations, one.labels)
    return [(float(onset), float(length), str(label)) for onset, length, label in columns]


part = segment.time_slice(4 * s, 10 * s)
signal = part.analogsignals[0]
print("20 s with", rows)
print("Epoch.time_slice(4 s, 10 s):", rows_of(epoch.time_slice(4 * s, 10 * s)))
print(f"Segment.time_slice: signal {signal.t_start} to {signal.t_stop}, epochs {rows_of(part.epochs[0])}")
kept = [(5.0, 1.0, "fear"), (9.0, 3.0, "anger")]
assert rows_of(epoch.time_slice(4 * s, 10 * s)) == rows_of(part.epochs[0]) == kept, "this has changed"
PYTHON
