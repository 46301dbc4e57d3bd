"""Reads the manually annotated pictures of AffectNet as its authors hand them out.

training.csv, validation.csv, the latter often without a header
Manually_Annotated_Images/<subDirectory_filePath>

Its test set was never given away and papers report on validation.csv, so that is the test split
here; a share of training is put aside for validation. Mollahosseini, Hasani, Mahoor, "AffectNet: A
Database for Facial Expression, Valence, and Arousal Computing in the Wild", IEEE TAC 2019.
"""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from app.errors import DataError
from training.datasets.listed import (
    BOX_MARGIN,
    ListedPicture,
    ListedSet,
    find_empty_labels,
    put_aside,
    refuse_other_form,
)
from training.datasets.readers import Split, read_csv_rows

Classes = Literal[7, 8]
COLUMNS = (
    "subDirectory_filePath",
    "face_x",
    "face_y",
    "face_width",
    "face_height",
    "facial_landmarks",
    "expression",
    "valence",
    "arousal",
)
BOX_COLUMNS = ("face_x", "face_y", "face_width", "face_height")
# In the order of the codes, which count from 0.
LABELS = (
    "neutral",
    "happiness",
    "sadness",
    "surprise",
    "fear",
    "disgust",
    "anger",
    "contempt",
)
EXPRESSIONS = (*LABELS, "none", "uncertain", "no face")
FOLDER = "Manually_Annotated_Images"


def list_affectnet(root: Path, *, classes: Classes, validation_share: float) -> ListedSet:
    """Lists the pictures of AffectNet.

    Args:
        root: The folder with training.csv, validation.csv and the pictures.
        classes: 7 leaves contempt out.
        validation_share: Share of the training pictures of each label that is put aside.

    Raises:
        DataError: The folder is not AffectNet; the message names file and row.
    """
    if not root.is_dir():
        raise DataError(
            f"{root} is not a folder. Expected training.csv, validation.csv and {FOLDER}/ in it."
        )
    refuse_other_form(root, Path("training.csv"), "AffectNet")
    labels, folder = LABELS[:classes], root / FOLDER
    lists = {name: root / f"{name}.csv" for name in ("training", "validation")}
    left_out: Counter[str] = Counter()
    training = list(_pictures(lists["training"], "train", classes, left_out))
    test = list(_pictures(lists["validation"], "test", classes, left_out))
    tested = {picture.name for picture in test}
    kept = [picture for picture in training if picture.name not in tested]
    for split, label in find_empty_labels(labels, kept + test):
        path = lists["training" if split == "train" else "validation"]
        raise DataError(f"{path} has no picture of {label!r}. Is it the whole list?")
    if not folder.is_dir():
        raise DataError(f"{folder} is missing. It comes with AffectNet.")
    notes = []
    if left_out:
        found = ", ".join(f"{left_out[name]} {name}" for name in EXPRESSIONS if left_out[name])
        notes.append(f"Left out by their expression: {found}.")
    if doubled := len(training) - len(kept):
        notes.append(
            f"Left out of training because validation.csv has the same picture: {doubled}."
        )
    return ListedSet(
        dataset="AffectNet",
        labels=labels,
        lists=lists,
        folder=folder,
        pictures=put_aside(kept + test, validation_share),
        choices={"classes": classes, "box_margin": BOX_MARGIN},
        notes=tuple(notes),
    )


def _pictures(
    path: Path, split: Split, classes: int, left_out: Counter[str]
) -> Iterator[ListedPicture]:
    needed = ("subDirectory_filePath", *BOX_COLUMNS, "expression")
    for number, row in read_csv_rows(path, needed, without_header=COLUMNS):
        where = f"{path}, row {number}"
        text = row["expression"].strip()
        code = int(text) if text.isascii() and text.isdigit() else -1
        if not 0 <= code < len(EXPRESSIONS):
            raise DataError(
                f"{where}: unknown expression {text[:40]!r}, expected a code from 0 to "
                f"{len(EXPRESSIONS) - 1}."
            )
        name = row["subDirectory_filePath"].strip()
        place = PurePosixPath(name)
        if not place.parts or place.is_absolute() or ".." in place.parts or "\0" in name:
            raise DataError(f"{where}: {name[:80]!r} is no path of a picture below {FOLDER}/.")
        if code >= classes:
            left_out[EXPRESSIONS[code]] += 1
            continue
        yield ListedPicture(name, split, code, _box(where, row))


def _box(where: str, row: dict[str, str]) -> tuple[float, float, float, float] | None:
    """Reads a row's face box (x, y, width, height) in px; None where its four columns are empty
    or NULL."""
    fields = [row[column].strip() for column in BOX_COLUMNS]
    if all(field in ("", "NULL") for field in fields):
        return None
    try:
        x, y, width, height = (float(field) for field in fields)
        if not all(map(math.isfinite, (x, y, width, height))):
            raise ValueError("not finite")
    except ValueError as cause:
        box = ", ".join(fields)[:80]
        raise DataError(f"{where}: the face box {box} is not four numbers.") from cause
    return x, y, width, height
