"""Runs the program with its page for a while, in which visitors and receivers come, go and die:

python -m tools.soak_live --minutes 30

A network camera shows the portrait clip in 1280 x 720 px at 30 frames/s (`tools.film_server`). The
program reads it, writes records, and serves OSC, LSL, a named pipe of events, and its page. In each
cycle, receivers (`tools.live_receivers`) come and leave or are killed, and so do pages that watch,
pages with cameras of their own, one that takes nothing from its line, and one that sends nonsense.
At the end of a cycle nobody is there, and memory and threads are sampled.

Exit code 1 when memory after warm-up grows by more than 5 %, threads are left behind, the records
lack a frame, or a receiver that left politely lacks one of which nobody told it. Linux only.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from uuid import uuid4

from app.defaults import PORTRAIT_CLIP
from app.errors import RecogniserError
from app.process.console import INTERRUPTED, run_command
from tools.film_server import serve_film
from tools.live_receivers import Received, start_receiver
from tools.measure_live import find_free_port
from tools.served_program import ServedProgram, serve_program
from tools.soak import Sample, show, split_samples, verdict
from tools.speed_clips import SpeedClips

CYCLE_S = 60.0
MAX_GAPS = 5  # of a receiver, whose places are printed
SAMPLE_AT = 0.97  # of a cycle


@dataclass(frozen=True, slots=True)
class Visit:
    """One receiver in each cycle: from when to when it is there, in shares of a cycle. One that
    dies is killed at its end; `number` is that of the pages."""

    kind: str
    begins: float
    ends: float
    dies: bool = False
    number: int = 1


VISITS = (
    Visit("events", 0.0, 0.3, dies=True),
    Visit("events", 0.35, 0.8),
    Visit("osc", 0.0, 0.25, dies=True),
    Visit("osc", 0.3, 0.8),
    Visit("lsl", 0.02, 0.3, dies=True),
    Visit("lsl", 0.35, 0.8),
    Visit("pipe", 0.05, 0.3, dies=True),
    Visit("pipe", 0.4, 0.8),
    Visit("pages", 0.05, 0.5, number=3),
    Visit("pages", 0.15, 0.4, dies=True, number=2),
    Visit("pages", 0.55, 0.8, number=4),
    Visit("camera", 0.1, 0.45),
    Visit("camera", 0.5, 0.7, dies=True),
    Visit("stalled", 0.1, 0.5, dies=True),
    Visit("rude", 0.2, 0.35, dies=True),
)


class Guests:
    """Lets receivers come and go, and keeps what goes wrong with them.

    Args:
        places: The place of each kind of receiver, as `tools.live_receivers` takes it.

    Attributes:
        faults: A line for each thing that went wrong.
        visits: The number of visits so far.
        frames: The number of frames that receivers got which left politely.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places
        self._lock = threading.Lock()
        self.faults: list[str] = []
        self.visits = 0
        self.frames = 0

    def run_cycle(self, cycle_s: float) -> None:
        """Carries out one cycle, up to the moment at which everybody has left."""
        began_s = time.monotonic()
        threads = [
            threading.Thread(target=self._visit, args=(visit, began_s, cycle_s), daemon=True)
            for visit in VISITS
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _wait_until(began_s + SAMPLE_AT * cycle_s)

    def _visit(self, visit: Visit, began_s: float, cycle_s: float) -> None:
        _wait_until(began_s + visit.begins * cycle_s)
        try:
            with start_receiver(visit.kind, self._places[visit.kind], visit.number) as receiver:
                if not visit.dies:
                    receiver.wait_until_ready()
                _wait_until(began_s + visit.ends * cycle_s)
                if visit.dies:
                    receiver.kill()
                    faults = list[str]()
                else:
                    received = receiver.finish()
                    faults = list_faults(visit.kind, received)
                    self.frames += received.frames
        except RecogniserError as error:
            faults = [str(error)]
        with self._lock:
            self.visits += 1
            self.faults += faults


def list_faults(kind: str, received: Received) -> list[str]:
    """Lists what a receiver lacks that left politely, in a line each.

    OSC goes over UDP, which may lose datagrams of a receiver that is behind, and pages have the
    newest frame alone.

    >>> list_faults("lsl", Received([(3, 0.1, None), (5, 0.2, None)], 2))
    ['lsl lacks 1 of 3 frames: after 3']
    >>> list_faults("events", Received([(3, 0.1, None), (5, 0.2, None)], 2, missed=1))
    []
    """
    if not received.frames:
        return [f"{kind} received nothing"]
    if kind == "osc" or not received.arrivals:
        return []
    frames = received.arrivals[-1][0] - received.arrivals[0][0] + 1
    lacking = frames - received.frames - received.missed
    if not lacking:
        return []
    gaps = [
        str(before)
        for (before, *_), (after, *_) in pairwise(received.arrivals)
        if after != before + 1
    ]
    where = f": after {', '.join(gaps[:MAX_GAPS])}" if gaps else ""
    return [f"{kind} lacks {lacking} of {frames} frames{where}"]


def find_record_faults(records: Path, notes: Path) -> tuple[int, list[str]]:
    """Finds frames that records lack. Returns the number of frames, and a line for each fault."""
    numbers: list[int] = []
    with records.open(encoding="utf-8") as file:
        for line in file:
            number = int(json.loads(line)["frame"])
            if not numbers or numbers[-1] != number:
                numbers.append(number)
    told = json.loads(notes.read_text(encoding="utf-8"))
    faults = [
        f"The records lack {after - before - 1} frames after frame {before}."
        for before, after in pairwise(numbers)
        if after != before + 1
    ]
    if numbers[:1] != [0]:
        faults.append(f"The records begin with frame {numbers[:1]}.")
    if told["counts"]["frames"] != len(numbers) or told["dropped"]:
        faults.append(f"The notes tell of {told['counts']} and left out {told['dropped']}.")
    return len(numbers), faults


def _wait_until(due_s: float) -> None:
    time.sleep(max(0.0, due_s - time.monotonic()))


def describe_growth(samples: Sequence[Sample]) -> str:
    """Describes memory and threads after warm-up and at the end, as `tools.soak` compares them, and
    the frame rate.

    >>> describe_growth([Sample(30 * s, s, 100 + s / 10, 0, 9) for s in (10, 20, 30)])
    'memory 102.0 MB at 20 s, 103.0 MB at 30 s (+1.0 %), most 103.0 MB; threads 9, 9; 30.0 frames/s'
    """
    early, late = split_samples(samples)
    before_mb, after_mb = (median(one.rss_mb for one in part) for part in (early, late))
    threads = (f"{median(one.threads for one in part):g}" for part in (early, late))
    last = samples[-1]
    return (
        f"memory {before_mb:.1f} MB at {median(one.seconds for one in early):.0f} s, "
        f"{after_mb:.1f} MB at {median(one.seconds for one in late):.0f} s "
        f"({100 * (after_mb / before_mb - 1):+.1f} %), most "
        f"{max(one.rss_mb for one in samples):.1f} MB; threads {', '.join(threads)}; "
        f"{last.frame / last.seconds:.1f} frames/s"
    )


def take_sample(program: ServedProgram, began_s: float) -> Sample:
    """Samples a program from outside. Nothing is known of its queues."""
    return Sample(
        program.count_frames(),
        time.monotonic() - began_s,
        program.measure_memory_mb(),
        0,
        program.count_threads(),
    )


def soak(minutes: float, cycle_s: float, folder: Path, options: Sequence[str]) -> list[str]:
    """Runs everything. Returns a line for each fault."""
    records, pipe = folder / "soak.jsonl", folder / "events"
    os.mkfifo(pipe)
    osc, name = find_free_port(), f"soak-{uuid4().hex[:8]}"
    samples: list[Sample] = []
    film = SpeedClips().make("720p", PORTRAIT_CLIP)
    with (
        serve_film(film) as camera,
        serve_program(
            *("--camera", camera.address, "--no-window", "--device", "cpu"),
            *("--records", str(records), "--events", str(pipe)),
            *("--osc", f"127.0.0.1:{osc}", "--lsl", name, *options),
        ) as program,
    ):
        watch = f"{program.sockets}ws"
        guests = Guests(
            {
                "events": f"{program.sockets}events",
                "osc": str(osc),
                "lsl": name,
                "pipe": str(pipe),
                **dict.fromkeys(("pages", "camera", "stalled", "rude"), watch),
            }
        )
        began_s = time.monotonic()
        while time.monotonic() - began_s < 60 * minutes:
            guests.run_cycle(cycle_s)
            samples.append(take_sample(program, began_s))
            show(samples[-1])
        sent = len(camera.read_times())
        code = program.interrupt()
    frames, faults = find_record_faults(records, records.with_suffix(".run.json"))
    print(
        f"{guests.visits} visits; {guests.frames} frames were received by those that left "
        f"politely; {frames} frames in the records, of {sent} that the camera sent"
    )
    if code != INTERRUPTED:
        faults.append(f"The program ended with {code}: {' '.join(program.said[-1:])}")
    print(describe_growth(samples))
    return [*verdict(samples), *guests.faults, *faults]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs everything and prints a line for each fault. Returns the exit code."""
    command = argparse.ArgumentParser(
        prog="python -m tools.soak_live",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--minutes", type=float, default=30.0, metavar="N", help="(%(default)s)")
    command.add_argument(
        "--cycle", type=float, default=CYCLE_S, metavar="SECONDS", help="of a cycle (%(default)s)"
    )
    command.add_argument("--actions", action="store_true", help="read facial actions, too")
    options = command.parse_args(argv)
    if not (options.minutes > 0 and options.cycle > 0):
        command.error("numbers must be more than 0")
    with tempfile.TemporaryDirectory() as folder:
        more = ["--actions"] if options.actions else []
        faults = soak(options.minutes, options.cycle, Path(folder), more)
    for line in faults or ["Nothing grew, and nothing is missing."]:
        print(line)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(run_command(main))
