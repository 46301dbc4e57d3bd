"""Measures the processor time that each output for other programs takes for a frame.

python -m tools.measure_live_outputs

The least time of many frames is told, so other work on the machine changes little. Receivers run
in processes of their own; the virtual camera writes its pictures of 1280 x 720 px to /dev/null.
Between two frames there is a pause, as with a camera, so that threads wake for each of them.
python-osc's time for the same values stands beside our own encoding.
"""

import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

from app.actions.names import COEFFICIENTS
from app.events.event import encode_event, make_event
from app.events.line_sink import LineSink, make_event_lines
from app.events.lsl import LslSink
from app.events.osc import OscSink, list_face_values
from app.events.osc_address import OscTarget
from app.events.osc_packet import encode_bundles, encode_time_tag
from app.outputs.background import BackgroundSink
from app.outputs.virtual_camera import PictureDevice, V4l2Device, VirtualCameraSink
from app.process.line_pipe import LinePipe
from app.process.threads import set_threads
from app.records.writers import RecordsSink
from app.runs.plan import RecognitionSettings, ViewSettings
from app.server.bind import bind_sockets
from app.server.gate import Gate
from app.server.page_camera import PageCamera
from app.server.page_server import PageServer
from app.server.serve_address import ServeAddress
from app.server.source_feed import SourceFeed
from app.server.visit_session import load_shared_networks
from app.server.visitor import Visits
from app.types import Face, FaceActions, FaceQuality, Frame, FrameResult, Image, TrackedFace
from tools.live_receivers import start_receiver

LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
FRAMES = 150
ROUNDS = 5
PAUSE_S = 0.002  # after each frame, in which receivers and threads do their part
DONE_S = 10.0  # in which a thread has done it on a busy machine
PEOPLE = (1, 4)


def make_result(people: int, *, with_actions: bool) -> FrameResult:
    """Makes the result of a 720p frame with some faces, filmed just now."""
    rng = np.random.default_rng(0)
    shares = np.full(len(LABELS), 1 / len(LABELS), np.float32)
    coefficients = dict(zip(COEFFICIENTS, rng.random(len(COEFFICIENTS)).tolist(), strict=True))
    actions = FaceActions(10.0, 5.0, 2.0, 0.5, 0.1, 0.2, coefficients)
    faces = tuple(
        TrackedFace(
            Face((10.0, 20.0, 110.5, 130.25), rng.random((6, 2)).astype(np.float32), 0.9),
            number,
            "happiness",
            shares,
            shares,
            quality=FaceQuality(100.0, 1.0, 2.0, 0.5, 0.5),
            actions=actions if with_actions else None,
        )
        for number in range(1, people + 1)
    )
    image = np.zeros((720, 1280, 3), np.uint8)
    return FrameResult(Frame(image, 5, 0.2, "camera:0", time.monotonic()), faces, LABELS)


def measure_ms(work: Callable[[], object], *, pause_s: float = 0.0) -> float:
    """Measures the milliseconds of processor time of one call, in all threads of this process: the
    least mean of `ROUNDS` rounds, with a pause after each call."""
    means = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for _ in range(FRAMES):
            work()
            if pause_s:
                time.sleep(pause_s)
        means.append(1000 * (time.process_time() - began_s) / FRAMES)
    return min(means)


def encode_with_python_osc(result: FrameResult) -> bytes:
    """Encodes the values of all faces with python-osc."""
    from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
    from pythonosc.osc_message_builder import OscMessageBuilder

    bundle = OscBundleBuilder(IMMEDIATELY)
    for number, face in enumerate(result.faces, 1):
        for name, values in list_face_values(face, result.labels):
            message = OscMessageBuilder(f"/face/{number}/{name}")
            for value in values:
                message.add_arg(value)
            bundle.add_content(message.build())
    return bytes(bundle.build().dgram)


def encode_ourselves(result: FrameResult) -> list[bytes]:
    """Encodes the same values as `encode_with_python_osc`."""
    messages = (
        (f"/face/{number}/{name}", values)
        for number, face in enumerate(result.faces, 1)
        for name, values in list_face_values(face, result.labels)
    )
    return encode_bundles(encode_time_tag(None), messages)


def read_all(descriptor: int) -> None:
    """Reads a pipe until its writer has left."""
    with suppress(OSError):
        while os.read(descriptor, 1 << 16):
            continue


class NullDevice:
    """A device of a virtual camera that converts each picture, writes it to /dev/null, and tells
    when it has."""

    def __init__(self, size_wh: tuple[int, int], done: threading.Event) -> None:
        self._device = V4l2Device(os.devnull, size_wh, container_format="rawvideo")
        self._done = done

    def show(self, picture: Image) -> None:
        """Converts and writes a picture."""
        self._device.show(picture)
        self._done.set()

    def close(self) -> None:
        """Closes the device."""
        self._device.close()


class ToldSink:
    """Tells when the sink inside has written."""

    dropped = 0
    warning = None

    def __init__(self, sink: RecordsSink, done: threading.Event) -> None:
        self.path = sink.path
        self._sink = sink
        self._done = done

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Writes a result."""
        self._sink.write(result, canvas)
        self._done.set()

    def close(self) -> None:
        """Completes the output."""
        self._sink.close()

    def abort(self) -> None:
        """Leaves nothing of the output behind."""
        self._sink.abort()


Write = Callable[[FrameResult, Image], object]


def _wait_after(write: Write, done: threading.Event) -> Write:
    """Waits after each write until a thread has done its part."""

    def write_and_wait(result: FrameResult, canvas: Image) -> None:
        done.clear()
        write(result, canvas)
        done.wait(DONE_S)

    return write_and_wait


def _open_lines(stack: ExitStack) -> Write:
    reading, writing = os.pipe()
    reader = multiprocessing.get_context("fork").Process(target=read_all, args=(reading,))
    reader.start()
    os.close(reading)
    pipe = LinePipe(writing, "a pipe")
    lines = LineSink(pipe, make_event_lines(), is_live=False, is_alone=False, say=print)
    stack.callback(reader.join)
    stack.callback(reader.terminate)
    stack.callback(os.close, writing)
    stack.callback(lines.close)
    return lines.write


def _open_osc(stack: ExitStack) -> Write:
    receiver = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind(("127.0.0.1", 0))
    sink = OscSink(OscTarget("127.0.0.1", receiver.getsockname()[1]))
    stack.callback(sink.close)
    return sink.write


def _open_lsl(stack: ExitStack, *, with_actions: bool) -> Write:
    name = f"measured-{uuid4().hex[:8]}"
    sink = LslSink(name, LABELS, with_actions=with_actions)
    stack.callback(sink.close)
    stack.enter_context(start_receiver("lsl", name)).wait_until_ready()
    return sink.write


def _open_page(stack: ExitStack) -> Write:
    """Opens the event stream of a page, with a client that reads it."""
    networks = stack.enter_context(load_shared_networks(RecognitionSettings(), ViewSettings()))
    address = ServeAddress("127.0.0.1", 0)
    sockets = bind_sockets(address)
    camera = PageCamera(refuse=print, note_missed=lambda: None)  # gives no frame here
    feed = SourceFeed(camera)
    stack.callback(feed.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    gate = Gate(address, origins=(), token=None)
    server = PageServer(sockets, gate, Visits(networks, feed, folder, ""))
    stack.callback(server.close)
    place = f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/events"
    stack.enter_context(start_receiver("events", place)).wait_until_ready()
    return lambda result, canvas: feed.take(result)


def _open_records(stack: ExitStack, *, with_actions: bool) -> Write:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    done = threading.Event()
    records = RecordsSink(Path(folder) / "a.jsonl", LABELS, with_actions=with_actions)
    sink = BackgroundSink(ToldSink(records, done))
    stack.callback(sink.close)
    return _wait_after(sink.write, done)


def _open_virtual_camera(stack: ExitStack) -> Write:
    done = threading.Event()

    def open_device(name: str, size_wh: tuple[int, int]) -> PictureDevice:
        return NullDevice(size_wh, done)

    sink = VirtualCameraSink(open_device=open_device)
    stack.callback(sink.close)
    return _wait_after(sink.write, done)


def measure_sinks(result: FrameResult, *, with_actions: bool) -> dict[str, float]:
    """Measures the milliseconds of processor time of each output for a frame, by its name."""
    set_threads()
    figures = {}
    opened: dict[str, Callable[[ExitStack], Write]] = {
        "events": _open_lines,
        "events of the page": _open_page,
        "OSC": _open_osc,
        "LSL": lambda stack: _open_lsl(stack, with_actions=with_actions),
        "records": lambda stack: _open_records(stack, with_actions=with_actions),
        "virtual camera": _open_virtual_camera,
    }
    pause_ms = measure_ms(lambda: None, pause_s=PAUSE_S)
    canvas = result.frame.image
    for name, open_sink in opened.items():
        with ExitStack() as stack:
            write = open_sink(stack)
            ms = measure_ms(lambda: write(result, canvas), pause_s=PAUSE_S)  # noqa: B023 - called here
            figures[name] = ms - pause_ms
    return figures


def main() -> int:
    """Prints a table. Returns the exit code."""
    print(f"{os.cpu_count()} CPUs, {ROUNDS} rounds of {FRAMES} frames")
    for people in PEOPLE:
        for with_actions in (False, True):
            result = make_result(people, with_actions=with_actions)
            figures = measure_sinks(result, with_actions=with_actions)
            figures["all"] = sum(figures.values())
            figures["event alone"] = measure_ms(lambda r=result: encode_event(make_event(r)))  # type: ignore[misc]
            figures["OSC encoding"] = measure_ms(lambda r=result: encode_ourselves(r))  # type: ignore[misc]
            figures["python-osc's encoding"] = measure_ms(
                lambda r=result: encode_with_python_osc(r)  # type: ignore[misc]
            )
            kind = "with actions" if with_actions else "without actions"
            told = ", ".join(f"{name} {ms:.3f}" for name, ms in figures.items())
            print(f"{people} face(s) {kind}, ms: {told}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
