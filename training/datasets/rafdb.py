"""Reads the basic set of RAF-DB as its authors hand it out.

EmoLabel/list_patition_label.txt   (sic) lines such as `train_00001.jpg 5`
Image/aligned/train_00001_aligned.jpg
Image/original/train_00001.jpg

The set has training and test pictures; a share of training is put aside for validation. It does not
say who is who, so one person may stand on both sides of that split. Li, Deng, Du, "Reliable
Crowdsourcing and Deep Locality-Preserving Learning for Expression Recognition in the Wild", CVPR
2017.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from app.errors import DataError
from training.base.regular_file import check_regular
from training.datasets.listed import (
    ListedPicture,
    ListedSet,
    find_empty_labels,
    put_aside,
    refuse_other_form,
)
from training.datasets.readers import Split, build_missing_error

Images = Literal["aligned", "original"]
LIST = Path("EmoLabel", "list_patition_label.txt")
# In the order of the list's labels, which count from 1.
LABELS = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
_LINE = re.compile(r"((train|test)_\d+)\.jpg\s+(\d+)", re.ASCII)


def list_rafdb(root: Path, *, images: Images, validation_share: float) -> ListedSet:
    """Lists the pictures of RAF-DB's basic set.

    Args:
        root: The folder with EmoLabel/ and Image/.
        images: "aligned" or "original" pictures.
        validation_share: Share of the training pictures of each label that is put aside.

    Raises:
        DataError: The folder is not RAF-DB's basic set; the message names file and line.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder. Expected EmoLabel/ and Image/{images}/ in it.")
    refuse_other_form(root, LIST, "RAF-DB")
    path, folder = root / LIST, root / "Image" / images
    pictures = list(_pictures(path, "_aligned" if images == "aligned" else ""))
    for split, label in find_empty_labels(LABELS, pictures):
        raise DataError(f"{path} has no {split} picture of {label!r}. Is it the whole list?")
    if not folder.is_dir():
        raise DataError(f"{folder} is missing. It comes with RAF-DB's basic set.")
    return ListedSet(
        dataset="RAF-DB",
        labels=LABELS,
        lists={"list": path},
        folder=folder,
        pictures=put_aside(pictures, validation_share),
        choices={"images": images},
    )


def _pictures(path: Path, ending: str) -> Iterator[ListedPicture]:
    check_regular(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as cause:
        raise build_missing_error(path) from cause
    except (OSError, UnicodeDecodeError) as cause:
        raise DataError(f"{path} could not be read as text: {cause}") from cause
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise DataError(
                f"{path}, line {number}: {line[:80]!r} is not as expected, such as "
                "'train_00001.jpg 5'."
            )
        stem, side, label = match[1], match[2], int(match[3])
        if not 1 <= label <= len(LABELS):
            raise DataError(
                f"{path}, line {number}: unknown label {label}, expected 1 to {len(LABELS)}."
            )
        if seen.setdefault(stem, number) != number:
            raise DataError(f"{path}, line {number}: {stem}.jpg stands in line {seen[stem]} too.")
        split: Split = "train" if side == "train" else "test"
        yield ListedPicture(f"{stem}{ending}.jpg", split, label - 1)
