"""Handles data sets whose pictures stand in a list: puts some aside for validation, and reads them
one at a time.

Each set's own reader makes the list. A list of a million rows fits in memory; its pictures do not.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import DataError
from training.datasets.folder_walk import list_entries
from training.datasets.readers import Sample, Split, read_grey_or_rgb
from training.datasets.split_folders import recognise_split

VALIDATION_SHARE = 0.1  # of the training pictures of each label
VALIDATION_SEED = 0  # fixed, so that every pack of a set has the same split
MAX_UNREADABLE = 0.02  # share of pictures; more suggests an incomplete copy of the set
# On each side of an annotated face box, in its longer sides: room for a tilted head and for
# augmentation.
BOX_MARGIN = 0.5


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """A picture of a list. `name` is its path below the set's folder of pictures, and pictures
    of equal name are one file. `box_xywh` is the box of its face in px, where known."""

    name: str
    split: Split
    label: int
    box_xywh: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class ListedSet:
    """A listed data set: the files of its lists, by name, and its pictures with their labels."""

    dataset: str
    labels: tuple[str, ...]
    lists: dict[str, Path]
    folder: Path
    pictures: tuple[ListedPicture, ...]
    choices: dict[str, Any]  # further settings that decide which pictures these are
    notes: tuple[str, ...] = field(default=())  # lines for people about rows left out


def refuse_other_form(root: Path, part: Path, what: str) -> None:
    """Raises `DataError` where `root`, which lacks `part`, is not the set's own folder. The
    message names the folder that is, or the command that reads the present form."""
    if (root / part).exists() or not root.is_dir():
        return
    if inside := [folder for folder in list_entries(root)[0] if (folder / part).exists()]:
        raise DataError(f"{root} holds {what} further down. Give {inside[0]}.")
    if any(recognise_split(folder.name) == "train" for folder in list_entries(root)[0]):
        raise DataError(
            f"{root} has folders for splits and not {what}'s own form, which has {part}. Read it "
            f"by: python -m training.retrain {root} -o MODEL.onnx"
        )


def put_aside(pictures: Sequence[ListedPicture], share: float) -> tuple[ListedPicture, ...]:
    """Turns a share of the training files of each label into validation.

    `VALIDATION_SEED` draws the files, independent of the order of the list. Their count is the
    nearest whole number, but at least one of two or more. A file that is listed more than once
    moves as a whole.

    Returns:
        The pictures in their order.
    """
    files: dict[str, int] = {}
    for picture in pictures:
        if picture.split == "train":
            files.setdefault(picture.name, picture.label)
    chosen: set[str] = set()
    for label in sorted(set(files.values())):
        names = sorted(name for name, number in files.items() if number == label)
        count = min(len(names) - 1, max(1, round(share * len(names))))
        drawn = np.random.default_rng([VALIDATION_SEED, label]).permutation(len(names))[:count]
        chosen.update(names[place] for place in drawn)
    return tuple(
        replace(p, split="valid") if p.split == "train" and p.name in chosen else p
        for p in pictures
    )


def find_empty_labels(
    labels: Sequence[str], pictures: Iterable[ListedPicture]
) -> list[tuple[Split, str]]:
    """Finds the pairs (split, label) for which a list has no picture, in training and test."""
    present = {(p.split, p.label) for p in pictures}
    splits: tuple[Split, ...] = ("train", "test")
    return [
        (split, name)
        for split in splits
        for label, name in enumerate(labels)
        if (split, label) not in present
    ]


def hash_listed_files(listed: ListedSet) -> str:
    """Computes a digest of the pictures' names, splits, labels and lengths.

    The pictures themselves are not read, because hundreds of thousands of them would take hours.
    """
    digest = hashlib.sha256()
    for picture in listed.pictures:
        path = listed.folder / picture.name
        length = path.stat().st_size if path.is_file() else "missing"
        digest.update(f"{picture.name}\0{picture.split}\0{picture.label}\0{length}\n".encode())
    return digest.hexdigest()


def stop_if_too_many(skipped: int, total: int, max_unreadable: float, example: str) -> None:
    """Raises `DataError` when more than the share `max_unreadable` of `total` pictures is
    skipped. `example` is a sentence about one of them."""
    if skipped > max_unreadable * total:
        raise DataError(
            f"{skipped} of {total} pictures are missing or unreadable, more than "
            f"--max-unreadable {max_unreadable:g} allows: {example}"
        )


def read_samples(
    listed: ListedSet, *, max_unreadable: float, skipped: list[str]
) -> Iterator[Sample]:
    """Reads the samples of a listed set one at a time.

    Args:
        listed: The set.
        max_unreadable: Share of pictures that may be missing or unreadable.
        skipped: Receives a line for each picture that is missing or does not decode.

    Raises:
        DataError: Too many pictures are skipped; before the first picture where so many are
            missing.
    """
    total = len(listed.pictures)
    paths = [listed.folder / picture.name for picture in listed.pictures]
    if missing := [path for path in paths if not path.is_file()]:
        stop_if_too_many(len(missing), total, max_unreadable, f"{missing[0]} is missing.")
    for picture, path in zip(listed.pictures, paths, strict=True):
        try:
            if not path.is_file():
                raise DataError(f"{path} is missing.")
            image = read_grey_or_rgb(path)
        except DataError as error:
            skipped.append(str(error))
            stop_if_too_many(len(skipped), total, max_unreadable, str(error))
            continue
        if picture.box_xywh is not None:
            image = cut_around_box(image, picture.box_xywh)
        votes = np.zeros(len(listed.labels), np.uint8)
        votes[picture.label] = 1
        yield Sample(image, picture.split, votes, picture.name)


def cut_around_box(
    pixels: NDArray[np.uint8], box_xywh: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    """Cuts out the square around a face box, `BOX_MARGIN` wider on each side, as far as the picture
    goes.

    Args:
        pixels: (H, W) or (H, W, 3).
        box_xywh: Left, top, width and height, px.

    Returns:
        A view of `pixels`; the whole picture where the box is empty or its centre lies outside.

    >>> cut_around_box(np.zeros((50, 100), np.uint8), (40, 20, 10, 10)).shape
    (20, 20)
    """
    height, width = pixels.shape[:2]
    x, y, w, h = box_xywh
    centre_x, centre_y = x + w / 2, y + h / 2
    if not (w > 0 and h > 0 and 0 <= centre_x < width and 0 <= centre_y < height):
        return pixels
    reach = max(w, h) * (0.5 + BOX_MARGIN)
    left, top = max(0, int(centre_x - reach)), max(0, int(centre_y - reach))
    right, bottom = int(np.ceil(centre_x + reach)), int(np.ceil(centre_y + reach))
    return pixels[top:bottom, left:right]
