"""What the detector takes for faces, and whether it is right, to learn the last word on it from:

python -m training.face_check ferplus.npz -o check.npz --photos FOLDER

Frames are made of faces at known places, pieces of photos set in the same way, and rooms or photos
behind them. What each of two looks of the detector takes for a face, as `app.search` asks for them,
becomes a picture upright about its landmarks, labelled by what really is there. So the pictures,
their places and their errors are those that the search will ask about. A tenth of the faces are
shown once more at a wrong place, to be refused.

Training pictures become training pictures, validation ones validation ones; of the photos every
fifth is kept for validation. The test split is never opened.
"""

import argparse
import itertools
import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from app.looks import Looks
from app.machine import cores
from app.one_line_parser import OneLineParser
from app.types import DataError
from training.cli import run
from training.detections import LABELS, Frames, Photos, photos_in, samples
from training.digests import sha256
from training.licences import DETECTIONS
from training.pack import Pack, PackedSample, PackMeta, read_pack, write_pack
from training.prepare import settings
from training.progress import progress
from training.readers import Split
from training.wording import counted

FRAMES, VALID_FRAMES = 2000, 400
CHUNK = 50  # frames that are drawn from one generator, whoever makes them


@dataclass(frozen=True, slots=True)
class Work:
    """What each process makes frames of. `photos` by split."""

    data: Path
    photos: dict[Split, tuple[Path, ...]]
    seed: int


@dataclass(frozen=True, slots=True)
class Hands:
    """What a process keeps between its chunks."""

    pack: Pack
    photos: dict[Split, Photos | None]
    looks: Looks
    seed: int

    @classmethod
    def ready(cls, work: Work) -> "Hands":
        photos = {split: Photos(files) if files else None for split, files in work.photos.items()}
        return cls(read_pack(work.data), photos, Looks(), work.seed)

    def chunk(self, split: Split, numbers: range) -> list[PackedSample]:
        """The same whatever was made before."""
        place = list(self.photos).index(split)
        generator = np.random.default_rng([self.seed, place, numbers.start])
        frames = Frames(self.pack, split, self.photos[split], generator)
        return list(samples(self.looks, frames, split, numbers, generator))


_work: Work | None = None


def _begin(work: Work) -> None:
    """In a process of its own, which Ctrl-C ends without a word."""
    global _work
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored, as by nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _work = work


@cache
def _hands() -> Hands:
    assert _work is not None
    return Hands.ready(_work)


def _make(split: Split, numbers: range) -> list[PackedSample]:
    return _hands().chunk(split, numbers)


def all_samples(work: Work, counts: dict[Split, int], workers: int) -> Iterator[PackedSample]:
    """In order, and the same however many processes share the work. `counts`: frames. Raises
    `DataError`."""
    chunks = [
        (split, range(start, min(start + CHUNK, count)))
        for split, count in counts.items()
        for start in range(0, count, CHUNK)
    ]
    splits, numbers = zip(*chunks, strict=True)
    bar: dict[str, Any] = {"total": len(chunks), "desc": f"{CHUNK} frames each", "leave": False}
    if workers == 1:
        hands = Hands.ready(work)
        with hands.looks:
            made = progress(map(hands.chunk, splits, numbers), **bar)
            yield from itertools.chain.from_iterable(made)
        return
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(work,)) as pool:
            made = progress(pool.map(_make, splits, numbers), **bar)
            yield from itertools.chain.from_iterable(made)
    except BrokenProcessPool as cause:
        raise DataError(
            "A process that made pictures was ended, perhaps for want of memory. Try fewer "
            "--workers."
        ) from cause


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
        default=cores(),
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
        made_from=settings()
        | {
            "faces": pack.meta.key,
            "photos": [sha256(path) for path in photos],
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

    work = Work(options.data, parts, options.seed)
    count = write_pack(options.output, meta, all_samples(work, counts, options.workers))
    print(
        f"{options.output}: {counted(count, 'detection')} in "
        f"{counted(sum(counts.values()), 'frame')}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
