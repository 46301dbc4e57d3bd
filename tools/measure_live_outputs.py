"""Measures the processor time that each output for other programs takes for a frame.

python -m tools.measure_live_outputs

The least time of many frames is told, so other work on the machine changes little. Receivers run in
processes of their own. python-osc's time for the same values stands beside our own encoding.
"""

import multiprocessing
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from app.actions.names import COEFFICIENTS
from app.events.event import encode_event, make_event
from app.events.line_sink import LineSink, make_event_lines
from app.events.lsl import LslSink
from app.events.osc import OscSink, list_face_values
from app.events.osc_address import OscTarget
from app.events.osc_packet import encode_bundles, encode_time_tag
from app.outputs.sink import Sink
from app.process.line_pipe import LinePipe
from app.types import Face, FaceActions, FaceQuality, Frame, FrameResult, TrackedFace

LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
FRAMES = 300
ROUNDS = 7
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


def measure_ms(work: Callable[[], object]) -> float:
    """Measures the milliseconds of processor time of one call, in all threads of this process: the
    least mean of `ROUNDS` rounds."""
    means = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for _ in range(FRAMES):
            work()
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


def measure_sinks(result: FrameResult, *, with_actions: bool) -> dict[str, float]:
    """Measures each output by its name."""
    reading, writing = os.pipe()
    reader = multiprocessing.get_context("fork").Process(target=read_all, args=(reading,))
    reader.start()
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    lines = LineSink(
        LinePipe(writing, "a pipe"), make_event_lines(), is_live=False, is_alone=False, say=print
    )
    sinks: dict[str, Sink] = {
        "events": lines,
        "OSC": OscSink(OscTarget("127.0.0.1", receiver.getsockname()[1])),
        "LSL": LslSink("measured", LABELS, with_actions=with_actions),
    }
    canvas = result.frame.image
    figures = {
        name: measure_ms(lambda sink=sink: sink.write(result, canvas))  # type: ignore[misc]
        for name, sink in sinks.items()
    }
    for sink in sinks.values():
        sink.close()
    os.close(writing)
    os.close(reading)
    reader.terminate()
    reader.join()
    receiver.close()
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
