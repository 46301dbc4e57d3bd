"""Measures the live outputs against real receivers, and compares the figures with their aims:

python -m tools.measure_live [PART ...] [--seconds N] [--json FILE] [--aims]

Parts, all of them if none is named:

- latency: a network camera of 1280 x 720 px at 30 frames/s (`tools.film_server`); from the moment
  at which the camera sends a picture to that at which its event is there, of a WebSocket client,
  of python-osc's server and of pylsl's inlet, each in a process of its own;
- browser: the page in Chromium, whose camera plays the portrait clip in 640 x 480 px;
- visitors: the recogniser's frame rate without visitors and with eight that watch, in turn;
- sinks: the processor time of all outputs for a frame (`tools.measure_live_outputs`);
- actions: the processor time of `--actions` for a frame (`tools.measure_actions`), and the frame
  rate of a camera with it.

Programs, receivers and Chromium share the machine. `--aims` gives exit code 1 when an aim is
missed. Linux only.
"""

import argparse
import json
import socket
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

import numpy as np

from app.actions.reader import ActionReader
from app.defaults import PORTRAIT_CLIP
from app.errors import DataError
from app.process.machine import describe_machine
from app.process.threads import set_threads
from tests.support.browser import BROWSER
from tests.support.chromium_page import ChromiumPage, write_camera_film
from tools.film_server import RunningServer, serve_film
from tools.live_receivers import Received, start_receiver
from tools.measure_actions import measure_cost_ms
from tools.measure_live_outputs import make_result, measure_sinks
from tools.served_program import ServedProgram, serve_program
from tools.speed_clips import SpeedClips
from training.base.cli import run_entry_point

WARM_UP_S = 4.0  # of a program that has its first frame
SETTLE_S = 2.0  # after visitors came or went
VISITORS = 8
TURNS = 3  # of each number of visitors
CAMERA = ("--no-window", "--device", "cpu")
# Readings of the page: the moment at which each is shown, that of its picture, and its size.
NOTE_READINGS = """window.readings = [];
document.addEventListener('expression', ({detail}) => { if (detail.sequence !== null)
  window.readings.push([performance.now() / 1000, detail.time_s, detail.size]); });"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value. `aim` is its limit, None for a value that explains another; the limit is
    the least value where `more_is_better`, else the greatest."""

    name: str
    value: float
    unit: str
    aim: float | None = None
    more_is_better: bool = False

    @property
    def is_missed(self) -> bool:
        """True if the aim is missed. A value that is no number misses it."""
        if self.aim is None:
            return False
        return not (self.value >= self.aim if self.more_is_better else self.value <= self.aim)

    def describe_aim(self) -> str:
        """Words the aim.

        >>> Figure("rate", 21.5, "a second", 20, more_is_better=True).describe_aim()
        '>= 20'
        """
        if self.aim is None:
            return ""
        return f"{'>=' if self.more_is_better else '<='} {self.aim:g}"


def find_capture_s(sent_s: Sequence[float], arrived_s: float) -> float | None:
    """Finds when a camera sent the picture that arrived at a moment: the last one before it.

    Args:
        sent_s: The moments of all pictures, in order.
        arrived_s: The moment at which one of them arrived.

    >>> find_capture_s([1.0, 1.5, 2.0], 1.51), find_capture_s([1.0], 0.5)
    (1.5, None)
    """
    place = bisect_right(sent_s, arrived_s)
    return sent_s[place - 1] if place else None


def measure_ages_ms(
    arrivals: Iterable[tuple[int, float, float | None]], captured: Mapping[int, float]
) -> list[float]:
    """Measures how old frames were when they were received, in ms; frames that are not among
    `captured`, which maps their numbers to the moments of capture, do not count.

    >>> measure_ages_ms([(7, 2.5, None), (8, 2.75, None)], {7: 2.25})
    [250.0]
    """
    return [1000 * (at_s - captured[frame]) for frame, at_s, _ in arrivals if frame in captured]


def summarise_latency(
    events: Received, others: Mapping[str, Received], sent_s: Sequence[float], begins_s: float
) -> list[Figure]:
    """Summarises how old frames were when they arrived at each receiver.

    Args:
        events: What the client of the event stream received, with the moments of capture.
        others: What other receivers received, by their names.
        sent_s: The moments at which the camera sent its pictures.
        begins_s: The moment from which on frames count.

    Raises:
        DataError: A receiver got nothing.
    """
    captured = {}
    for frame, _, arrived_s in events.arrivals:
        found_s = None if arrived_s is None else find_capture_s(sent_s, arrived_s)
        if found_s is not None and found_s >= begins_s:
            captured[frame] = found_s
    figures = []
    numbers = range(min(captured, default=0), max(captured, default=0) + 1)
    for name, received in {"WebSocket": events, **others}.items():
        ages = measure_ages_ms(received.arrivals, captured)
        if not ages:
            raise DataError(f"{name} received nothing.")
        p50, p95 = np.percentile(ages, [50, 95])
        left_out = len(set(numbers) - {frame for frame, _, _ in received.arrivals})
        figures += [
            Figure(f"capture to event, {name}, p95", float(p95), "ms", 60),
            Figure(f"capture to event, {name}, p50", float(p50), "ms"),
            Figure(f"frames of {len(numbers)} left out for {name}", left_out, "frames"),
        ]
    return figures


@contextmanager
def serve_camera(film: Path, *options: str) -> Iterator[tuple[ServedProgram, RunningServer]]:
    """Serves a film as that of a network camera, reads it with the program, and waits until frames
    come and networks are warm."""
    with (
        serve_film(film) as camera,
        serve_program("--camera", camera.address, *CAMERA, *options) as program,
    ):
        while not program.count_frames():
            time.sleep(0.1)
        time.sleep(WARM_UP_S)
        yield program, camera


def measure_latency(film: Path, seconds: float) -> list[Figure]:
    """Measures the age of events at three kinds of receivers."""
    name = f"measured-{uuid4().hex[:8]}"
    port = find_free_port()
    options = ("--osc", f"127.0.0.1:{port}", "--lsl", name)
    with ExitStack() as stack:
        osc = stack.enter_context(start_receiver("osc", str(port)))
        osc.wait_until_ready()
        program, camera = stack.enter_context(serve_camera(film, *options))
        lsl = stack.enter_context(start_receiver("lsl", name))
        lsl.wait_until_ready()
        events = stack.enter_context(start_receiver("events", f"{program.sockets}events"))
        events.wait_until_ready()
        time.sleep(SETTLE_S)
        begins_s = time.monotonic()
        time.sleep(seconds)
        sent_s = [due_s for _, due_s in camera.read_times()]
        heard = events.finish()
        others = {"OSC": osc.finish(), "LSL": lsl.finish()}
    return summarise_latency(heard, others, sent_s, begins_s)


def find_free_port() -> int:
    """Finds a UDP port of this machine that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure_browser(film: Path, seconds: float) -> list[Figure]:
    """Measures the page with a browser's own camera. Raises `DataError` without Chromium."""
    if BROWSER is None:
        raise DataError("No Chromium is installed; leave the part browser out.")
    with tempfile.TemporaryDirectory() as scratch, serve_program("--device", "cpu") as program:
        moving = write_camera_film(PORTRAIT_CLIP, Path(scratch) / "camera.mjpeg")
        with ChromiumPage(Path(scratch) / "profile", camera=moving) as page:
            page.set_look(1280, 860)
            page.open(program.address)
            page.wait_for("document.getElementById('link').dataset.state === 'open'")
            page.run(NOTE_READINGS)
            page.click("#from-browser")
            page.wait_for("window.readings.length > 10")
            time.sleep(WARM_UP_S + SETTLE_S)
            page.run("window.readings.length = 0")
            time.sleep(seconds)
            readings = page.run("window.readings")
    took_ms = [1000 * (shown_s - captured_s) for shown_s, captured_s, _ in readings]
    if len(took_ms) < 2:
        raise DataError("The page read nothing.")
    p50, p95 = np.percentile(took_ms, [50, 95])
    rate = (len(readings) - 1) / (readings[-1][0] - readings[0][0])
    return [
        Figure("browser camera, readings", rate, "a second", 20, more_is_better=True),
        Figure("browser camera, picture to reading, p95", float(p95), "ms", 120),
        Figure("browser camera, picture to reading, p50", float(p50), "ms"),
        Figure("browser camera, width of the pictures", median(r[2][0] for r in readings), "px"),
    ]


def measure_visitors(film: Path, seconds: float) -> list[Figure]:
    """Measures the frame rate of a camera, and processor time, without visitors and with many."""
    rates: dict[int, list[float]] = {0: [], VISITORS: []}
    costs_ms: dict[int, list[float]] = {0: [], VISITORS: []}
    shown = []
    with serve_camera(film) as (program, _):
        for _, count in ((turn, count) for turn in range(TURNS) for count in (0, VISITORS)):
            with ExitStack() as stack:
                if count:
                    pages = stack.enter_context(
                        start_receiver("pages", f"{program.sockets}ws", count)
                    )
                    pages.wait_until_ready()
                time.sleep(SETTLE_S)
                rate, cost_ms = measure_rate(program, seconds)
                rates[count].append(rate)
                costs_ms[count].append(cost_ms)
                if count:
                    seen = pages.finish()
                    shown.append(seen.frames / (seen.frames + seen.missed))
    before, after = median(rates[0]), median(rates[VISITORS])
    more_ms = median(costs_ms[VISITORS]) - median(costs_ms[0])
    return [
        Figure(
            f"fall of the frame rate with {VISITORS} visitors", 100 * (1 - after / before), "%", 10
        ),
        Figure("frame rate without visitors", before, "frames/s"),
        Figure(f"frame rate with {VISITORS} visitors", after, "frames/s"),
        Figure(f"processor time of {VISITORS} visitors", more_ms, "ms a frame"),
        Figure(f"frames that {VISITORS} visitors were shown", 100 * median(shown), "%"),
    ]


def measure_rate(program: ServedProgram, seconds: float) -> tuple[float, float]:
    """Measures frames a second and processor milliseconds a frame of a program."""
    before, before_s, began_s = (
        program.count_frames(),
        program.measure_processor_s(),
        time.monotonic(),
    )
    time.sleep(seconds)
    frames = program.count_frames() - before
    spent_s, took_s = program.measure_processor_s() - before_s, time.monotonic() - began_s
    return frames / took_s, 1000 * spent_s / max(1, frames)


def measure_outputs(film: Path, seconds: float) -> list[Figure]:
    """Measures the processor time of all outputs for other programs, of a frame with one face."""
    found = measure_sinks(make_result(1, with_actions=False), with_actions=False)
    return [
        Figure("all sinks together", sum(found.values()), "ms a frame", 1.0),
        *(Figure(f"sink: {name}", ms, "ms a frame") for name, ms in found.items()),
    ]


def measure_action_cost(film: Path, seconds: float) -> list[Figure]:
    """Measures the processor time of facial actions, and the frame rate of a camera with them."""
    set_threads()
    with ActionReader() as reader:
        cost = measure_cost_ms(round(30 * seconds), reader)
    with serve_camera(film, "--actions") as (program, _):
        rate, _ = measure_rate(program, seconds)
    return [
        Figure("--actions, one face", cost["more_ms_median"], "ms a frame", 7),
        Figure("--actions, a reading by itself, p10", cost["reading_ms_p10"], "ms"),
        # A tenth of a frame in a second is the blur of the window's edges.
        Figure("--actions, frame rate", rate, "frames/s", 29.9, more_is_better=True),
    ]


PARTS: dict[str, Callable[[Path, float], list[Figure]]] = {
    "latency": measure_latency,
    "browser": measure_browser,
    "visitors": measure_visitors,
    "sinks": measure_outputs,
    "actions": measure_action_cost,
}


def format_table(figures: Sequence[Figure]) -> str:
    """Formats the figures as a Markdown table.

    >>> print(format_table([Figure("age", 61.25, "ms", 60.0), Figure("more", 2.0, "ms")]))
    | figure | measured | aim |
    |---|---|---|
    | age | 61.25 ms | <= 60: missed |
    | more | 2.00 ms |  |
    """
    lines = ["| figure | measured | aim |", "|---|---|---|"]
    for one in figures:
        missed = ": missed" if one.is_missed else ""
        lines.append(f"| {one.name} | {one.value:.2f} {one.unit} | {one.describe_aim()}{missed} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints a table. Returns the exit code."""
    command = argparse.ArgumentParser(
        prog="python -m tools.measure_live",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    command.add_argument(
        "--seconds", type=float, default=15.0, metavar="N", help="of each run (default: 15)"
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    command.add_argument("--aims", action="store_true", help="exit code 1 when an aim is missed")
    options = command.parse_args(argv)
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        command.error(f"no part {unknown[0]}: {', '.join(PARTS)}")
    if not options.seconds > 0:
        command.error("--seconds must be more than 0")
    machine = describe_machine()
    film = SpeedClips().make("720p", PORTRAIT_CLIP)
    figures: list[Figure] = []
    for part in options.parts or PARTS:
        print(f"{part} ...", file=sys.stderr, flush=True)
        figures += PARTS[part](film, options.seconds)
    print(f"{machine}; {options.seconds:g} s a run\n\n{format_table(figures)}")
    if options.json is not None:
        told = {"machine": machine, "figures": [asdict(one) for one in figures]}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 1 if options.aims and any(one.is_missed for one in figures) else 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
