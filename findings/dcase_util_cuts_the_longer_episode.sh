#!/usr/bin/env bash
# dcase_util ends a smile of ten seconds after three where somebody else smiled meanwhile.
#
# Guess before the run: two episodes of one expression that overlap, of two people, become one that lasts until the
# later end, or stay two.
# Source: the docstring of MetaDataContainer.process_events: "Makes sure that minimum event length and minimum event
# gap conditions are met per event label class". A gap that is too short is closed. Nothing else changes.
# What happens: the joined event ends where the event with the later onset ends. An event that lies within another
# cuts it: of 0-10 s and 2-3 s, 0-3 s is left, and a third one within the first stands alone. Nothing is said. Each
# person needs a list of their own.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "setuptools==80.9.0"
"$folder/venv/bin/pip" install --quiet --no-deps dcase_util==0.2.20 numpy==1.26.4 scipy==1.12.0 librosa==0.11.0 lazy-loader==0.6 soundfile==0.14.0 cffi==2.1.1 validators==0.36.0 pyyaml==6.0.4 future==1.0.0 six==1.17.0 typing_extensions==4.16.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from dcase_util.containers import MetaDataContainer

print("dcase_util", version("dcase_util"))


def join(rows):
    events = MetaDataContainer(
        [dict(filename="clip", event_label=label, onset=onset, offset=offset) for label, onset, offset in rows]
    )
    after = events.process_events(minimum_event_gap=0.1)
    return [(event.event_label, event.onset, event.offset) for event in after]


table = {
    "one after the other": [("joy", 0, 10), ("joy", 10.05, 12)],
    "a short one within a long one": [("joy", 0, 10), ("joy", 2, 3)],
    "two short ones within a long one": [("joy", 0, 10), ("joy", 2, 3), ("joy", 6, 7)],
    "of two expressions": [("joy", 0, 10), ("fear", 2, 3)],
}
for name, rows in table.items():
    print(f"{name}: {rows} becomes {join(rows)}")
assert join(table["one after the other"]) == [("joy", 0, 12)], "this has changed"
assert join(table["a short one within a long one"]) == [("joy", 0, 3)], "this has changed"
assert join(table["two short ones within a long one"]) == [("joy", 0, 3), ("joy", 6, 7)], "this has changed"
assert sorted(join(table["of two expressions"])) == [("fear", 2, 3), ("joy", 0, 10)], "this has changed"
PYTHON
