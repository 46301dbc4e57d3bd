"""What speed costs, and what threads give:

python -m tools.measure_speed newcomers [DATA.npz]
python -m tools.measure_speed turns ten.mp4
python -m tools.measure_speed crowd twenty.mp4
python -m tools.measure_speed threads

`newcomers`: one person sits still, another appears at a random place and time; after how long the
second one is found. `turns`: labels where faces are looked at in turns against every face in every
frame, of one clip (`tools.make_crowd_clip` makes one). `crowd`: how many faces of such a clip are
found, how many numbers they get, and what a frame costs, canvas included. `threads`: the classifier
and the cutting of pictures on one and more threads.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from app.alignment import FACE_TEMPLATE
from app.crops import align_faces
from app.detection.boxes import is_same_place
from app.detection.follower import Follower
from app.detection.known_faces import FEW_LOOKS
from app.detection.network_input import render_view, view_face
from app.detection.networks import MARGIN, SHORT_SIDE_PX
from app.detection.search import FaceSearch
from app.diagnostics.benchmark_clip import loop_clip
from app.errors import DataError
from app.pipeline import Pipeline, build_pipeline
from app.process.telemetry_off import import_onnx_runtime
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.runs.plan import ViewSettings
from app.runs.result_view import ResultView
from app.tracking.tracker import Tracker
from app.types import FrameResult, Mode
from tools.made_frames import background, clip_faces, pack_faces, paste
from training.base.cli import run_entry_point

FPS, WAIT_S, ROUNDS_S = 30, 2.0, (0.5, 1.0, 2.0)
CLASSIFIED = (1, 4, 10)


def newcomers(data: Path | None, trials: int) -> None:
    rng = np.random.default_rng(0)
    pictures = pack_faces(data, 60, rng) if data else clip_faces()
    pictures = [picture for picture in pictures if picture.frontal]
    scenes: list[Any] = []
    with FaceSearch() as search:
        while len(scenes) < trials:
            empty = background(rng).copy()
            one, other = (pictures[int(rng.integers(len(pictures)))] for _ in range(2))
            paste(empty, one, centre_xy=(300, 360), side_px=200, roll=0)
            both = empty.copy()
            side = float(np.exp(rng.uniform(*np.log((70, 250)))))
            place = float(rng.uniform(760, 1080)), float(rng.uniform(200, 520))
            true = paste(both, other, centre_xy=place, side_px=side, roll=0)
            # Only who can be found at all is waited for.
            if any(is_same_place(face, true) for face in search.detect(both)):
                scenes.append((empty, both, true, int(rng.integers(20, 60))))
        for round_s in ROUNDS_S:
            waits_s, spent_s = [], 0.0
            for empty, both, true, comes in scenes:
                follower = Follower(search, search_s=round_s)
                began_s = time.process_time()
                for number in range(comes):
                    follower.find(empty, number / FPS)
                spent_s += (time.process_time() - began_s) / comes
                frames = (n for n in range(int(WAIT_S * FPS)))
                found = next(
                    (
                        n
                        for n in frames
                        if any(
                            is_same_place(face, true)
                            for face in follower.find(both, (comes + n) / FPS)
                        )
                    ),
                    None,
                )
                waits_s.append(WAIT_S if found is None else (found + 1) / FPS)
            print(
                f"a round of {round_s} s: found after {statistics.median(waits_s):.2f} s (median), "
                f"{np.percentile(waits_s, 95):.2f} s (95 %), {max(waits_s):.2f} s (longest); "
                f"{1000 * spent_s / len(scenes):.1f} ms of processor time a frame before",
                flush=True,
            )


def results(
    search: FaceSearch, classifier: Classifier, clip: Path, frames: int, few_looks: int
) -> Iterator[FrameResult]:
    follower = Follower(search, few_looks=few_looks)
    pipeline = Pipeline(search, classifier, tracker=Tracker(), follower=follower)
    for frame, _ in zip(loop_clip(clip), range(frames), strict=False):
        yield pipeline.step(frame)


def turns(clip: Path, frames: int) -> None:
    classifier = Classifier(threads=1)
    told: list[list[FrameResult]] = []
    with FaceSearch() as search:
        for few_looks in (1000, FEW_LOOKS):
            began_s, read = time.process_time(), classifier.crops_read
            told.append(list(results(search, classifier, clip, frames, few_looks)))
            print(
                f"{'every face' if few_looks > FEW_LOOKS else 'in turns'}: "
                f"{1000 * (time.process_time() - began_s) / frames:.1f} ms of processor time a "
                f"frame, {(classifier.crops_read - read) / frames:.1f} faces read a frame",
                flush=True,
            )
    same = pairs = 0
    apart: list[float] = []
    moved: list[float] = []
    for all_looked, in_turns in zip(*told, strict=True):
        for face in all_looked.faces:
            for other in in_turns.faces:
                if is_same_place(face.face, other.face):
                    pairs += 1
                    same += face.label == other.label
                    apart.append(float(np.abs(face.probabilities - other.probabilities).max()))
                    shift = face.face.landmarks[:4] - other.face.landmarks[:4]
                    moved.append(float(np.hypot(*shift.T).mean()) / face.face.width_px)
                    break
    total = sum(len(result.faces) for result in told[0])
    print(
        f"{total} face-frames, {pairs} of them in both; the same label in {same / pairs:.2%}; "
        f"the largest difference of a probability {statistics.median(apart):.3f} (median), "
        f"{np.percentile(apart, 95):.3f} (95 %); landmarks {statistics.median(moved):.2%} of the "
        f"box apart (median), {np.percentile(moved, 95):.2%} (95 %)"
    )


def crowd(clip: Path, frames: int) -> None:
    found: list[int] = []
    numbers: set[int] = set()
    spent_ms: list[float] = []
    classifier = Classifier()
    with FaceSearch() as search:
        pipeline = build_pipeline(search, classifier, Mode.FILE)
        view = ResultView(ViewSettings(), Mode.FILE)
        for number, (frame, _) in enumerate(zip(loop_clip(clip), range(frames), strict=False)):
            began_s = time.process_time()
            shown = view.add(pipeline.step(frame))
            view.draw(shown)
            if number < FPS:  # the first second: they are being found
                continue
            spent_ms.append(1000 * (time.process_time() - began_s))
            found.append(len(shown.faces))
            numbers.update(face.face_id for face in shown.faces)
    print(
        f"faces in a frame, after the first second: {statistics.mean(found):.1f} on average, "
        f"{min(found)} to {max(found)}; {len(numbers)} numbers given in {len(found)} frames; "
        f"{statistics.median(spent_ms):.1f} ms of processor time a frame (median), "
        f"{np.percentile(spent_ms, 95):.1f} ms (95 %)"
    )


def milliseconds(work: Callable[[], object], times: int) -> str:
    taken = []
    began_s = time.process_time()
    for _ in range(times):
        at_s = time.perf_counter()
        work()
        taken.append(time.perf_counter() - at_s)
    cpu_ms = 1000 * (time.process_time() - began_s) / times
    return f"{1000 * statistics.median(taken):8.2f} {1000 * min(taken):8.2f} {cpu_ms:8.2f}"


def threads(times: int) -> None:
    ort = import_onnx_runtime()
    print(f"{'ms':<44}{'median':>8} {'least':>8} {'cpu':>8}")
    for count in (1, 2, 4):
        for spinning in ("0", "1"):
            options = ort.SessionOptions()
            options.intra_op_num_threads = count
            options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
            session = ort.InferenceSession(
                str(DEFAULT_MODEL), options, providers=["CPUExecutionProvider"]
            )
            (value,) = session.get_inputs()
            for crops in CLASSIFIED:
                x = np.zeros((crops, *value.shape[1:]), np.float32)
                waits = "turning in circles" if spinning == "1" else "asleep"
                name = f"ONNX Runtime {count}, waits {waits}, batch {crops}"
                run_once = partial(session.run, None, {value.name: x})
                print(f"{name:<44}{milliseconds(run_once, times)}", flush=True)
    frame = background(np.random.default_rng(0)).copy()
    face = paste(frame, clip_faces()[0], centre_xy=(640, 360), side_px=250, roll=5)
    view = view_face(face, MARGIN, SHORT_SIDE_PX)
    for count in (1, 2):
        cv2.setNumThreads(count)
        for name, work in (
            ("a look's view", lambda: render_view(frame, view, quick=True)),
            ("a look's view, exact", lambda: render_view(frame, view)),
            ("a crop", lambda: align_faces(frame, [face], FACE_TEMPLATE, 48)),
        ):
            print(f"{f'OpenCV {count}, {name}':<44}" + milliseconds(work, times), flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.measure_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = top.add_subparsers(dest="part", required=True, metavar="PART")
    coming = parts.add_parser("newcomers", help="how soon somebody new is found")
    coming.add_argument("data", type=Path, nargs="?", help="the .npz that training.prepare wrote")
    coming.add_argument("--trials", type=int, default=40, metavar="N", help="default: 40")
    turning = parts.add_parser("turns", help="what looking at faces in turns does to labels")
    turning.add_argument("clip", type=Path, help="a video of many faces")
    turning.add_argument("--frames", type=int, default=240, metavar="N", help="default: 240")
    crowded = parts.add_parser("crowd", help="how many faces of a clip are found, at what cost")
    crowded.add_argument("clip", type=Path, help="a video of many faces")
    crowded.add_argument("--frames", type=int, default=170, metavar="N", help="default: 170")
    threading = parts.add_parser("threads", help="what threads give")
    threading.add_argument("--times", type=int, default=200, metavar="N", help="default: 200")
    options = top.parse_args(argv)
    if options.part == "newcomers":
        newcomers(options.data, options.trials)
    elif options.part == "turns":
        turns(options.clip, options.frames)
    elif options.part == "crowd":
        if options.frames <= FPS:
            raise DataError(f"--frames must be more than {FPS}.")
        crowd(options.clip, options.frames)
    else:
        threads(options.times)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
