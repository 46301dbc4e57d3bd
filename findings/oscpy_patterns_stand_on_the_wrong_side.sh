#!/usr/bin/env bash
# OSCPy looks for patterns in its own addresses and not in the messages: /face/*/joy reaches nobody.
#
# Guess before the run: with advanced_matching, a message to /face/*/joy reaches the handlers of /face/1/joy and
# /face/2/joy.
# Source: the OSC 1.0 specification, "OSC Message Dispatching and Pattern Matching": the address pattern of the message
# is matched against the addresses of the receiver's methods. OSCPy's docstring: advanced_matching "activates the
# pattern matching part of the specification".
# What happens: it is the other way round. A message with any of ? * [] {} reaches no plain address, with or without the
# option; a handler bound to /face/*/joy gets messages to /face/1/joy. Senders that address several faces by a pattern
# are not heard, and nothing is said. Use default_handler and match there.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps oscpy==0.6.0
"$folder/venv/bin/python" - <<'PYTHON'
import time
from importlib.metadata import version

from oscpy.client import send_message
from oscpy.server import OSCThreadServer

print("OSCPy", version("oscpy"))
server = OSCThreadServer(advanced_matching=True)
port = server.listen("127.0.0.1", port=0, default=True).getsockname()[1]
reached = []
for address in (b"/face/1/joy", b"/face/2/joy", b"/any/*/joy", b"/done"):
    server.bind(address, lambda *values, address=address: reached.append(address.decode()))


def send(address):
    """Returns the addresses of the handlers that a message to `address` reaches."""
    reached.clear()
    send_message(address.encode(), [0.9], "127.0.0.1", port)
    send_message(b"/done", [1], "127.0.0.1", port)
    deadline = time.monotonic() + 10
    while "/done" not in reached and time.monotonic() < deadline:
        time.sleep(0.02)
    assert reached[-1] == "/done"
    return reached[:-1]


assert send("/face/1/joy") == ["/face/1/joy"]
for pattern in ("/face/*/joy", "/face/?/joy", "/face/[1-2]/joy", "/face/{1,2}/joy"):
    print(f"message to {pattern} reaches {send(pattern)}, expected ['/face/1/joy', '/face/2/joy']")
    assert send(pattern) == [], "this has changed"
print(f"message to /any/1/joy reaches {send('/any/1/joy')}")
assert send("/any/1/joy") == ["/any/*/joy"], "this has changed"
server.stop_all()
PYTHON
