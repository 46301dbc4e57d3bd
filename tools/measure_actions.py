"""Measures facial actions: their cost, and their errors where the truth is made:

python -m tools.measure_actions [--frames N] [--json FILE] [--still FILE ...]

The cost is processor time of all threads, on the portrait clip in 1280 x 720 as a live stream of 30
frames/s: the same frames go through a pipeline with facial actions and through one without them in
turn, in blocks, and the median difference counts. Each reading is timed by itself, too; of these
times the tenth percentile is that of a quiet machine, because other work only adds to them. So are
the parts of a reading, what a coarser crop changes, and what a face would lose that looks still and
kept its actions for a frame. The truth comes from rendered heads
(`tools.measure_poses`) and from a mirrored picture.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import fmean, median
from typing import TypeVar

import cv2
import numpy as np

from app.actions.head_pose import measure_head_pose
from app.actions.landmarker import Landmarker
from app.actions.reader import CROP_PX, MARGINS, ActionReader, map_back, place_crop
from app.actions.rigid_points import RIGID_POINTS
from app.crops import warp
from app.defaults import PORTRAIT_CLIP
from app.detection.search import FaceSearch
from app.diagnostics.benchmark_clip import CAMERA_FPS, loop_clip
from app.pipeline import Pipeline, build_pipeline
from app.process.machine import describe_machine
from app.process.threads import set_threads
from app.recognition.classifier import Classifier
from app.types import Face, FaceActions, Frame, Image, Mode
from tools.measure_poses import SIZE_WH, measure_pose_errors, read_photo

T = TypeVar("T")
BLOCK_FRAMES = 30  # of one pipeline, before the other has its turn
# As a camera lets the program wait after each frame. ONNX Runtime's threads go on spinning for a
# moment after a reading, which counts in both runs only if they are given this time.
REST_S = 0.01
WARM_UP_BLOCKS = 1  # of each, not counted
PARTS_FRAMES = 60  # of the clip, every fourth one, for the parts of a reading
SMALLER_PX = (192, 256)  # sides of crops that are tried besides
STILL_FRAMES = 200  # of the clip, in which the stillest ones are looked for
SHIFT_PX = (2.0, 1.0)  # of a crop, whose change stands beside that of a coarser one


class TimedReader:
    """Reads facial actions, and notes the processor time in ms that each reading takes."""

    def __init__(self, reader: ActionReader) -> None:
        self._reader = reader
        self.taken_ms: list[float] = []

    def read(self, image: Image, face: Face) -> FaceActions | None:
        """Reads a face, as `ActionReader.read` does."""
        began_s = time.process_time()
        found = self._reader.read(image, face)
        self.taken_ms.append(1000 * (time.process_time() - began_s))
        return found


def measure_cost_ms(frames: int, reader: ActionReader) -> dict[str, float]:
    """Measures the processor time a frame in ms with and without facial actions, of frames with one
    face or more."""
    timed = TimedReader(reader)
    with FaceSearch() as first, FaceSearch() as second, closing(loop_clip(PORTRAIT_CLIP)) as clip:
        classifier = Classifier(device="cpu")
        pipelines: dict[str, tuple[Pipeline, list[float]]] = {
            "without": (build_pipeline(first, classifier, Mode.LIVE), []),
            "with": (build_pipeline(second, classifier, Mode.LIVE, actions=timed), []),
        }
        faces = counted = 0
        for number, block in enumerate(_cut_blocks(clip, frames)):
            for name, (pipeline, taken) in pipelines.items():
                began_s = time.process_time()
                results = []
                for frame in block:
                    results.append(pipeline.step(frame))
                    time.sleep(REST_S)
                taken_ms = 1000 * (time.process_time() - began_s) / len(block)
                if number >= WARM_UP_BLOCKS:
                    taken.append(taken_ms)
                    if name == "with":
                        faces += sum(len(one.faces) for one in results)
                        counted += len(results)
    without, added = (taken for _, taken in pipelines.values())
    more_ms = [b - a for a, b in zip(without, added, strict=True)]
    return {
        "without_ms": median(without),
        "with_ms": median(added),
        "more_ms_median": median(more_ms),
        "reading_ms_p10": float(np.percentile(timed.taken_ms, 10)),
        "reading_ms_median": median(timed.taken_ms),
        "faces_a_frame": faces / counted,
        "frames": counted,
    }


def _cut_blocks(clip: Iterator[Frame], frames: int) -> Iterator[list[Frame]]:
    for number in range(WARM_UP_BLOCKS + max(1, frames // BLOCK_FRAMES)):
        begin = number * BLOCK_FRAMES
        yield [
            replace(next(clip), index=n, time_s=n / CAMERA_FPS)
            for n in range(begin, begin + BLOCK_FRAMES)
        ]


def measure_parts(search: FaceSearch) -> dict[str, dict[str, float]]:
    """Measures the parts of a reading.

    Returns:
        `ms_p10`: the tenth percentile of processor time in ms. `coefficient_changes`: by how much
        the coefficients of a crop with four samples a pixel differ on average from those of the
        usual crop, and from those of a crop that is shifted by `SHIFT_PX`.
    """
    taken: dict[str, list[float]] = defaultdict(list)
    changes: dict[str, list[float]] = defaultdict(list)

    def clock(name: str, work: Callable[[], T]) -> T:
        began_s = time.process_time()
        result = work()
        taken[name].append(1000 * (time.process_time() - began_s))
        return result

    with Landmarker() as landmarker, closing(loop_clip(PORTRAIT_CLIP)) as clip:
        for frame in islice(clip, 0, 4 * PARTS_FRAMES, 4):
            time.sleep(REST_S)
            for face in search.detect(frame.image)[:1]:
                image, matrix = frame.image, place_crop(face, MARGINS[0])
                warp(image, matrix, CROP_PX)  # so that the picture is in the cache for both
                crop = clock("crop", lambda: warp(image, matrix, CROP_PX, is_quick=True))  # noqa: B023
                fine = clock("crop, four samples", lambda: warp(image, matrix, CROP_PX))  # noqa: B023
                mesh = clock("network", lambda: landmarker.read(crop))  # noqa: B023
                for side in SMALLER_PX:
                    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
                    clock(f"network, {side} px", lambda: landmarker.read(np.asarray(small)))  # noqa: B023
                empty = np.zeros_like(crop)
                clock("network, no face", lambda: landmarker.read(empty))  # noqa: B023
                shifted = matrix + np.array([[0, 0, SHIFT_PX[0]], [0, 0, SHIFT_PX[1]]])
                others = {
                    "usual crop": mesh,
                    "shifted": landmarker.read(warp(image, shifted, CROP_PX)),
                }
                meant = landmarker.read(fine)
                if mesh is None or meant is None:
                    continue
                for name, other in others.items():
                    if other is not None:
                        difference = np.abs(other.coefficients - meant.coefficients)
                        changes[name].append(float(difference.mean()))
                places = map_back(mesh.points, matrix)[list(RIGID_POINTS)]
                clock("pose", lambda: measure_head_pose(places, SIZE_WH))  # noqa: B023
    return {
        "ms_p10": {name: float(np.percentile(times, 10)) for name, times in taken.items()},
        "coefficient_changes": {name: fmean(values) for name, values in changes.items()},
    }


def measure_still_frames(search: FaceSearch, clip: Path) -> dict[str, float]:
    """Measures whether a face that looks still could keep its actions for a frame.

    Returns:
        The `correlation` of the greatest difference of two crops that follow each other, by places
        of a twentieth of the crop, with the greatest change of a coefficient; and of the stillest
        third of the frames, and of `all`, the median and the greatest `change`.
    """
    differences: list[float] = []
    changes: list[float] = []
    film, before = cv2.VideoCapture(str(clip)), None
    with Landmarker() as landmarker:
        for _ in range(STILL_FRAMES):
            is_read, image = film.read()
            face = next(iter(search.detect(np.asarray(image, np.uint8))), None) if is_read else None
            if face is None:
                before = None
                continue
            crop = warp(np.asarray(image, np.uint8), place_crop(face, MARGINS[0]), CROP_PX)
            mesh = landmarker.read(crop)
            grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (80, 80)).astype(np.float32)
            inner = grey[20:60, 20:60]  # where the face is
            if before is not None and mesh is not None:
                blurred = cv2.blur(np.abs(inner - before[0]), (4, 4))
                differences.append(float(blurred.max() / max(8.0, inner.std())))
                changes.append(float(np.abs(mesh.coefficients - before[1]).max()))
            before = None if mesh is None else (inner, mesh.coefficients)
    still = np.array(changes)[np.array(differences) <= np.percentile(differences, 100 / 3)]
    return {
        "correlation": float(np.corrcoef(differences, changes)[0, 1]),
        "change_median": float(np.median(still)),
        "change_greatest": float(still.max()),
        "all_change_median": float(np.median(changes)),
        "all_change_greatest": float(max(changes)),
    }


def measure_mirror_differences(
    reader: ActionReader, search: FaceSearch, portrait: Image
) -> dict[str, float]:
    """Measures the sum of yaw and of roll in a picture and in its mirror image, which is 0 for a
    perfect reader, and the greatest difference of a coefficient without a side."""
    mirrored = np.ascontiguousarray(portrait[:, ::-1])
    one, other = (reader.read(image, search.detect(image)[0]) for image in (portrait, mirrored))
    assert one is not None
    assert other is not None
    swapped = {
        name.replace("Left", "?").replace("Right", "Left").replace("?", "Right"): value
        for name, value in other.coefficients.items()
    }
    return {
        "yaw_deg": one.head_yaw_deg + other.head_yaw_deg,
        "roll_deg": one.head_roll_deg + other.head_roll_deg,
        "coefficient": max(abs(swapped[name] - one.coefficients[name]) for name in swapped),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints everything."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--frames", type=int, default=600, help="for the cost (default: 600)")
    command.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    command.add_argument(
        "--still",
        type=Path,
        nargs="+",
        metavar="FILE",
        default=[PORTRAIT_CLIP],
        help="videos in which still frames are looked for (default: the portrait clip)",
    )
    options = command.parse_args(argv)
    set_threads()
    with ActionReader() as reader, FaceSearch() as search:
        portrait, points, _ = read_photo(search, PORTRAIT_CLIP)
        figures = {
            "machine": describe_machine(),
            "cost": measure_cost_ms(options.frames, reader),
            "parts": measure_parts(search),
            "pose": measure_pose_errors(search, portrait, points),
            "still": {str(clip): measure_still_frames(search, clip) for clip in options.still},
            "mirror": measure_mirror_differences(reader, search, portrait),
        }
    print(json.dumps(figures, indent=2, ensure_ascii=False))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
