"""Measures how fast the program is on this machine: the real stages on 1280 x 720 pictures, without
a display.

A frame's time counts from the decoded picture to the drawn canvas. The networks are timed where
they run, so that the cost of all other work is known for the same frames. There are three parts:
the start, in processes of their own; the frames of a live stream, as fast as the machine computes
them; and a camera of 30 frames/s, which tells how old a picture is when it has been drawn.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol, TypedDict

import cv2
import numpy as np

from app.actions.reader import ActionReader
from app.defaults import PORTRAIT_CLIP
from app.detection.search import FaceSearch
from app.diagnostics.benchmark_clip import CAMERA_FPS, HEIGHT_PX, WIDTH_PX, ClipCapture, loop_clip
from app.diagnostics.benchmark_figures import BenchmarkFigures, TimeSpread
from app.diagnostics.benchmark_start import StoppedError, measure_start_s
from app.pipeline import Pipeline, build_pipeline
from app.process.machine import describe_machine, measure_resident_mb
from app.process.threads import set_threads
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.recognition.onnx_session import Device
from app.runs.plan import ViewSettings
from app.runs.result_view import ResultView
from app.sources.camera import CameraSource
from app.sources.video import VideoSource
from app.types import Frame, Image, Mode, TrackedFace
from app.wording import format_count

FRAMES = 900  # of the clip
CAMERA_FRAMES = 300
WARM_UP_FRAMES = 30  # not counted: memory is taken, caches are filled
STARTS = 3
ALONE_CALLS = 200  # of each network
ALONE_WARM_UP_CALLS = 10  # not counted


class _SustainedFigures(TypedDict):
    """The part of `BenchmarkFigures` that comes from frames as fast as the machine computes."""

    frames: int
    faces_a_frame: float
    detections_a_frame: float
    readings_a_second: float
    stages: dict[str, TimeSpread]
    cpu_ms: float
    fps: float
    fps_decoding: float
    memory_start_mb: float | None
    memory_end_mb: float | None


class _CameraRun(NamedTuple):
    """What a simulated camera gave: the milliseconds from each capture to the drawn canvas, the
    number of its pictures that were skipped, the seconds of the whole, and the shares of faces, of
    all in all frames, that a detector looked at and that were read."""

    latency_ms: list[float]
    missed: int
    took_s: float
    looked_share: float
    read_share: float


class _TimedNetwork(Protocol):
    @property
    def inference_s(self) -> float: ...


def run_benchmark(
    clip: Path = PORTRAIT_CLIP,
    *,
    model: Path = DEFAULT_MODEL,
    device: Device = "auto",
    far_faces: bool = False,
    max_faces: int | None = None,
    actions: bool = False,
    frames: int = FRAMES,
    camera_frames: int = CAMERA_FRAMES,
    starts: int = STARTS,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda line: None,
) -> BenchmarkFigures | None:
    """Measures all figures.

    Args:
        clip: The video that is measured with.
        model: The classifier's file.
        device: The device of the classifier.
        far_faces: True searches small faces, too.
        max_faces: The most faces that are read in a frame. None: all.
        actions: True reads facial actions, too.
        frames: The number of frames of the clip.
        camera_frames: The number of frames of the camera.
        starts: The number of starts.
        stop: True ends the benchmark.
        say: Gets a line before each part.

    Returns:
        The figures, or None if `stop` ended the benchmark.

    Raises:
        RecogniserError: As the stages do.
    """
    set_threads()
    try:
        start_s = []
        for number in range(starts):
            say(f"start-up, {number + 1} of {starts}")
            start_s.append(measure_start_s(clip, model, device, stop))
        with ExitStack() as stack:
            search = stack.enter_context(FaceSearch(max_faces=max_faces, far_faces=far_faces))
            classifier = Classifier(model, device=device)
            reader = stack.enter_context(ActionReader()) if actions else None
            bench = _Bench(search, classifier, stop, reader)
            say(f"{format_count(frames, 'frame')} as fast as they go")
            run = bench.measure_sustained(clip, frames)
            say(f"{format_count(camera_frames, 'frame')} of a camera of {CAMERA_FPS} a second")
            live = bench.measure_camera(clip, camera_frames)
            alone = bench.measure_alone()
            with VideoSource(clip) as source:
                fitted = source.size_wh != (WIDTH_PX, HEIGHT_PX)
            return BenchmarkFigures(
                clip=clip.name,
                fitted=fitted,
                model=classifier.path.name,
                provider=classifier.provider,
                fallback=classifier.fallback,
                threads=list_threads(classifier),
                machine=describe_machine(),
                latency=TimeSpread.summarise(live.latency_ms) if live.latency_ms else None,
                camera_fps=len(live.latency_ms) / live.took_s if live.took_s else 0.0,
                camera_frames=len(live.latency_ms),
                camera_missed=live.missed,
                camera_looked_share=live.looked_share,
                camera_read_share=live.read_share,
                start_s=start_s,
                alone=alone,
                memory_whole_mb=measure_resident_mb(),
                **run,
            )
    except StoppedError:
        return None


def list_threads(classifier: Classifier) -> dict[str, str]:
    """Maps the name of each library to the number of its threads."""
    return {
        "OpenCV": str(cv2.getNumThreads()),
        "MediaPipe": "1 a network",  # XNNPACK's own choice on desktops; there is no option
        "ONNX Runtime": str(classifier.threads),
    }


class _Bench:
    """The stages as in `run_demo.py`, with a clock between them."""

    def __init__(
        self,
        search: FaceSearch,
        classifier: Classifier,
        stop: Callable[[], bool],
        actions: ActionReader | None,
    ) -> None:
        self._search = search
        self._classifier = classifier
        self._stop = stop
        self._actions = actions
        self._picture: Image | None = None
        self._faces: tuple[TrackedFace, ...] = ()

    def _build_pipeline_and_view(self) -> tuple[Pipeline, ResultView]:
        pipeline = build_pipeline(self._search, self._classifier, Mode.LIVE, actions=self._actions)
        view = ResultView(ViewSettings(), Mode.LIVE)
        return pipeline, view

    def _network_s(self) -> float:
        added_s = 0.0 if self._actions is None else self._actions.inference_s
        return self._search.inference_s + self._classifier.inference_s + added_s

    def measure_sustained(self, clip: Path, frames: int) -> _SustainedFigures:
        """Measures frames one after the other, as fast as the machine computes them. The stages are
        told the times of a camera of `CAMERA_FPS`, or of the frames themselves where these take
        longer. Told the times of faster frames, they would leave out most of the work."""
        pipeline, view = self._build_pipeline_and_view()
        times: dict[str, list[float]] = {}
        faces, detections, readings = 0, 0, 0
        cpu_s = decoding_s = now_s = 0.0
        memory_start_mb: float | None = None
        taken_s: list[float] = []
        pictures = loop_clip(clip)
        with closing(pictures):
            for number in range(-WARM_UP_FRAMES, frames):
                if self._stop():
                    raise StoppedError
                asked_s = time.perf_counter()
                frame = next(pictures)
                network_s, asked = self._network_s(), self._search.inferences
                read = self._classifier.crops_read
                worked_s, began_s = time.process_time(), time.perf_counter()
                result = pipeline.step(replace(frame, time_s=now_s))
                stepped_s = time.perf_counter()
                view.draw(view.add(result))
                ended_s = time.perf_counter()
                now_s += max(ended_s - began_s, 1 / CAMERA_FPS)
                if number < 0:
                    memory_start_mb = measure_resident_mb()
                    continue
                cpu_s += time.process_time() - worked_s
                decoding_s += began_s - asked_s
                detections += self._search.inferences - asked
                readings += self._classifier.crops_read - read
                faces += len(result.faces)
                taken_s.append(now_s)
                whole_ms = 1000 * (ended_s - began_s)
                networks_ms = 1000 * (self._network_s() - network_s)
                now = {
                    **result.stage_ms,
                    "draw": 1000 * (ended_s - stepped_s),
                    "frame": whole_ms,
                    "networks": networks_ms,
                    "rest": whole_ms - networks_ms,
                }
                for stage, taken_ms in now.items():
                    times.setdefault(stage, []).append(taken_ms)
        self._picture, self._faces = frame.image, result.faces
        memory_end_mb = measure_resident_mb()
        whole_s = sum(times["frame"]) / 1000
        return {
            "frames": frames,
            "faces_a_frame": faces / frames,
            "detections_a_frame": detections / frames,
            "readings_a_second": _rate(readings, faces, taken_s),
            "stages": {stage: TimeSpread.summarise(taken_ms) for stage, taken_ms in times.items()},
            "cpu_ms": 1000 * cpu_s / frames,
            "fps": frames / whole_s,
            "fps_decoding": frames / (whole_s + decoding_s),
            "memory_start_mb": memory_start_mb,
            "memory_end_mb": memory_end_mb,
        }

    def measure_camera(self, clip: Path, frames: int) -> _CameraRun:
        """Measures a camera."""
        pipeline, view = self._build_pipeline_and_view()
        latency_ms: list[float] = []
        if not frames:
            return _CameraRun(latency_ms, 0, 0.0, 0.0, 0.0)
        faces = looked = 0
        captures: list[ClipCapture] = []

        def opened(index: int | str) -> ClipCapture:
            captures.append(ClipCapture(clip))
            return captures[-1]

        with CameraSource(open_capture=opened) as camera:
            began_s = time.monotonic()
            for number, frame in enumerate(f for f in camera if isinstance(f, Frame)):
                if self._stop():
                    raise StoppedError
                result = view.add(pipeline.step(frame))
                view.draw(result)
                if number >= WARM_UP_FRAMES:
                    assert frame.captured_s is not None
                    latency_ms.append(1000 * (time.monotonic() - frame.captured_s))
                    faces += len(result.faces)
                    looked += sum(one.face.seen for one in result.faces)
                else:
                    began_s, before = time.monotonic(), captures[0].delivered
                    read_before = self._classifier.crops_read
                if len(latency_ms) == frames:
                    break
            took_s = time.monotonic() - began_s
            missed = max(0, captures[0].delivered - before - frames)
            read = self._classifier.crops_read - read_before
        return _CameraRun(latency_ms, missed, took_s, looked / max(1, faces), read / max(1, faces))

    def measure_alone(self) -> dict[str, TimeSpread]:
        """Times calls of each network alone, on a ready input."""
        assert self._picture is not None
        size = self._classifier.contract.size_px
        crop = np.asarray(cv2.resize(self._picture, (size, size))[None], np.uint8)
        calls: dict[str, tuple[_TimedNetwork, Callable[[], object]]] = {
            "detector, short range": self._search.prepare_look(self._picture, full_range=False),
            "detector, full range": self._search.prepare_look(self._picture, full_range=True),
            "classifier": (self._classifier, lambda: self._classifier.predict(crop)),
        }
        if self._actions is not None and self._faces:
            calls["facial actions"] = self._actions, self._read_actions
        found = {}
        for name, (network, call) in calls.items():
            times_ms = []
            for number in range(-ALONE_WARM_UP_CALLS, ALONE_CALLS):
                if self._stop():
                    raise StoppedError
                before_s = network.inference_s
                call()
                if number >= 0:
                    times_ms.append(1000 * (network.inference_s - before_s))
            found[name] = TimeSpread.summarise(times_ms)
        return found

    def _read_actions(self) -> None:
        assert self._actions is not None
        assert self._picture is not None
        self._actions.read(self._picture, self._faces[0].face)


def _rate(readings: int, faces: int, taken_s: Sequence[float]) -> float:
    """Computes how often each face was read in a second, on average."""
    if not faces or len(taken_s) < 2:
        return 0.0
    fps = (len(taken_s) - 1) / max(taken_s[-1] - taken_s[0], 1e-9)
    return readings / faces * fps
