"""Turns the samples of a data set into samples of a pack."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.detection.mediapipe_detector import Detector
from app.errors import DataError
from training.datasets.digests import hash_data_file
from training.datasets.landmarks import cut_face_region, describe_settings, find_landmarks
from training.datasets.listed import (
    VALIDATION_SEED,
    ListedSet,
    hash_listed_files,
)
from training.datasets.pack import PackedSample, PackMeta
from training.datasets.pack_reader import read_meta
from training.datasets.readers import (
    FERPLUS_LABELS,
    FERPLUS_VOTES,
    Sample,
)
from training.datasets.webp import encode_webp


@dataclass(frozen=True, slots=True)
class OpenedSet:
    """A data set that is ready to be packed.

    Attributes:
        meta: The description of the pack.
        samples: The samples, which are read one at a time.
        count: The number of pictures; None where it is not known yet.
        notes: Lines for people.
        left_out: True where pictures of the user's own lack a label, labels a picture, or pictures
            are of kinds that are not read.
    """

    meta: PackMeta
    samples: Iterator[Sample]
    count: int | None = None
    notes: tuple[str, ...] = ()
    left_out: bool = False


def pack_sample(detector: Detector, sample: Sample) -> PackedSample:
    """Finds the face of a sample and encodes the part of the picture around it."""
    landmarks = find_landmarks(detector, sample.image)
    region, landmarks = cut_face_region(sample.image, landmarks)
    return PackedSample(
        webp=encode_webp(region),
        split=sample.split,
        votes=sample.votes,
        landmarks=landmarks,
        name=sample.name,
        own=sample.own,
    )


def describe_ferplus(fer2013_csv: Path, ferplus_csv: Path) -> PackMeta:
    """Describes the pack of FER2013 with FER+'s votes."""
    return PackMeta(
        dataset="FER+",
        protocol="ferplus",
        labels=FERPLUS_LABELS,
        vote_names=FERPLUS_VOTES,
        made_from=describe_settings()
        | {"fer2013": hash_data_file(fer2013_csv), "ferplus": hash_data_file(ferplus_csv)},
    )


def describe_listed(listed: ListedSet, validation_share: float) -> PackMeta:
    """Describes the pack of a listed data set."""
    hashes = {name: hash_data_file(path) for name, path in listed.lists.items()}
    split = {"validation_share": validation_share, "validation_seed": VALIDATION_SEED}
    files = {"pictures": hash_listed_files(listed), "count": len(listed.pictures)}
    return PackMeta(
        dataset=listed.dataset,
        protocol="single",
        labels=listed.labels,
        vote_names=listed.labels,
        made_from=describe_settings() | hashes | listed.choices | split | files,
    )


def is_up_to_date(path: Path, meta: PackMeta) -> bool:
    """Tells whether the file at `path` is a pack of the same samples already."""
    if not path.exists():
        return False
    try:
        return read_meta(path).key == meta.key
    except DataError:
        return False
