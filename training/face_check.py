"""What the detector takes for faces, and whether it is right, to learn the last word on it from:

python -m training.face_check ferplus.npz -o check.npz --photos FOLDER

Frames are made of faces at known places, pieces of photos set in the same way, and rooms or photos
behind them. What each of two looks of the detector takes for a face, as `app.detection.search` asks
for them, becomes a picture upright about its landmarks, labelled by what really is there. So the
pictures, their places and their errors are those that the search will ask about. A tenth of the
faces are shown once more at a wrong place, to be refused.

Training pictures become training pictures, validation ones validation ones; of the photos every
fifth is kept for validation. The test split is never opened.
"""

import argparse
from pathlib import Path

from app.errors import DataError
from app.process.machine import count_cores
from app.process.one_line_parser import OneLineParser
from app.wording import format_count
from training.base.cli import run_entry_point
from training.base.licences import DETECTIONS
from training.datasets.digests import hash_data_file
from training.datasets.landmarks import describe_settings
from training.datasets.pack import PackMeta, read_pack, write_pack
from training.datasets.readers import Split
from training.synthetic.detection_samples import SamplingJob, all_samples
from training.synthetic.detections import LABELS, photos_in

FRAMES, VALID_FRAMES = 2000, 400


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="python -m training.face_check",
        description="Make the pictures from which a network learns whether a detection is a face.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("-o", "--output", type=Path, required=True, help="the .npz to write")
    top.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="photos without a face, to stand behind faces and to be taken for some",
    )
    top.add_argument("--frames", type=int, default=FRAMES, help=f"frames (default: {FRAMES})")
    top.add_argument("--seed", type=int, default=0, metavar="N", help="what is made (default: 0)")
    top.add_argument(
        "--workers",
        type=int,
        default=count_cores(),
        metavar="N",
        help="processes that share the work, which makes no difference to what is made (default: "
        "as many as there are processors: %(default)s)",
    )
    return top


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.output.exists():
        raise DataError(f"{options.output} is there already. Choose another -o.")
    if options.frames < 1:
        raise DataError("--frames must be at least 1.")
    if options.workers < 1:
        raise DataError("--workers must be at least 1.")
    pack = read_pack(options.data)
    photos = photos_in(options.photos)
    if options.photos and len(photos) < 2:
        raise DataError("--photos: fewer than two photos of 240 px or more were found there.")
    meta = PackMeta(
        dataset=pack.meta.dataset + DETECTIONS,
        protocol="single",
        labels=LABELS,
        vote_names=LABELS,
        made_from=describe_settings()
        | {
            "faces": pack.meta.key,
            "photos": [hash_data_file(path) for path in photos],
            "frames": options.frames,
            "seed": options.seed,
        },
    )
    kept = set(photos[::5])
    parts: dict[Split, tuple[Path, ...]] = {
        "train": tuple(p for p in photos if p not in kept),
        "valid": tuple(p for p in photos if p in kept),
    }
    counts: dict[Split, int] = {
        "train": options.frames,
        "valid": max(1, options.frames * VALID_FRAMES // FRAMES),
    }

    work = SamplingJob(options.data, parts, options.seed)
    count = write_pack(options.output, meta, all_samples(work, counts, options.workers))
    print(
        f"{options.output}: {format_count(count, 'detection')} in "
        f"{format_count(sum(counts.values()), 'frame')}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
