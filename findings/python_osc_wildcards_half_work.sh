#!/usr/bin/env bash
# Of OSC's wildcards, python-osc's dispatcher takes only "*" in an address to listen to, and lets it cross "/".
#
# Guess before the run: dispatcher.map("/face/?/happiness", …) hears /face/1/happiness, "[1-3]" and "{1,2}"
# do too, and "/face/*" does not hear /face/1/happiness.
# Source: Open Sound Control 1.0 (https://opensoundcontrol.stanford.edu/spec-1_0.html, "OSC Message
# Dispatching and Pattern Matching"): "?" is any single character, "[…]" and "{…}" are sets, and a pattern
# matches part by part, the parts being divided by "/". The dispatcher's own code follows it for addresses of
# messages that come in.
# What happens: in mapped addresses, "?", "[" and "{" are plain letters, so these handlers are never called,
# without a message, while "/face/*" hears /face/1/happiness and all else below. Map "/face/*/happiness".
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet python-osc==1.10.2
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_message_builder import OscMessageBuilder

print("python-osc", version("python-osc"))


def hears(mapped, sent):
    heard = []
    dispatcher = Dispatcher()
    dispatcher.map(mapped, lambda address, *values: heard.append(values))
    message = OscMessageBuilder(sent)
    message.add_arg(0.5)
    dispatcher.call_handlers_for_packet(message.build().dgram, ("127.0.0.1", 9000))
    print(f"mapped {mapped}, sent {sent}: {heard}")
    return bool(heard)


plain = "/face/1/happiness"
patterns = ("/face/?/happiness", "/face/[1-3]/happiness", "/face/{1,2}/happiness")
assert [hears(plain, pattern) for pattern in patterns] == [True] * 3, "this has changed"
assert [hears(pattern, plain) for pattern in patterns] == [False] * 3, "this has changed"
assert hears("/face/*/happiness", plain), "this has changed"
assert hears("/face/*", plain), "this has changed"  # three parts heard by two
assert not hears(plain, "/face/*"), "this has changed"
PYTHON
