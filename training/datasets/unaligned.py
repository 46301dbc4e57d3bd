"""Copies prepared pictures without their landmarks, as if no face had been found."""

from collections.abc import Iterator

from training.datasets.landmarks import NOT_FOUND
from training.datasets.pack import Pack, PackedSample
from training.datasets.readers import SPLITS


def copy_unaligned(pack: Pack) -> Iterator[PackedSample]:
    """Yields every sample of a pack with unknown landmarks."""
    for row, name in enumerate(pack.names):
        yield PackedSample(
            webp=pack.blob[pack.offsets[row] : pack.offsets[row + 1]].tobytes(),
            split=SPLITS[int(pack.split[row])],
            votes=pack.votes[row],
            landmarks=NOT_FOUND,
            name=name,
        )
