"""How many faces are found, how well, at what cost: python -m tools.measure_faces [DATA.npz]

Real faces at known places in made 1280 x 720 frames, from the validation split of DATA or, without
it, from the portrait clip; frames without a face, made ones and parts of real ones; and the cost of
a search and of a face that is followed. A face counts as found when a detection shares its place
(see `app.detection.boxes.is_same_place`); the landmark error is the mean over eyes, nose and mouth,
in eye distances, against what the training's detector sees in the face's own picture.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from app.defaults import PICTURE_SUFFIXES
from app.detection.boxes import is_same_place
from app.detection.follower import Follower
from app.detection.networks import list_glances
from app.detection.search import FaceSearch
from app.errors import DataError, SourceError
from app.pictures.reader import read_picture
from app.types import Face, Image
from tools.made_frames import FacePicture, background, clip_faces, face_frames, pack_faces, paste
from training.base.cli import run_entry_point
from training.base.files import write_text_file

BANDS_PX = ((67, 115), (115, 300), (300, 720))
FAR_BAND_PX = (40, 67)
MAX_ROLL_DEG = 30


def landmark_error(found: Face, true: Face) -> float:
    apart = np.hypot(*(true.landmarks[1] - true.landmarks[0]))
    return float(np.hypot(*(found.landmarks[:4] - true.landmarks[:4]).T).mean() / apart)


def recall(
    search: FaceSearch,
    pictures: Sequence[FacePicture],
    band_px: tuple[float, float],
    count: int,
    real: Sequence[Image],
    seed: int,
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    errors: list[float] = []
    faces = extra = frames = 0
    made = face_frames(
        pictures, count=count, sides_px=band_px, max_roll_deg=MAX_ROLL_DEG, rng=rng, real=real
    )
    for frame, placed in made:
        found = search.detect(frame)
        frames += 1
        faces += len(placed)
        for one in placed:
            errors += [landmark_error(f, one.face) for f in found if is_same_place(f, one.face)][:1]
        extra += sum(not any(is_same_place(f, one.face) for one in placed) for f in found)
    return {
        "box_px": list(band_px),
        "faces": faces,
        "found": len(errors),
        "recall": len(errors) / faces,
        "error_median": statistics.median(errors) if errors else None,
        "error_p90": float(np.percentile(errors, 90)) if errors else None,
        "false_faces": extra,
        "frames": frames,
    }


def false_faces(search: FaceSearch, count: int, real: Sequence[Image], seed: int) -> dict[str, Any]:
    """Every real frame as it is, the rest made."""
    rng = np.random.default_rng(seed)
    whole = real[:count]
    scores = [face.score for image in whole for face in search.detect(image)]
    in_real = len(scores)
    for _ in range(count - len(whole)):
        scores += [face.score for face in search.detect(background(rng, real))]
    return {
        "frames": count,
        "of_them_real": len(whole),
        "false_faces": len(scores),
        "in_real": in_real,
        "scores": sorted((round(score, 2) for score in scores), reverse=True)[:20],
    }


def crowd(search: FaceSearch, pictures: Sequence[FacePicture], seed: int) -> dict[str, int]:
    """20 faces of 100 px in one frame."""
    rng = np.random.default_rng(seed)
    frame = background(rng).copy()
    true = [
        paste(
            frame,
            pictures[int(rng.integers(len(pictures)))],
            centre_xy=(130 + 255 * (i % 5), 90 + 180 * (i // 5)),
            side_px=100,
            roll=float(rng.uniform(-15, 15)),
        )
        for i in range(20)
    ]
    found = search.detect(frame)
    hits = sum(any(is_same_place(f, one) for f in found) for one in true)
    return {"faces": 20, "found": hits, "false_faces": len(found) - hits}


def milliseconds(work: Callable[[], object], times: int) -> dict[str, float]:
    """By the clock, and of the processor: on a busy machine only the latter says much."""
    taken, worked = [], []
    for _ in range(times):
        began_s, cpu_s = time.perf_counter(), time.process_time()
        work()
        taken.append(1000 * (time.perf_counter() - began_s))
        worked.append(1000 * (time.process_time() - cpu_s))
    return {
        "cpu_median": statistics.median(worked),
        "least": min(taken),
        "median": statistics.median(taken),
        "p95": float(np.percentile(taken, 95)),
    }


def cost(search: FaceSearch, pictures: Sequence[FacePicture], seed: int) -> dict[str, Any]:
    """Milliseconds in a 1280 x 720 frame with one face of 250 px."""
    frame = background(np.random.default_rng(seed)).copy()
    for source in pictures:
        attempt = frame.copy()
        paste(attempt, source, centre_xy=(640, 360), side_px=250, roll=0)
        if search.detect(attempt):
            frame = attempt
            break
    (face, *_) = search.detect(frame) or (None,)
    if face is None:
        return {}
    follower = Follower(search)
    clock = iter(range(10**6))
    follower.find(frame, next(clock) / 30)
    plan = list_glances(1280, 720, far_faces=False)
    return {
        "face followed, look": milliseconds(lambda: search.look_again(frame, face), 60),
        "frame of a stream": milliseconds(lambda: follower.find(frame, next(clock) / 30), 120),
        "whole frame, full range": milliseconds(lambda: search.search(frame, plan[:1], [face]), 30),
        "a tile, short range": milliseconds(lambda: search.search(frame, plan[2:3], [face]), 30),
        "full search": milliseconds(lambda: search.detect(frame), 15),
    }


def real_frames(folder: Path | None, names: Sequence[str]) -> list[Image]:
    """All frames of the named videos and pictures in a folder. Raises `DataError`."""
    found: list[Image] = []
    for name in names:
        path = (folder or Path()) / name
        try:
            if path.suffix.lower() in PICTURE_SUFFIXES:
                found.append(read_picture(path))
                continue
            with av.open(str(path)) as container:
                found += [
                    np.asarray(f.to_ndarray(format="bgr24"), np.uint8)
                    for f in container.decode(video=0)
                ]
        except SourceError as cause:
            raise DataError(str(cause)) from cause
        except (OSError, av.error.FFmpegError) as cause:
            raise DataError(f"{path} could not be read: {cause}.") from cause
    return found


def report(name: str, line: dict[str, Any]) -> None:
    told = {k: round(v, 4) if isinstance(v, float) else v for k, v in line.items()}
    print(f"{name}: {json.dumps(told)}", flush=True)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tools.measure_faces", description=__doc__)
    top.add_argument(
        "data",
        type=Path,
        nargs="?",
        help="the .npz that training.prepare wrote; only its "
        "validation split is read (default: the portrait clip's face)",
    )
    top.add_argument("--media", type=Path, metavar="DIR", help="folder of the files named below")
    top.add_argument(
        "--empty-media",
        nargs="*",
        default=[],
        metavar="FILE",
        help="videos or pictures without faces, to be searched and used as backgrounds",
    )
    top.add_argument(
        "--group", metavar="FILE", help="a picture of several people; the count found is said"
    )
    top.add_argument(
        "--faces", type=int, default=300, metavar="N", help="faces for each size (default: 300)"
    )
    top.add_argument(
        "--all-poses", action="store_true", help="faces turned away, too (default: frontal ones)"
    )
    top.add_argument(
        "--empty", type=int, default=1000, metavar="N", help="frames without faces (default: 1000)"
    )
    top.add_argument("--seed", type=int, default=0, metavar="N", help="of what is made (default 0)")
    top.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.faces < 1 or options.empty < 0:
        raise DataError("--faces must be at least 1 and --empty at least 0.")
    real = real_frames(options.media, options.empty_media)
    if options.data is None:
        pictures = clip_faces()
    else:
        pictures = pack_faces(options.data, 2 * options.faces, np.random.default_rng(options.seed))
    if not options.all_poses:
        pictures = [picture for picture in pictures if picture.frontal]
    figures: dict[str, Any] = {}

    def add(name: str, line: dict[str, Any]) -> None:
        figures[name] = line
        report(name, line)

    with FaceSearch() as search, FaceSearch(far_faces=True) as far:
        if options.group:
            for image in real_frames(options.media, [options.group]):
                add("group", {"found": len(search.detect(image))})
        add("crowd", crowd(search, pictures, options.seed))
        add("cost_ms", cost(search, pictures, options.seed))
        for band in BANDS_PX:
            line = recall(search, pictures, band, options.faces, real, options.seed)
            add(f"faces of {band[0]}-{band[1]} px", line)
        line = recall(far, pictures, FAR_BAND_PX, options.faces // 3 + 1, real, options.seed)
        add("far faces", line)
        add("empty", false_faces(search, options.empty, real, options.seed))
    if options.json is not None:
        write_text_file(options.json, json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
