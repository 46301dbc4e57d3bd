"""Where a frame's time goes beside the networks: python -m tools.measure_rest [CLIP]

The real stages on the portrait clip in 1280 x 720, as in the benchmark, with a clock in every part.
What a part asks of another one is not counted as its own. Printed are milliseconds a frame: the
median and the mean over all frames, and how often a part was asked for. The clocks themselves cost
about a microsecond a call.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import Any

import app.detection.follower
import app.detection.networks
import app.overlay.drawing
import app.overlay.labels
import app.overlay.panels
import app.reading.face_reader
import app.reading.result_maker
import app.recognition.classifier
import app.runs.result_view
import app.tracking.identities
from app.defaults import PORTRAIT_CLIP
from app.detection.follower import Follower
from app.detection.mediapipe_detector import Detector
from app.detection.network_input import NetworkView as Sight
from app.detection.refused_hints import RefusedHints
from app.detection.search import FaceSearch
from app.detection.view_schedule import ViewSchedule
from app.diagnostics.benchmark_clip import loop_clip
from app.overlay.drawing import Drawing
from app.overlay.history import History
from app.pipeline import Pipeline, build_pipeline
from app.placement.memory import PlacementMemory
from app.privacy.blur import FaceBlur
from app.process.threads import set_threads
from app.reading.result_maker import ResultMaker
from app.recognition.classifier import Classifier
from app.runs.plan import ViewSettings
from app.runs.result_view import ResultView
from app.tracking.smoothing import ReadingSmoother
from app.tracking.tracker import Tracker
from app.types import Mode
from training.base.cli import run_entry_point

WARM_UP_FRAMES = 30
NETWORKS = "the networks"
PARTS: tuple[tuple[str, Any, str], ...] = (
    ("a picture for a detector", app.detection.networks, "render_view"),
    ("colours, and what a detector found", Detector, "detect"),
    ("faces from a view to the frame", Sight, "face_to_frame"),
    ("the view of a known face", app.detection.networks, "view_face"),
    ("which view is next", ViewSchedule, "choose_views"),
    ("places refused before", RefusedHints, "find_unchanged"),
    ("places refused before", RefusedHints, "remember"),
    ("list of all views", app.detection.follower, "list_glances"),
    ("following", Follower, "find"),
    ("following", FaceSearch, "search"),
    ("following", FaceSearch, "look_again"),
    ("a face's crop", app.reading.face_reader, "align_faces"),
    ("a crop's normalisation", app.recognition.classifier, "normalise"),
    ("reading", Classifier, "predict"),
    ("who is who", app.tracking.identities.Identities, "update"),
    ("steady readings", ReadingSmoother, "update"),
    ("steady readings", Tracker, "update"),
    ("why unsure", app.reading.result_maker, "measure_quality"),
    ("why unsure", ResultMaker, "_find_reasons"),
    ("results", Pipeline, "step"),
    ("history, blur", History, "add"),
    ("history, blur", FaceBlur, "add_frame"),
    ("history, blur", ResultView, "add"),
    ("texts", app.overlay.labels, "put_text"),
    ("texts", app.overlay.panels, "put_text"),
    ("dark grounds", app.overlay.labels, "darken_rect"),
    ("dark grounds", app.overlay.panels, "darken_rect"),
    ("what is drawn, and where", app.runs.result_view, "plan_drawing"),
    ("frames and lines around faces", Drawing, "paint"),
    ("what is to be placed", app.overlay.drawing, "describe_scene"),
    ("places of labels and panels", PlacementMemory, "place"),
    ("panels", app.overlay.drawing, "draw_panel"),
    ("strip of ten seconds", app.overlay.panels, "_draw_strip"),
    ("labels", app.overlay.drawing, "draw_label"),
    ("the canvas, a copy of the frame", Drawing, "make_canvas"),
    ("the canvas, a copy of the frame", ResultView, "draw"),
)


class Clocks:
    """Own seconds, and calls, of every part in one frame after the other."""

    def __init__(self) -> None:
        self.own_s: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._within_s: list[float] = []  # what the parts that run just now have asked of others

    def add(self, name: str, seconds: float) -> None:
        """Time of `name` that was spent within another part."""
        self.own_s[name] += seconds
        if self._within_s:
            self._within_s[-1] += seconds

    def clocked(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def timed(*values: Any, **named: Any) -> Any:
            self._within_s.append(0.0)
            began_s = time.perf_counter()
            try:
                return work(*values, **named)
            finally:
                took_s = time.perf_counter() - began_s
                self.own_s[name] += took_s - self._within_s.pop()
                self.calls[name] += 1
                if self._within_s:
                    self._within_s[-1] += took_s

        return timed

    def networks(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """A method of an object with `inference_s`, whose growth is the networks' own."""

        @wraps(work)
        def timed(of: Any, *values: Any, **named: Any) -> Any:
            before_s = of.inference_s
            try:
                return work(of, *values, **named)
            finally:
                self.add(NETWORKS, of.inference_s - before_s)

        return timed


def measure(clip: Path, frames: int) -> dict[str, tuple[list[float], int]]:
    """Of each part: own milliseconds in each of `frames`, and calls in all."""
    set_threads()
    clocks = Clocks()
    networks: tuple[tuple[type, str], ...] = ((Detector, "detect"), (Classifier, "predict"))
    for owner, attribute in networks:
        setattr(owner, attribute, clocks.networks(getattr(owner, attribute)))
    for name, owner, attribute in PARTS:
        setattr(owner, attribute, clocks.clocked(name, getattr(owner, attribute)))
    names = [NETWORKS, *dict.fromkeys(name for name, _, _ in PARTS)]
    found: dict[str, tuple[list[float], int]] = {name: ([], 0) for name in names}
    with FaceSearch() as search, closing(loop_clip(clip)) as pictures:
        classifier = Classifier()
        pipeline = build_pipeline(search, classifier, Mode.FILE)
        view = ResultView(ViewSettings(), Mode.FILE)
        for number in range(-WARM_UP_FRAMES, frames):
            frame = next(pictures)
            clocks.own_s.clear()
            clocks.calls.clear()
            view.draw(view.add(pipeline.step(frame)))
            if number < 0:
                continue
            for name in names:
                times_ms, calls = found[name]
                times_ms.append(1000 * clocks.own_s[name])
                found[name] = times_ms, calls + clocks.calls[name]
    return found


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m tools.measure_rest", description=__doc__)
    top.add_argument(
        "clip", type=Path, nargs="?", default=PORTRAIT_CLIP, help="default: the portrait clip"
    )
    top.add_argument("--frames", type=int, default=300, metavar="N", help="default: 300")
    options = top.parse_args(argv)
    if options.frames < 1:
        top.error("--frames must be at least 1")
    found = measure(options.clip, options.frames)
    rest = [times_ms for name, (times_ms, _) in found.items() if name != NETWORKS]
    rest_ms = [sum(row) for row in zip(*rest, strict=True)]
    print(f"{'ms a frame':<40}{'p50':>8}{'mean':>8}{'calls':>8}")
    for name, (times_ms, calls) in found.items():
        print(
            f"{name:<40}{statistics.median(times_ms):>8.3f}{statistics.fmean(times_ms):>8.3f}"
            f"{calls / options.frames:>8.2f}"
        )
    print(
        f"{'all but the networks':<40}{statistics.median(rest_ms):>8.3f}"
        f"{statistics.fmean(rest_ms):>8.3f}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
