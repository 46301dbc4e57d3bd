"""Reads a user's own folder that is split already."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.errors import DataError
from app.wording import escape_surrogates
from training.datasets.digests import hash_data_file
from training.datasets.landmarks import describe_settings
from training.datasets.listed import (
    stop_if_too_many,
)
from training.datasets.pack import PackMeta
from training.datasets.packing import OpenedSet
from training.datasets.readers import (
    Sample,
    read_grey_or_rgb,
)
from training.own_pictures.gather_notes import list_other_files
from training.own_pictures.picture_folder import open_folder


def read_split_folder(root: Path, *, max_unreadable: float, skipped: list[str]) -> OpenedSet:
    """Reads a folder with a split of its own.

    Args:
        root: The folder.
        max_unreadable: Share of pictures that may be unreadable.
        skipped: Receives a line for each picture that does not decode.

    Raises:
        DataError: The folder has no validation pictures; while the samples are read, too many are
            unreadable.
    """
    opened = open_folder(root)
    labels, files = opened.labels, opened.files
    if not opened.has_validation:
        raise DataError(
            f"{root} has no folder of validation pictures. Expected train/<label>/… and "
            "valid/<label>/… in it; python -m training.retrain splits a folder by itself."
        )
    digest = hashlib.sha256()
    for file in files:
        key = hash_data_file(file.path) if file.path.is_file() else "-"
        digest.update(f"{opened.name_file(file)}\0{key}\0{file.split}\0{file.label}\n".encode())
    meta = PackMeta(
        dataset=escape_surrogates(root.resolve().name),
        protocol="single",
        labels=labels,
        vote_names=labels,
        made_from=describe_settings() | {"pictures": digest.hexdigest(), "count": len(files)},
    )

    def samples() -> Iterator[Sample]:
        for file in files:
            try:
                image = read_grey_or_rgb(file.path)
            except DataError as error:
                skipped.append(str(error))
                stop_if_too_many(len(skipped), len(files), max_unreadable, str(error))
                continue
            votes = np.zeros(len(labels), np.uint8)
            votes[file.label] = 1
            yield Sample(image, file.split, votes, opened.name_file(file))

    notes = (*opened.notes, *list_other_files(opened))
    return OpenedSet(meta, samples(), len(files), notes, opened.left_out)
