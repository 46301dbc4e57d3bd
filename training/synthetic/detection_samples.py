"""Makes the pictures of detections, in one process or shared out over several."""

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

from app.detection.networks import NetworkLooks
from app.errors import DataError
from training.base.progress import track_progress
from training.datasets.pack import Pack, PackedSample, read_pack
from training.datasets.readers import Split
from training.synthetic.detections import Frames, Photos, make_samples

CHUNK = 50  # frames that are drawn from one generator, whoever makes them


@dataclass(frozen=True, slots=True)
class SamplingJob:
    """What each process makes frames of. `photos` by split."""

    data: Path
    photos: dict[Split, tuple[Path, ...]]
    seed: int


@dataclass(frozen=True, slots=True)
class Hands:
    """What a process keeps between its chunks."""

    pack: Pack
    photos: dict[Split, Photos | None]
    looks: NetworkLooks
    seed: int

    @classmethod
    def ready(cls, work: SamplingJob) -> "Hands":
        photos = {split: Photos(files) if files else None for split, files in work.photos.items()}
        return cls(read_pack(work.data), photos, NetworkLooks(), work.seed)

    def chunk(self, split: Split, numbers: range) -> list[PackedSample]:
        """The same whatever was made before."""
        place = list(self.photos).index(split)
        generator = np.random.default_rng([self.seed, place, numbers.start])
        frames = Frames(self.pack, split, self.photos[split], generator)
        return list(make_samples(self.looks, frames, split, numbers, generator))


_work: SamplingJob | None = None


def _begin(work: SamplingJob) -> None:
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


def all_samples(
    work: SamplingJob, counts: dict[Split, int], workers: int
) -> Iterator[PackedSample]:
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
            made = track_progress(map(hands.chunk, splits, numbers), **bar)
            yield from itertools.chain.from_iterable(made)
        return
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(work,)) as pool:
            made = track_progress(pool.map(_make, splits, numbers), **bar)
            yield from itertools.chain.from_iterable(made)
    except BrokenProcessPool as cause:
        raise DataError(
            "A process that made pictures was ended, perhaps for want of memory. Try fewer "
            "--workers."
        ) from cause
