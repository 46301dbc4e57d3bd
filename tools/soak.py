"""Many frames through the real detector, model, outputs and session, as fast as they go, to see
whether anything grows:

python -m tools.soak --frames 100000

A camera stands in that shows the portrait clip in small sizes, one frame for each that was worked
on, so none is left out. It is unplugged every so often, changes its size, and now and then delivers
an empty or a grey picture. Prints memory, queues and threads over time. Exit code 1 when memory
after warm-up grows by more than 5 %, a queue grows, threads are left behind, or frames are missing.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import av
import cv2
import numpy as np

from app.defaults import PORTRAIT_CLIP
from app.detection.search import FaceSearch
from app.episodes.sink import EpisodesSink
from app.live.session import Session
from app.outputs.background import BackgroundSink
from app.outputs.run_metadata import RunNotes
from app.outputs.video import VideoSink
from app.pipeline import build_pipeline
from app.process.console import run_command
from app.process.threads import set_threads
from app.recognition.classifier import Classifier
from app.records.writers import RecordsSink
from app.report.sink import ReportSink
from app.runs.plan import ViewSettings
from app.sources.camera import CameraSource
from app.types import Image, Mode

SIZES_WH = ((160, 90), (240, 135), (320, 180))
EVERY = 2  # frame of the clip
FPS = 30.0
MAX_GROWTH = 0.05
MORE_WAITING = 4  # frames, median, that a queue may be longer in the end


@dataclass(frozen=True, slots=True)
class Sample:
    """`rss_mb`: resident memory; `waiting`: frames in the longest queue."""

    frame: int
    seconds: float
    rss_mb: float
    waiting: int
    threads: int


class ClipCamera:
    """A `cv2.VideoCapture` that shows `pictures` in turn, one for each `go_on()`."""

    def __init__(self, pictures: Sequence[Sequence[Image]], *, resize_every: int, odd_every: int):
        self._pictures = pictures
        self._resize_every, self._odd_every = resize_every, odd_every
        self._next = 0
        self._unplugged = False
        self.over = False
        self._permits = threading.Semaphore(1)

    def go_on(self) -> None:
        self._permits.release()

    def unplug(self) -> None:
        self._unplugged = True

    def now_s(self) -> float:
        """The camera's own time, which frames are stamped with."""
        return self._next / FPS

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def read(self) -> tuple[bool, Image | None]:
        if self._unplugged:
            return False, None
        while not self._permits.acquire(timeout=0.1):
            if self.over:
                return False, None
        self._next += 1
        size = self._pictures[self._next // self._resize_every % len(self._pictures)]
        image = size[self._next % len(size)]
        if self._next % self._odd_every == 0:
            self._permits.release()  # nobody will work on it
            return True, np.zeros((0, 0, 3), np.uint8)
        if self._next % self._odd_every == 1:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        return True, image

    def release(self) -> None:
        self._next += round(5 * FPS)  # it takes a while until it is plugged in again
        self._unplugged = False


class NoScreen:
    def show(self, canvas: Image) -> None:
        pass

    def poll(self, wait_ms: int) -> None:
        return None


def pictures() -> list[list[Image]]:
    """The clip in each of `SIZES_WH`."""
    with av.open(str(PORTRAIT_CLIP)) as container:
        frames = [f.to_ndarray(format="bgr24") for f in container.decode(video=0)][::EVERY]
    return [
        [np.asarray(cv2.resize(f, size, interpolation=cv2.INTER_AREA), np.uint8) for f in frames]
        for size in SIZES_WH
    ]


def rss_mb() -> float:
    """Resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def split_samples(samples: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """The second tenth of the samples, after warm-up, and the last."""
    tenth = max(1, len(samples) // 10)
    return samples[tenth : 2 * tenth] or samples[:1], samples[-tenth:]


def verdict(samples: Sequence[Sample]) -> list[str]:
    """What grew, in a line each; nothing where nothing did. The second tenth of the samples, after
    warm-up, is compared with the last."""
    early, late = split_samples(samples)
    before, after = (median(s.rss_mb for s in part) for part in (early, late))
    grown = []
    if after > before * (1 + MAX_GROWTH):
        share = 100 * (after / before - 1)
        grown.append(f"Memory grew by {share:.1f} % ({after - before:.0f} MB).")
    before, after = (median(s.waiting for s in part) for part in (early, late))
    if after > before + MORE_WAITING:
        grown.append(f"A queue grew from {before:g} to {after:g} frames.")
    before, after = (median(s.threads for s in part) for part in (early, late))
    if after > before:
        grown.append(f"Threads grew from {before:g} to {after:g}.")
    return grown


def all_outputs(
    folder: Path, source: CameraSource, classifier: Classifier
) -> tuple[list[BackgroundSink], list[Any]]:
    """The outputs that are written apart, and all outputs."""
    notes = RunNotes(
        folder / "soak.run.json",
        source=source,
        model=classifier.path,
        contract=classifier.contract,
        provider=classifier.provider,
        settings={},
        interrupted=lambda: False,
        overwrite=True,
    )
    slow: list[Any] = [
        RecordsSink(folder / "soak.jsonl", classifier.labels, overwrite=True),
        EpisodesSink(folder / "soak.csv", overwrite=True),
        ReportSink(folder / "soak.html", facts=notes.describe, with_stills=True, overwrite=True),
        VideoSink(folder / "soak.mp4", overwrite=True),
    ]
    outputs = [BackgroundSink(sink) for sink in slow]
    return outputs, [outputs[0], notes, *outputs[1:]]


def soak(frames: int, *, sample_every: int, gap_every: int, folder: Path | None) -> tuple[Any, ...]:
    """The session's `Outcome`, the source, the outputs and the samples of a run over `frames`.
    `folder` None: without outputs."""
    set_threads()
    camera = ClipCamera(pictures(), resize_every=max(50, frames // 50), odd_every=997)
    samples: list[Sample] = []
    done = 0
    began_s = time.monotonic()
    with ExitStack() as stack:
        classifier = Classifier()
        search = stack.enter_context(FaceSearch())
        pipeline = build_pipeline(search, classifier, Mode.LIVE, with_quality=folder is not None)
        source = stack.enter_context(
            CameraSource(
                open_capture=lambda _: camera,
                clock=camera.now_s,
                delays_s=(0.0,),
                stall_timeout_s=1e9,
            )
        )
        outputs: list[BackgroundSink] = []
        sinks: list[Any] = []
        if folder is not None:
            outputs, sinks = all_outputs(folder, source, classifier)
        for sink in sinks:
            stack.callback(sink.abort)

        def on_frame() -> None:
            nonlocal done
            done += 1
            if done % sample_every == 0 or done == frames:
                waiting = max((sink.waiting for sink in outputs), default=0)
                seconds = time.monotonic() - began_s
                sample = Sample(done, seconds, rss_mb(), waiting, threading.active_count())
                samples.append(sample)
                show(sample)
            camera.over = done >= frames
            if done % gap_every == 0:
                camera.unplug()
            camera.go_on()

        outcome = Session(
            source,
            pipeline,
            sinks=sinks,
            screen=NoScreen(),
            provider=classifier.provider,
            settings=ViewSettings(mirror=True),
            stop=lambda: done >= frames,
            say=lambda _: None,
            on_frame=on_frame,
            clock=camera.now_s,
        ).run()
        outcome = replace(outcome, seconds=time.monotonic() - began_s)
    return outcome, source, outputs, samples


def show(sample: Sample) -> None:
    print(
        f"{sample.frame:>9} frames  {sample.seconds:7.1f} s  "
        f"{sample.frame / sample.seconds:6.1f} frames/s  {sample.rss_mb:7.1f} MB  "
        f"{sample.waiting:3} waiting  {sample.threads:3} threads",
        flush=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.soak",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("--frames", type=int, default=100_000, metavar="N", help="(%(default)s)")
    top.add_argument(
        "--samples", type=int, default=100, metavar="N", help="lines to print (%(default)s)"
    )
    top.add_argument(
        "--gaps", type=int, default=20, metavar="N", help="times it is unplugged (%(default)s)"
    )
    top.add_argument(
        "--no-outputs",
        action="store_true",
        help="write nothing: what is left then holds nothing that ought to grow, while a video's "
        "index, a report's timelines and the like do with what is in them",
    )
    options = top.parse_args(argv)
    if min(options.frames, options.samples, options.gaps) < 1:
        top.error("every number must be at least 1")
    with tempfile.TemporaryDirectory() as folder:
        outcome, source, outputs, samples = soak(
            options.frames,
            sample_every=max(1, options.frames // options.samples),
            gap_every=max(1, options.frames // (options.gaps + 1)),
            folder=None if options.no_outputs else Path(folder),
        )
    dropped = {sink.path.name: sink.dropped for sink in outputs}
    print(
        f"{outcome.frames} frames with {outcome.faces} faces in {outcome.seconds:.1f} s; "
        f"unplugged {len(source.gaps)} times, {source.skipped_count} empty pictures skipped, "
        f"left out by outputs: {dropped}"
    )
    failed = verdict(samples)
    if outcome.frames != options.frames or any(dropped.values()):
        failed.append("Frames are missing.")
    for line in failed or ["Nothing grew."]:
        print(line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run_command(main))
