"""Folders of known sets of faces: labels in the names of files, or numbers in place of words."""

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
MIN_KNOWN_SHARE = 0.9  # of pictures that a known set's names must fit to read labels from them


def are_labels_in_names(root: Path, folders: Sequence[Path]) -> bool:
    """Whether labels are in the files' names, by a known set's rule, and not in the folders'."""
    if any(is_expression(folder.name) for folder in folders):
        return False
    names = [parse_known_name(path.stem) for path in list_pictures(root)]
    sets = Counter(name.of for name in names if name is not None and name.label is not None)
    return bool(sets) and sets.most_common(1)[0][1] >= MIN_KNOWN_SHARE * len(names)


def read_labels_from_names(root: Path) -> Contents:
    """Pictures of a known set, in whatever folders: the files' names say the labels."""
    pictures = list_pictures(root)
    read = [parse_known_name(path.stem) for path in pictures]
    (of, _), *_ = Counter(name.of for name in read if name is not None).most_common(1)
    ours = [name.label if name and name.of == of else None for name in read]
    labels = tuple(sorted({label for label in ours if label is not None}))
    if len(labels) < 2:
        raise DataError(
            f"{root} holds pictures of {of} with one label only, {labels[0]!r}; at least 2 are "
            "needed."
        )
    files = [
        PictureFile(path, "train", labels.index(label))
        for path, label in zip(pictures, ours, strict=True)
        if label is not None
    ]
    notes = [f"The labels are read from the file names, which are those of {of}."]
    if others := [path.name for path, label in zip(pictures, ours, strict=True) if label is None]:
        notes.append(f"Passed over, as their names are not of {of}: {join_names(others)}.")
    places = [PicturePlace(escape_surrogates(file.path.name), file.label) for file in files]
    return Contents(labels, files, places, notes, bool(others))


def name_rafdb_labels(found: Contents) -> Contents:
    """The labels of RAF-DB in words, where folders have its numbers and files its names, as in its
    copies on Kaggle."""
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
