#!/usr/bin/env bash
# One bundle that is due in a second and a half stops the whole event loop of python-osc's asyncio server until then.
#
# Guess before the run: the loop runs on while the bundle waits, and a message that comes meanwhile is handled.
# Source: the docstring of AsyncIOOSCUDPServer: "An asynchronous OSC Server using UDP. It creates a datagram endpoint
# that runs in an event loop." Open Sound Control 1.0, "Temporal Semantics and OSC Time Tags": a server stores a bundle
# whose time has not come.
# What happens: the server waits for the time in the loop's own thread. Timers, other connections and all later
# messages wait as long, and a sender whose clock is a minute ahead stops the program for a minute. A sender should
# tag live values "immediately".
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet python-osc==1.10.2
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import socket
import time
from importlib.metadata import version

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_server import AsyncIOOSCUDPServer

DUE_S = 1.5
print("python-osc", version("python-osc"))


def message(address):
    builder = OscMessageBuilder(address)
    builder.add_arg(0.9)
    return builder.build()


async def main():
    order = []
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda address, *values: order.append(address))
    server = AsyncIOOSCUDPServer(("127.0.0.1", 0), dispatcher, asyncio.get_running_loop())
    transport, _ = await server.create_serve_endpoint()
    bundle = OscBundleBuilder(time.time() + DUE_S)
    bundle.add_content(message("/face/1/due_later"))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for packet in (bundle.build().dgram, message("/face/1/now").dgram):
        sender.sendto(packet, transport.get_extra_info("sockname"))
    ticks = [time.monotonic()]
    while len(order) < 2 and len(ticks) < 1000:
        await asyncio.sleep(0.01)
        ticks.append(time.monotonic())
    transport.close()
    return order, max(after - before for before, after in zip(ticks, ticks[1:]))


order, pause = asyncio.run(main())
print("handled in this order:", order)
print(f"a timer of 10 ms came after {pause:.2f} s")
assert order == ["/face/1/due_later", "/face/1/now"] and pause > DUE_S / 2, "this has changed"
PYTHON
