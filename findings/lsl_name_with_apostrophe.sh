#!/usr/bin/env bash
# A stream of the Lab Streaming Layer whose name holds an apostrophe is not found by its name.
#
# Guess before the run: resolve_byprop("name", NAME) finds a stream of any name, as it finds those with
# quotation marks, "<" or letters outside ASCII.
# Source: pylsl's docstring of resolve_byprop: "value -- The string value that the property should have".
# What happens: for "Anna's face" the list is empty when the time is over, without a message, though
# resolve_streams() lists the stream. liblsl writes the value between apostrophes into an XPath query.
# resolve_bypred with the name between quotation marks finds it. So a name for --lsl or a participant
# should have no apostrophe; a program that looks for such a stream waits forever by default.
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
found = {}
for name in ("Anna", 'the "second" face', "a < b", "Zoë", "Anna's face"):
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo(name, "Expression", 1, 0, "float32", name))
    by_name = [info.name() for info in pylsl.resolve_byprop("name", name, 1, 4.0)]
    listed = name in [info.name() for info in pylsl.resolve_streams(2.0)]
    found[name] = bool(by_name)
    print(f"{name!r}: listed {listed}, by name {by_name}")
    assert listed, "this has changed"
    if name == "Anna's face":
        by_query = [info.name() for info in pylsl.resolve_bypred(f'name="{name}"', 1, 4.0)]
        print(f"{name!r}: by a query with quotation marks {by_query}")
        assert by_query == [name], "this has changed"
    del outlet
assert list(found.values()) == [True, True, True, True, False], "this has changed"
PYTHON
