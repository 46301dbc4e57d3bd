"""Reads FER2013 with FER+'s votes, CSV files, and pictures.

A reader yields `Sample`s, which `training.prepare` packs. FER2013: Goodfellow et al., "Challenges
in Representation Learning", ICONIP 2013. FER+: Barsoum et al., "Training deep networks for facial
expression recognition with crowd-sourced label distribution", ICMI 2016.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.defaults import PICTURE_SUFFIXES
from app.errors import DataError, SourceError
from training.base.regular_file import check_regular

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")
SPLIT_NAMES: dict[Split, str] = {"train": "training", "valid": "validation", "test": "test"}

NO_LABEL = -1  # of a picture without a majority, or without a label of its data set's own
FERPLUS_LABELS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)
FERPLUS_VOTES = (*FERPLUS_LABELS, "unknown", "NF")  # the order of FER+'s columns
# FER2013's own labels, by their numbers.
FER2013_LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FERPLUS_USAGES: dict[str, Split] = {
    "Training": "train",
    "PublicTest": "valid",
    "PrivateTest": "test",
}
FER_SIDE_PX = 48  # of FER2013's square pictures
_REST = "\0"  # key of the fields beyond a row's columns
MAX_FIELD_CHARACTERS = 1 << 20  # 2304 pixel values take some 9000
PICTURES = PICTURE_SUFFIXES


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled picture: `image` uint8, (H, W) grey or (H, W, 3) RGB; `votes (V,)` counts."""

    image: NDArray[np.uint8]
    split: Split
    votes: NDArray[np.uint8]
    name: str
    own: int = NO_LABEL  # the number of the label that the data set gives beside the votes


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture's file with its split and the number of its label."""

    path: Path
    split: Split
    label: int


def read_csv_rows(
    path: Path, required: tuple[str, ...], *, without_header: tuple[str, ...] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Reads the rows of a CSV file with their numbers, counted from 1 under the header.

    Args:
        path: The file, in UTF-8.
        required: Columns that the file must have.
        without_header: All columns, in order, of a file that may lack a header; its rows must not
            have more.

    Raises:
        DataError: The file is missing or unreadable, lacks a column, or has a row of another
            length.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    check_regular(path)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey=_REST)
            names = [name.strip() for name in reader.fieldnames or []]
            if len(names) == len(without_header) and not set(names) & set(without_header):
                names = list(without_header)
                file.seek(0)
                reader = csv.DictReader(file, names, restkey=_REST)
            reader.fieldnames = names
            if missing := [name for name in required if name not in names]:
                raise DataError(
                    f"{path} lacks the columns {', '.join(missing)}; it has "
                    f"{', '.join(names) or 'none'}. Is it the right file?"
                )
            for number, row in enumerate(reader, start=1):
                if any(row[name] is None for name in required):
                    raise DataError(f"{path}, row {number}: too few columns.")
                if without_header and _REST in row:
                    raise DataError(f"{path}, row {number}: too many columns.")
                yield number, row
    except FileNotFoundError as cause:
        raise build_missing_error(path) from cause
    except (OSError, UnicodeDecodeError, csv.Error) as cause:
        raise DataError(f"{path} could not be read as a CSV file: {cause}") from cause


_WHERE_FROM = {
    "fer2013.csv": "It comes from Kaggle's 'Challenges in Representation Learning' competition.",
    "fer2013new.csv": "It comes from Microsoft's FERPlus repository on GitHub.",
    "list_patition_label.txt": "It comes with RAF-DB's basic set, in EmoLabel/.",
    "training.csv": "It comes with AffectNet's manually annotated pictures.",
    "validation.csv": "It comes with AffectNet's manually annotated pictures.",
}


def build_missing_error(path: Path) -> DataError:
    """Builds the error for a missing file, which names the file's source where that is known."""
    return DataError(f"{path} is missing. {_WHERE_FROM.get(path.name, '')}".strip())


def read_ferplus(fer2013_csv: Path, ferplus_csv: Path) -> Iterator[Sample]:
    """Joins Kaggle's `fer2013.csv`, row by row, with FER+'s `fer2013new.csv`.

    Yields:
        The rows to which FER+ gives an image name, with ten votes each in the order of
            `FERPLUS_VOTES`. Their name is the row number from 0, because four of the image names
            repeat.

    Raises:
        DataError: The files do not fit each other; the message names file and row.
    """
    pixel_rows = read_csv_rows(fer2013_csv, ("pixels", "Usage"))
    vote_rows = read_csv_rows(ferplus_csv, ("Usage", "Image name", *FERPLUS_VOTES))
    number = 0
    for number, pixel_row in pixel_rows:
        _, vote_row = next(vote_rows, (0, None))
        if vote_row is None:
            raise DataError(
                f"{ferplus_csv} ends before row {number} of {fer2013_csv}: the two do not belong "
                "together."
            )
        usage = pixel_row["Usage"].strip()
        if usage not in FERPLUS_USAGES:
            raise DataError(
                f"{fer2013_csv}, row {number}: unknown Usage {usage!r}, expected one of "
                f"{', '.join(FERPLUS_USAGES)}."
            )
        if usage != vote_row["Usage"].strip():
            raise DataError(
                f"Row {number}: Usage is {usage!r} in {fer2013_csv} but {vote_row['Usage']!r} in "
                f"{ferplus_csv}: the two do not belong together."
            )
        if not vote_row["Image name"].strip():
            continue  # dropped by FER+
        yield Sample(
            image=_pixels(fer2013_csv, number, pixel_row["pixels"]),
            split=FERPLUS_USAGES[usage],
            votes=_votes(ferplus_csv, number, vote_row),
            name=f"{number - 1:05d}",
            own=_own_label(fer2013_csv, number, pixel_row.get("emotion")),
        )
    if number == 0:
        raise DataError(f"{fer2013_csv} has no rows.")
    if next(vote_rows, None) is not None:
        raise DataError(
            f"{fer2013_csv} ends after row {number} but {ferplus_csv} goes on: the two do not "
            "belong together."
        )


def _own_label(path: Path, number: int, text: str | None) -> int:
    """Reads FER2013's own label as a number of FER+'s labels; a file may lack the column."""
    if text is None:
        return NO_LABEL
    if text.strip() not in map(str, range(len(FER2013_LABELS))):
        raise DataError(
            f"{path}, row {number}: the emotion is {text[:20]!r}, expected a number in "
            f"0..{len(FER2013_LABELS) - 1}."
        )
    return FERPLUS_LABELS.index(FER2013_LABELS[int(text)])


def _pixels(path: Path, number: int, text: str) -> NDArray[np.uint8]:
    try:
        values = np.array(text.split(), np.int64)
    except (ValueError, OverflowError) as cause:
        raise DataError(f"{path}, row {number}: a pixel is not a whole number.") from cause
    if values.size != FER_SIDE_PX**2:
        raise DataError(
            f"{path}, row {number}: {values.size} pixel values, expected {FER_SIDE_PX**2}."
        )
    if values.min() < 0 or values.max() > 255:
        raise DataError(f"{path}, row {number}: a pixel is outside 0..255.")
    return values.astype(np.uint8).reshape(FER_SIDE_PX, FER_SIDE_PX)


def _votes(path: Path, number: int, row: dict[str, str]) -> NDArray[np.uint8]:
    try:
        votes = [int(row[name]) for name in FERPLUS_VOTES]
    except ValueError as cause:
        raise DataError(f"{path}, row {number}: a vote is not a whole number.") from cause
    if min(votes) < 0 or max(votes) > 255:
        raise DataError(f"{path}, row {number}: a vote is outside 0..255.")
    return np.array(votes, np.uint8)


def read_grey_or_rgb(path: Path) -> NDArray[np.uint8]:
    """Reads a picture file as the program does, upright.

    Returns:
        uint8, (H, W) for a picture that is grey throughout, or else (H, W, 3) RGB.

    Raises:
        DataError: The file is no readable picture.
    """
    from app.pictures.reader import read_picture as read_bgr  # training must run without OpenCV

    try:
        bgr = read_bgr(path)
    except SourceError as cause:
        raise DataError(str(cause)) from cause
    if (bgr[..., :1] == bgr[..., 1:]).all():
        return np.ascontiguousarray(bgr[..., 0])
    return np.ascontiguousarray(bgr[..., ::-1])
