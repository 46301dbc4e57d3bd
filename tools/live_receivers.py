"""Receives what a live run sends, as other programs and visitors do, in a process of its own:

python -m tools.live_receivers KIND PLACE [NUMBER]

Says "ready" when it receives. When its standard input ends, it prints a JSON object. KINDS:

- events: a client of the event stream at PLACE, ws://…/events;
- pipe: a reader of the named pipe of events at PLACE;
- osc: python-osc's server at the port PLACE of this machine;
- lsl: an inlet of the streams PLACE_frames and PLACE_face1;
- pages: NUMBER pages that watch the server's camera at PLACE, ws://…/ws;
- camera: a page that sends pictures of its own camera there, one at a time, and records;
- stalled: a page that watches and takes nothing from its line;
- rude: a page that sends what no page sends, and is closed.

The first four tell `arrivals`: [number of the frame, time.monotonic() when it was there, moment of
capture or None]; of all of them, `frames` were received, and the stream said of `missed` that they
were left out. Each kind imports what it needs when it starts, because others share the machine.
"""

import asyncio
import itertools
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.defaults import PORTRAIT_CLIP, ROOT
from app.errors import DataError

POLL_S = 0.2  # between two looks at whether the receiver is to end
START_S = 60.0  # in which a receiver is there on a busy machine
PICTURES = 60  # of the portrait clip, which the camera of a page sends
PICTURE_HEAD = struct.Struct("<BId")  # mark, number, time of capture in s
CAMERA_FPS = 60.0  # at most; the server closes a page that sends more than 120 messages a second
RECORD_S = 4.0  # of a page that records


@dataclass(slots=True)
class Received:
    """What a receiver has received so far."""

    arrivals: list[tuple[int, float, float | None]] = field(default_factory=list)
    frames: int = 0
    missed: int = 0
    untold: int = 0  # missed before the next frame, which may come after this receiver's end

    def note(self, frame: int, captured_s: float | None = None) -> None:
        """Notes a frame that is there now."""
        self.arrivals.append((frame, time.monotonic(), captured_s))
        self.frames += 1

    def note_event(self, line: str | bytes) -> None:
        """Notes a line of the event stream."""
        message = json.loads(line)
        if message["type"] == "frame":
            if self.arrivals:  # what was before it came is not its own
                self.missed += self.untold
            self.untold = 0
            self.note(message["frame"], message["captured_monotonic_s"])
        elif message["type"] == "missed":
            self.untold += int(message["frames"])

    def count_message(self, data: str | bytes) -> bool:
        """Counts a message to a page, which may be a picture. Returns True for a frame."""
        message = json.loads(data) if isinstance(data, str) else {"type": "picture"}
        is_frame = bool(message["type"] == "frame")
        self.frames += is_frame
        self.missed += int(message["frames"]) if message["type"] == "missed" else 0
        return is_frame


Receive = Callable[[str, int, Received, threading.Event], None]


def say_ready() -> None:
    """Tells whoever started the receiver that frames are received from now on."""
    print("ready", flush=True)


def receive_events(place: str, number: int, received: Received, stop: threading.Event) -> None:
    """Receives the event stream."""
    with connect(place, proxy=None, compression=None) as events:
        say_ready()
        while not stop.is_set():
            with suppress(TimeoutError):
                received.note_event(events.recv(POLL_S))


def receive_pipe(place: str, number: int, received: Received, stop: threading.Event) -> None:
    """Receives the lines of a named pipe."""
    with open(place, encoding="utf-8") as lines:
        say_ready()
        for line in lines:
            received.note_event(line)
            if stop.is_set():
                return


def receive_osc(place: str, number: int, received: Received, stop: threading.Event) -> None:
    """Receives OSC with python-osc."""
    from pythonosc.dispatcher import Dispatcher
    from pythonosc.osc_server import BlockingOSCUDPServer

    dispatcher = Dispatcher()
    dispatcher.map("/frame", lambda address, frame: received.note(frame))
    with BlockingOSCUDPServer(("127.0.0.1", int(place)), dispatcher) as server:
        server.timeout = POLL_S
        say_ready()
        while not stop.is_set():
            server.handle_request()


def receive_lsl(place: str, number: int, received: Received, stop: threading.Event) -> None:
    """Receives two streams of LSL with pylsl. A frame is there when both have its sample."""
    from app.events.clock_shift import measure_clock_shift
    from app.events.lsl import load_pylsl

    lsl = load_pylsl()
    inlets = []
    for end in ("frames", "face1"):
        found = lsl.resolve_byprop("name", f"{place}_{end}", timeout=START_S)
        if not found:
            raise DataError(f"The stream {place}_{end} does not come.")
        inlets.append(lsl.StreamInlet(found[0]))
        inlets[-1].open_stream(START_S)
    say_ready()
    frames, person = inlets
    person_s: float | None = None  # the stamp of the last sample of the person
    while not stop.is_set():
        sample, stamp_s = frames.pull_sample(timeout=POLL_S)
        if sample is None:
            continue
        while person_s is None or person_s < stamp_s:
            _, person_s = person.pull_sample(timeout=START_S)
            if person_s is None:
                raise DataError(f"The stream {place}_face1 has ended.")
        if person_s == stamp_s:  # one inlet was there before the other
            shift_s = measure_clock_shift(lsl.local_clock, time.monotonic)
            received.note(int(sample[0]), stamp_s - shift_s)


def watch_pages(place: str, number: int, received: Received, stop: threading.Event) -> None:
    """Watches the server's camera as several pages."""
    asyncio.run(_watch_all(place, number, received, stop))


async def _watch_all(place: str, number: int, received: Received, stop: threading.Event) -> None:
    pages = [asyncio.create_task(_watch(place, received)) for _ in range(number)]
    say_ready()
    while not stop.is_set():
        await asyncio.sleep(POLL_S)
    for page in pages:
        page.cancel()
    ended = await asyncio.gather(*pages, return_exceptions=True)
    for one in ended:
        if isinstance(one, Exception):
            raise one


async def _watch(place: str, received: Received) -> None:
    async with connect_async(place, proxy=None, compression=None, max_size=None) as page:
        await page.send(json.dumps({"type": "watch", "source": "server"}))
        async for data in page:
            received.count_message(data)


def send_camera(place: str, number: int, received: Received, stop: threading.Event) -> None:
    """Sends the pictures of a page's own camera, and records for a while."""
    import av
    import cv2

    with av.open(str(PORTRAIT_CLIP)) as clip:
        pictures = [
            cv2.imencode(".jpg", frame.to_ndarray(format="bgr24"))[1].tobytes()
            for frame in itertools.islice(clip.decode(video=0), PICTURES)
        ]
    with connect(place, proxy=None, compression=None, max_size=None) as page:
        page.send(json.dumps({"type": "watch", "source": "browser"}))
        say_ready()
        began_s, presses = time.monotonic(), 0
        for sequence in itertools.count(1):
            due_s = began_s + sequence / CAMERA_FPS
            time.sleep(max(0.0, due_s - time.monotonic()))
            now_s = time.monotonic() - began_s
            if presses < 2 and now_s > (1 + presses) * RECORD_S:
                page.send(json.dumps({"type": "key", "action": "record"}))
                presses += 1
            jpeg = pictures[sequence % len(pictures)]
            page.send(PICTURE_HEAD.pack(1, sequence, now_s) + jpeg)
            while not received.count_message(page.recv(START_S)):
                pass
            if stop.is_set():
                return


def stall(place: str, number: int, received: Received, stop: threading.Event) -> None:
    """Watches without taking anything from the line, until the server closes it."""
    with connect(place, proxy=None, compression=None, max_queue=1, ping_interval=None) as page:
        page.send(json.dumps({"type": "watch", "source": "server"}))
        say_ready()
        stop.wait()


def send_nonsense(place: str, number: int, received: Received, stop: threading.Event) -> None:
    """Sends what no page sends, and waits until it is closed."""
    with connect(place, proxy=None, compression=None, max_size=None) as page:
        say_ready()
        page.send("{no JSON")
        with suppress(ConnectionClosed):
            while True:
                page.recv(START_S)
    stop.wait()


KINDS: dict[str, Receive] = {
    "events": receive_events,
    "pipe": receive_pipe,
    "osc": receive_osc,
    "lsl": receive_lsl,
    "pages": watch_pages,
    "camera": send_camera,
    "stalled": stall,
    "rude": send_nonsense,
}


class RunningReceiver:
    """A receiver in another process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def wait_until_ready(self) -> None:
        """Waits until frames are received. Raises `DataError` where the receiver has ended."""
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise DataError(f"A receiver does not begin: {self._process.args!r}")

    def finish(self) -> Received:
        """Ends the receiver politely, and returns what it received. Raises `DataError` where it
        had ended before."""
        told, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise DataError(f"A receiver failed: {self._process.args!r}")
        values = json.loads(told)
        arrivals = [
            (int(frame), at_s, captured_s) for frame, at_s, captured_s in values["arrivals"]
        ]
        return Received(arrivals, values["frames"], values["missed"])

    def kill(self) -> None:
        """Ends the receiver at once, as a crash does."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def start_receiver(kind: str, place: str, number: int = 1) -> Iterator[RunningReceiver]:
    """Starts a receiver, which is killed at the end of the context unless it has ended."""
    words = [sys.executable, "-m", "tools.live_receivers", kind, place, str(number)]
    with subprocess.Popen(
        words,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # it hears of Ctrl-C in a terminal by the end of its input
    ) as process:
        receiver = RunningReceiver(process)
        try:
            yield receiver
        finally:
            process.kill()


def main() -> int:
    """Receives until the standard input ends."""
    kind, place, number = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1
    received, stop = Received(), threading.Event()

    def work() -> None:
        try:
            KINDS[kind](place, number, received, stop)
        except Exception as error:
            if not stop.is_set():
                print(f"{kind}: {error!r}", file=sys.stderr, flush=True)
                os._exit(1)  # whoever started this learns of it now, and the other thread waits

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    sys.stdin.read()
    stop.set()
    worker.join(START_S)
    told = {"arrivals": received.arrivals, "frames": received.frames, "missed": received.missed}
    try:
        print(json.dumps(told), flush=True)
    except BrokenPipeError:  # whoever started this has gone, and nobody is to see a failure at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
