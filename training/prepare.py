"""Makes the portable training file: finds each face once and keeps its landmarks.

python -m training.prepare ferplus --fer2013 fer2013.csv --ferplus fer2013new.csv -o ferplus.npz
python -m training.prepare rafdb RAF-DB/basic -o raf.npz
python -m training.prepare affectnet AffectNet --classes 8 -o affectnet.npz
python -m training.prepare folder PICTURES -o mine.npz
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.detection.mediapipe_detector import Detector
from app.errors import DataError
from app.process.one_line_parser import OneLineParser
from app.wording import format_count
from training.base.cli import run_entry_point
from training.base.option_types import parse_inner_share, parse_share
from training.base.progress import track_progress
from training.datasets.affectnet import list_affectnet
from training.datasets.landmarks import MIN_SCORE
from training.datasets.listed import (
    MAX_UNREADABLE,
    VALIDATION_SHARE,
    read_samples,
)
from training.datasets.pack import PackedSample
from training.datasets.pack_writer import write_pack
from training.datasets.packing import (
    OpenedSet,
    describe_ferplus,
    describe_listed,
    is_up_to_date,
    pack_sample,
)
from training.datasets.rafdb import list_rafdb
from training.datasets.readers import (
    read_ferplus,
)
from training.own_pictures.given_split import read_split_folder

MAX_SKIPPED_LINES = 20


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `python -m training.prepare`."""
    top = OneLineParser(
        prog="python -m training.prepare",
        description="Find the faces of a data set once and write one portable training file.",
    )
    kinds = top.add_subparsers(dest="kind", required=True, metavar="ferplus|rafdb|affectnet|folder")
    fer = kinds.add_parser("ferplus", help="Kaggle's fer2013.csv with FER+'s votes")
    fer.add_argument("--fer2013", type=Path, required=True, help="Kaggle's fer2013.csv")
    fer.add_argument("--ferplus", type=Path, required=True, help="FER+'s fer2013new.csv")
    raf = kinds.add_parser("rafdb", help="RAF-DB's basic set, seven labels")
    raf.add_argument("root", type=Path, help="the folder that holds EmoLabel/ and Image/")
    raf.add_argument(
        "--images",
        choices=("aligned", "original"),
        default="aligned",
        help="Image/aligned, the authors' face crops, or Image/original, whole photos, of which "
        "the largest, most central face is taken (default: aligned)",
    )
    affect = kinds.add_parser("affectnet", help="AffectNet's manually annotated pictures")
    affect.add_argument(
        "root",
        type=Path,
        help="the folder that holds training.csv, validation.csv (the test split here, as papers "
        "report on it) and Manually_Annotated_Images/",
    )
    affect.add_argument(
        "--classes",
        type=int,
        choices=(7, 8),
        required=True,
        help="8 with contempt, 7 without; none, uncertain and no-face are always left out",
    )
    for kind in (raf, affect):
        kind.add_argument(
            "--validation-share",
            type=parse_inner_share,
            default=VALIDATION_SHARE,
            metavar="X",
            help="share of each label's training pictures that becomes the validation split, drawn "
            f"by a fixed seed (default: {VALIDATION_SHARE})",
        )
    folder = kinds.add_parser("folder", help="pictures in train/<label>/… and valid/<label>/…")
    folder.add_argument("root", type=Path, help="the folder that holds train/ and valid/")
    for kind in (raf, affect, folder):
        kind.add_argument(
            "--max-unreadable",
            type=parse_share,
            default=MAX_UNREADABLE,
            metavar="X",
            help="share of pictures that may be missing or unreadable and is skipped; with more "
            f"the run stops (default: {MAX_UNREADABLE})",
        )
    for kind in (fer, raf, affect, folder):
        kind.add_argument("-o", "--output", type=Path, required=True, help="the .npz to write")
    return top


def _open_set(options: argparse.Namespace, skipped: list[str]) -> OpenedSet:
    """Opens the data set that the options name."""
    if options.kind == "ferplus":
        meta = describe_ferplus(options.fer2013, options.ferplus)
        return OpenedSet(meta, read_ferplus(options.fer2013, options.ferplus))
    if options.kind == "folder":
        return read_split_folder(
            options.root, max_unreadable=options.max_unreadable, skipped=skipped
        )
    aside = options.validation_share
    if options.kind == "rafdb":
        listed = list_rafdb(options.root, images=options.images, validation_share=aside)
    else:
        listed = list_affectnet(options.root, classes=options.classes, validation_share=aside)
    samples = read_samples(listed, max_unreadable=options.max_unreadable, skipped=skipped)
    return OpenedSet(describe_listed(listed, aside), samples, len(listed.pictures), listed.notes)


def main(argv: list[str] | None = None) -> int:
    """Runs the command with the words of a command line. Returns the exit code."""
    options = parser().parse_args(argv)
    output: Path = options.output
    if output.suffix != ".npz":
        raise DataError(f"{output}: the output must end in .npz.")
    if not output.parent.is_dir():
        raise DataError(f"{output.parent} is not a folder. Make it first.")
    skipped: list[str] = []
    opened = _open_set(options, skipped)
    if is_up_to_date(output, opened.meta):
        print(f"{output} is up to date.")
        return 0
    found = 0

    def pack_samples(detector: Detector) -> Iterator[PackedSample]:
        nonlocal found
        for sample in track_progress(
            opened.samples, total=opened.count, desc="faces", unit="picture"
        ):
            done = pack_sample(detector, sample)
            found += bool(np.isfinite(done.landmarks).all())
            yield done

    with Detector(min_score=MIN_SCORE) as detector:
        count = write_pack(output, opened.meta, pack_samples(detector))
    print(
        f"{output}: {format_count(count, 'picture')}, a face found in {found} "
        f"({100 * found / count:.1f} %), {output.stat().st_size / 1e6:.1f} MB."
    )
    for line in opened.notes:
        print(line)
    for line in skipped[:MAX_SKIPPED_LINES]:
        print(f"Skipped: {line}")
    if len(skipped) > MAX_SKIPPED_LINES:
        print(f"Skipped: {len(skipped) - MAX_SKIPPED_LINES} more, {len(skipped)} in all.")
    return 1 if skipped or opened.left_out else 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
