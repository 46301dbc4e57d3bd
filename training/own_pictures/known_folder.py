"""Reads folders of known face sets, which have labels in file names, or numbers in place of
words."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.errors import DataError
from app.wording import escape_surrogates
from training.base.wording import join_names
from training.datasets.expression_words import is_expression
from training.datasets.folder_walk import list_pictures
from training.datasets.rafdb import LABELS as RAFDB_LABELS
from training.datasets.readers import PictureFile
from training.own_pictures.known_sets import parse_known_name
from training.own_pictures.listed_folder import Contents
from training.own_pictures.people import PicturePlace

_RAFDB_NAME = re.compile(r"(train|test)_\d+(_aligned)?\.", re.ASCII)
MIN_KNOWN_SHARE = 0.9  # of the pictures; with fewer known names, labels come from folders


def are_labels_in_names(root: Path, folders: Sequence[Path]) -> bool:
    """Tells whether the file names hold the labels, by a known set's rule, and the folders do
    not."""
    if any(is_expression(folder.name) for folder in folders):
        return False
    names = [parse_known_name(path.stem) for path in list_pictures(root)]
    sets = Counter(name.set_name for name in names if name is not None and name.label is not None)
    return bool(sets) and sets.most_common(1)[0][1] >= MIN_KNOWN_SHARE * len(names)


def read_labels_from_names(root: Path) -> Contents:
    """Reads the labels of a known set's pictures from their file names, in whatever folders they
    lie. Raises `DataError` for a single label."""
    pictures = list_pictures(root)
    read = [parse_known_name(path.stem) for path in pictures]
    (known_set, _), *_ = Counter(name.set_name for name in read if name is not None).most_common(1)
    ours = [name.label if name and name.set_name == known_set else None for name in read]
    labels = tuple(sorted({label for label in ours if label is not None}))
    if len(labels) < 2:
        raise DataError(
            f"{root} holds pictures of {known_set} with one label only, {labels[0]!r}; at least "
            "2 are needed."
        )
    files = [
        PictureFile(path, "train", labels.index(label))
        for path, label in zip(pictures, ours, strict=True)
        if label is not None
    ]
    notes = [f"The labels are read from the file names, which are those of {known_set}."]
    if others := [path.name for path, label in zip(pictures, ours, strict=True) if label is None]:
        notes.append(f"Passed over, as their names are not of {known_set}: {join_names(others)}.")
    places = [PicturePlace(escape_surrogates(file.path.name), file.label) for file in files]
    return Contents(labels, files, places, notes, bool(others))


def name_rafdb_labels(found: Contents) -> Contents:
    """Replaces RAF-DB's numbers by words, where folders have its numbers and files its names, as
    in its copies on Kaggle. Other contents stay."""
    numbers = tuple(map(str, range(1, len(RAFDB_LABELS) + 1)))
    ours = sum(_RAFDB_NAME.match(file.path.name) is not None for file in found.files)
    if found.labels != numbers or ours < MIN_KNOWN_SHARE * len(found.files):
        return found
    labels = tuple(sorted(RAFDB_LABELS))
    new = [labels.index(name) for name in RAFDB_LABELS]
    words = ", ".join(f"{n} {name}" for n, name in zip(numbers, RAFDB_LABELS, strict=True))
    return replace(
        found,
        labels=labels,
        files=[replace(file, label=new[file.label]) for file in found.files],
        places=[replace(place, label=new[place.label]) for place in found.places],
        notes=[*found.notes, f"The numbers of the labels are read as RAF-DB's: {words}."],
    )
