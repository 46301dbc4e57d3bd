"""Makes the pictures from which a network learns whether a detection is a face.

python -m training.face_check ferplus.npz -o check.npz --photos FOLDER

Frames show faces at known places, pieces of photos pasted in the same way, and rooms or photos
behind them. Each detection of the two looks that `app.detection.search` asks for becomes a picture,
upright about its landmarks, labelled by what the frame really shows there. The pictures, their
places and their errors are therefore those that the search will ask about. A tenth of the faces are
shown once more at a wrong place, to be refused.

Two kinds of pictures are mined for what is hard, if asked for: frames with one face each (--poses),
in which faces turned away come first and those that the detector sees well are mostly left out, and
pictures without a face (--patterns), shuffled faces above all. docs/faces.md has their effect.

Frames of the training split show training faces, those of the validation split validation faces;
every fifth photo is kept for validation. The test split is never opened.
"""

import argparse
from pathlib import Path

from app.errors import DataError
from app.process.machine import count_cores
from app.process.one_line_parser import OneLineParser
from app.wording import format_count
from training.base.cli import run_entry_point
from training.base.licences import DETECTIONS
from training.base.option_types import parse_seed
from training.datasets.digests import hash_data_file
from training.datasets.landmarks import describe_settings
from training.datasets.pack import PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.readers import Split
from training.synthetic.detection_samples import Part, SamplingJob, make_all_samples
from training.synthetic.detections import LABELS, find_photos, list_face_rows

FRAMES = 2000  # of the training split, where --frames is not given
VALID_SHARE = 0.1  # so many pictures more, of each kind, are made of the validation split


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.face_check`."""
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
    top.add_argument(
        "--poses",
        type=int,
        default=0,
        metavar="N",
        help="frames to mine for faces in hard poses as well, such as 6000 (default: none)",
    )
    top.add_argument(
        "--patterns",
        type=int,
        default=0,
        metavar="N",
        help="pictures to mine for patterns without a face as well, such as 800 (default: none)",
    )
    top.add_argument(
        "--seed", type=parse_seed, default=0, metavar="N", help="what is made (default: 0)"
    )
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
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    if options.output.exists():
        raise DataError(f"{options.output} is there already. Choose another -o.")
    if options.frames < 1:
        raise DataError("--frames must be at least 1.")
    if options.poses < 0 or options.patterns < 0:
        raise DataError("--poses and --patterns must not be negative.")
    if options.workers < 1:
        raise DataError("--workers must be at least 1.")
    pack = read_pack(options.data)
    splits: tuple[Split, ...] = ("train", "valid")
    for split in splits:
        if not len(list_face_rows(pack, split)):
            raise DataError(
                f"{options.data} has no face with landmarks in its {split} split, to be shown in "
                "frames. Prepare it again from pictures in which faces are found."
            )
    photos = find_photos(options.photos)
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
            "poses": options.poses,
            "patterns": options.patterns,
            "seed": options.seed,
        },
    )
    kept = set(photos[::5])
    parts: dict[Split, tuple[Path, ...]] = {
        "train": tuple(p for p in photos if p not in kept),
        "valid": tuple(p for p in photos if p in kept),
    }
    wanted: dict[Part, int] = {
        "frames": options.frames,
        "poses": options.poses,
        "patterns": options.patterns,
    }
    counts: dict[Split, dict[Part, int]] = {
        "train": wanted,
        "valid": {
            "frames": max(1, int(options.frames * VALID_SHARE)),
            "poses": int(options.poses * VALID_SHARE),
            "patterns": int(options.patterns * VALID_SHARE),
        },
    }
    work = SamplingJob(options.data, parts, options.seed)
    count = write_pack(options.output, meta, make_all_samples(work, counts, options.workers))
    print(
        f"{options.output}: {format_count(count, 'detection')} in "
        f"{format_count(sum(sum(parts.values()) for parts in counts.values()), 'picture')}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
