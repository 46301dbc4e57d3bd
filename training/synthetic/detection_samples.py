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
from typing import Any, Literal

import numpy as np

from app.detection.networks import NetworkLooks
from app.errors import DataError
from training.base.progress import track_progress
from training.datasets.pack import Pack, PackedSample
from training.datasets.pack_reader import read_pack
from training.datasets.readers import Split
from training.synthetic.detections import Frames, Photos, make_samples
from training.synthetic.mined_detections import mine_faces, mine_patterns
from training.synthetic.mined_pictures import Patterns, PoseFrames

Part = Literal["frames", "poses", "patterns"]
PARTS: tuple[Part, ...] = ("frames", "poses", "patterns")
# Each chunk has a generator of its own, so that the result is the same in every process.
FRAMES_PER_CHUNK = 50
POSES_PER_CHUNK = 200  # such frames take a tenth of the time, and as long to begin with


@dataclass(frozen=True, slots=True)
class Chunk:
    """The pictures `numbers` of one part of a split, which are made at once."""

    split: Split
    part: Part
    numbers: range


def list_chunks(counts: dict[Split, dict[Part, int]]) -> list[Chunk]:
    """Divides the pictures of all splits and parts into chunks, in order.

    Args:
        counts: The number of pictures to make for each part of each split.

    >>> chunks = list_chunks({"train": {"frames": 60, "patterns": 10}})
    >>> [(chunk.part, len(chunk.numbers)) for chunk in chunks]
    [('frames', 50), ('frames', 10), ('patterns', 10)]
    """
    return [
        Chunk(split, part, range(start, min(start + step, count)))
        for split, parts in counts.items()
        for part, count in parts.items()
        for step in (POSES_PER_CHUNK if part == "poses" else FRAMES_PER_CHUNK,)
        for start in range(0, count, step)
    ]


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

    def make_chunk(self, chunk: Chunk) -> list[PackedSample]:
        """Makes the samples of a chunk. The result depends on the seed and the chunk alone, not on
        earlier chunks."""
        split, numbers = chunk.split, chunk.numbers
        place, photos = list(self.photos).index(split), self.photos[split]
        generator = np.random.default_rng(
            [self.seed, place, numbers.start, PARTS.index(chunk.part)]
        )
        if chunk.part == "frames":
            frames = Frames(self.pack, split, photos, generator)
            return list(make_samples(self.looks, frames, split, numbers, generator))
        if chunk.part == "poses":
            poses = PoseFrames(self.pack, split, photos, generator, seed=self.seed)
            return list(mine_faces(self.looks, poses, split, numbers, generator))
        patterns = Patterns(self.pack, split, photos, generator)
        return list(mine_patterns(self.looks, patterns, split, numbers, generator))


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


def _make(chunk: Chunk) -> list[PackedSample]:
    return _get_maker().make_chunk(chunk)


def make_all_samples(
    job: SamplingJob, counts: dict[Split, dict[Part, int]], workers: int
) -> Iterator[PackedSample]:
    """Makes the samples of all splits in order. The result is the same for every number of workers.

    Args:
        job: The pack, the photos and the seed.
        counts: The number of pictures to make for each part of each split.
        workers: The number of processes; with 1, everything is made in this process.

    Raises:
        DataError: The pack or a photo cannot be read, or a worker process was ended.
    """
    chunks = list_chunks(counts)
    bar: dict[str, Any] = {
        "total": len(chunks),
        "desc": "parts",
        "leave": False,
    }
    if workers == 1:
        maker = SampleMaker.open(job)
        with maker.looks:
            made = track_progress(map(maker.make_chunk, chunks), **bar)
            yield from itertools.chain.from_iterable(made)
        return
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(
            workers, context, initializer=_set_up_process, initargs=(job,)
        ) as pool:
            made = track_progress(pool.map(_make, chunks), **bar)
            yield from itertools.chain.from_iterable(made)
    except BrokenProcessPool as cause:
        raise DataError(
            "A process that made pictures was ended, perhaps for want of memory. Try fewer "
            "--workers."
        ) from cause
