# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Readings for other programs, live
#
# Other programs can get each reading while it is made: as lines of JSON, as Open Sound Control
# (OSC), or through the Lab Streaming Layer (LSL). This notebook plays the first seconds of the
# demo clip as if it were a camera, and listens to itself. With a real camera, put
# `CameraSource(0)` in the place of `RealtimeVideo(…)`. The command line has the same outputs:
# `python run_demo.py --events events.jsonl --osc 127.0.0.1:9000 --lsl`.

# %%
import json
import tempfile
import threading
from pathlib import Path

import matplotlib.pyplot as plt
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import ThreadingOSCUDPServer

import app
from app import EventsSink, OscSink, RealtimeVideo, Recogniser, Selection, VideoSource

DEMO_CLIP = Path(app.__file__).parent / "assets" / "demo.mp4"
SECONDS = 4.0
folder = tempfile.TemporaryDirectory()
events_file = Path(folder.name, "events.jsonl")

# %% [markdown]
# ## A receiver of OSC
#
# Any program that understands OSC can be the receiver: TouchDesigner, Max, Pure Data, VRChat.
# Here it is a thread that keeps every value under `/face/1/` that arrives at a free port of this
# machine.

# %%
heard = []
dispatcher = Dispatcher()
dispatcher.map("/face/1/*", lambda address, *values: heard.append((address, values)))
receiver = ThreadingOSCUDPServer(("127.0.0.1", 0), dispatcher)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
port = receiver.server_address[1]

# %% [markdown]
# ## Play the clip
#
# Frames that come while another one is read are left out, as with a camera. No receiver delays
# the recogniser: an OSC message that nobody takes is lost.

# %%
clip = VideoSource(DEMO_CLIP, selection=Selection(end_s=SECONDS))
with Recogniser() as recogniser, RealtimeVideo(clip) as camera:
    sinks = [EventsSink(events_file), OscSink(f"127.0.0.1:{port}", say=print)]
    for result in recogniser.stream(camera, sinks=sinks):
        if result.frame.index % 25 == 0:
            seen = ", ".join(f"face {face.face_id}: {face.label}" for face in result.faces)
            print(f"{result.frame.time_s:4.1f} s  {seen or 'nobody'}")
receiver.shutdown()
receiver.server_close()

# %% [markdown]
# ## What was sent
#
# One event is one line of JSON. Its fields are in [Readings for other
# programs](../../docs/live_outputs.md#events).

# %%
events = [json.loads(line) for line in events_file.read_text().splitlines()]
first = next(event for event in events if event["faces"])
print(json.dumps({**first, "faces": [{**first["faces"][0], "landmarks": "…"}]}, indent=2)[:1200])

# %%
for address, values in heard[:6]:
    print(address, *values)
print(f"{len(heard)} values of face 1 arrived by OSC, {len(events)} events are in the file")

# %% [markdown]
# ## How old a reading is when it leaves
#
# `age_ms` counts from the moment at which the frame was due to the moment at which its event was
# made.

# %%
ages_ms = [event["age_ms"] for event in events]
plt.figure(figsize=(8, 2.5))
plt.plot([event["time_s"] for event in events], ages_ms, ".")
plt.ylim(0, None)
plt.xlabel("seconds of the clip")
plt.ylabel("age, ms")
plt.show()

# %% [markdown]
# LSL works in the same way: add `LslSink("Expressions", recogniser.labels)` to the sinks, with
# the extra `live` installed. LabRecorder then lists a stream for each face.

# %%
folder.cleanup()
