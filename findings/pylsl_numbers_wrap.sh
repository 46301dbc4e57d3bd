#!/usr/bin/env bash
# pylsl sends numbers that a channel cannot hold as other numbers, and a number for a text as zero bytes.
#
# Guess before the run: a value that the format of a stream cannot hold raises an error, as
# push_sample([1.7]) of a stream of integers does.
# Source: pylsl's docstring of push_sample: "x -- A list of values to push (one per channel)"; of the formats:
# cf_int32 "For signed integers up to 32-bit precision".
# What happens: milliseconds since 1970 in an int32 channel arrive as another number, 300 in int8 as 44;
# push_chunk takes 1.7 for an integer channel and sends 1, though push_sample refuses it; and the number 5 for
# a channel of texts arrives as five zero bytes. Nothing is said. Send times as double64, and str(number).
#
# Needs python3 with venv and the package index, on x86-64 Linux with glibc 2.35 or later. Exits with 0
# while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pylsl==1.18.6
"$folder/venv/bin/python" - 2> "$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
from importlib.metadata import version

import pylsl

print("pylsl", version("pylsl"), "liblsl", pylsl.library_version())


def send(kind, value, chunk=False):
    """Sends a value, and returns what an inlet gets."""
    name = f"{kind} {value} {chunk}"
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo(name, "Expression", 1, 0, kind, name))
    inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", name, 1, 10.0)[0])
    inlet.open_stream(10.0)
    assert outlet.wait_for_consumers(10.0)
    if chunk:
        outlet.push_chunk([[value]])
    else:
        outlet.push_sample([value])
    got = inlet.pull_sample(10.0)[0][0]
    print(f"{'push_chunk' if chunk else 'push_sample'} of {value!r} into {kind}: {got!r}")
    return got


milliseconds = 1_700_000_000_123
assert send("double64", milliseconds) == milliseconds, "this has changed"
assert send("int32", milliseconds) == -807049093, "this has changed"
assert send("int8", 300) == 44, "this has changed"
assert send("int32", 1.7, chunk=True) == 1, "this has changed"
assert send("string", 5) == "\0" * 5, "this has changed"
try:
    send("int32", 1.7)
except TypeError as error:
    print("push_sample of 1.7 into int32:", error)
else:
    raise AssertionError("this has changed")
PYTHON
