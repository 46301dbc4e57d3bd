"""Makes the pictures of detections, in one process or shared among several."""

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
from training.datasets.pack import Pack, PackedSample
from training.datasets.pack_reader import read_pack
from training.datasets.readers import Split
from training.synthetic.detections import Frames, Photos, make_samples

# Each chunk has a generator of its own, so that the result is the same in every process.
FRAMES_PER_CHUNK = 50


@dataclass(frozen=True, slots=True)
class SamplingJob:
    """A description of the frames that each process makes. `photos` maps each split to its photo
    files."""

    data: Path
    photos: dict[Split, tuple[Path, ...]]
    seed: int


@dataclass(frozen=True, slots=True)
class SampleMaker:
    """The objects that a process keeps between its chunks: pack, photos, detector networks and
    seed."""

    pack: Pack
    photos: dict[Split, Photos | None]
    looks: NetworkLooks
    seed: int

    @classmethod
    def open(cls, job: SamplingJob) -> "SampleMaker":
        """Reads the pack and the photos, and opens the detector's networks. Raises `DataError`."""
        photos = {split: Photos(files) if files else None for split, files in job.photos.items()}
        return cls(read_pack(job.data), photos, NetworkLooks(), job.seed)

    def make_chunk(self, split: Split, numbers: range) -> list[PackedSample]:
        """Makes the samples of the frames `numbers` of a split. The result depends on the seed, the
        split and the first number alone, not on earlier chunks."""
        place = list(self.photos).index(split)
        generator = np.random.default_rng([self.seed, place, numbers.start])
        frames = Frames(self.pack, split, self.photos[split], generator)
        return list(make_samples(self.looks, frames, split, numbers, generator))


_job: SamplingJob | None = None


def _set_up_process(job: SamplingJob) -> None:
    """Keeps the job for a worker process, and lets Ctrl-C end that process without a message."""
    global _job
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored, as by nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _job = job


@cache
def _get_maker() -> SampleMaker:
    assert _job is not None
    return SampleMaker.open(_job)


def _make(split: Split, numbers: range) -> list[PackedSample]:
    return _get_maker().make_chunk(split, numbers)


def make_all_samples(
    job: SamplingJob, counts: dict[Split, int], workers: int
) -> Iterator[PackedSample]:
    """Makes the samples of all splits in order. The result is the same for every number of workers.

    Args:
        job: The pack, the photos and the seed.
        counts: The number of frames to make for each split.
        workers: The number of processes; with 1, everything is made in this process.

    Raises:
        DataError: The pack or a photo cannot be read, or a worker process was ended.
    """
    chunks = [
        (split, range(start, min(start + FRAMES_PER_CHUNK, count)))
        for split, count in counts.items()
        for start in range(0, count, FRAMES_PER_CHUNK)
    ]
    splits, numbers = zip(*chunks, strict=True)
    bar: dict[str, Any] = {
        "total": len(chunks),
        "desc": f"{FRAMES_PER_CHUNK} frames each",
        "leave": False,
    }
    if workers == 1:
        maker = SampleMaker.open(job)
        with maker.looks:
            made = track_progress(map(maker.make_chunk, splits, numbers), **bar)
            yield from itertools.chain.from_iterable(made)
        return
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(
            workers, context, initializer=_set_up_process, initargs=(job,)
        ) as pool:
            made = track_progress(pool.map(_make, splits, numbers), **bar)
            yield from itertools.chain.from_iterable(made)
    except BrokenProcessPool as cause:
        raise DataError(
            "A process that made pictures was ended, perhaps for want of memory. Try fewer "
            "--workers."
        ) from cause
