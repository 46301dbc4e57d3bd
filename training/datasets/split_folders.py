"""Recognises folders of training, validation and test pictures by their names."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath

from app.errors import DataError
from training.base.wording import join_names
from training.datasets.readers import SPLIT_NAMES, SPLITS, Split

_SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trainset", "trainingset", "tr"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "validate", "validset", "valset"), "valid"),
    **dict.fromkeys(("dev", "development", "eval", "evaluation", "publictest"), "valid"),
    **dict.fromkeys(("test", "testing", "tests", "testset", "privatetest", "holdout"), "test"),
}
# Words beside a split's name that change nothing: "train_set", "Test Images".
_FILLERS = frozenset(
    ["labels", "label", "annotations", "annotation", "list", "metadata"]
    + ["set", "data", "dataset", "images", "image", "imgs", "img", "pictures", "faces", "folder"]
    + ["split", "class", "classes"]
)
_BETWEEN = re.compile(r"[\s_.\-]+")
_YEAR = re.compile(r"(19|20)\d\d$")  # COCO's splits have one: "train2017"


def recognise_split(name: str) -> Split | None:
    """Recognises the split that a folder's name means; None for another name.

    >>> recognise_split("Train"), recognise_split("PublicTest"), recognise_split("test_images")
    ('train', 'valid', 'test')
    """
    words = (_YEAR.sub("", word) for word in _BETWEEN.split(name.casefold()))
    return _SPLIT_WORDS.get("".join(word for word in words if word and word not in _FILLERS))


def recognise_split_of_path(path: PurePath) -> Split | None:
    """Recognises the split that a file's path means by the first of its folders that means one.

    >>> recognise_split_of_path(PurePath("images/val2017/anna/1.jpg"))
    'valid'
    """
    return next(filter(None, map(recognise_split, path.parts[:-1])), None)


def _split_within(name: str) -> Split | None:
    """Recognises the split that one word of a folder's name means, as in "fer_train"."""
    splits = {
        _SPLIT_WORDS[word] for word in _BETWEEN.split(name.casefold()) if word in _SPLIT_WORDS
    }
    return splits.pop() if len(splits) == 1 else None


def find_split_folders(root: Path, folders: Sequence[Path]) -> dict[Split, Path]:
    """Finds the folder of each split; none where the folder is not split.

    Raises `DataError` for a folder that is split in part, or has two folders for one split.
    """
    found: dict[Split, list[Path]] = defaultdict(list)
    for folder in folders:
        if split := recognise_split(folder.name):
            found[split].append(folder)
    if not found and len(folders) > 1 and all(_split_within(f.name) for f in folders):
        for folder in folders:
            if split := _split_within(folder.name):
                found[split].append(folder)
    if not found:
        return {}
    for split, several in found.items():
        if len(several) > 1:
            raise DataError(
                f"{root} has {join_names(f.name for f in several)}, which all mean the "
                f"{SPLIT_NAMES[split]} pictures. Expected one folder for each split, with a "
                "folder per label in it."
            )
    alone = [f.name for f in folders if not any(f in several for several in found.values())]
    if "train" not in found or (len(found) == 1 and alone):
        names = join_names(f.name for several in found.values() for f in several)
        raise DataError(
            f"{root} has {names}/ as if it were split. Expected both train/ and valid/ (or test/) "
            "with a folder per label in each, or a folder per label directly."
        )
    return {split: found[split][0] for split in SPLITS if split in found}
