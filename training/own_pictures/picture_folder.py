"""Opens a folder of labelled pictures: finds its labels, splits and files, without opening a
picture; or tells in one line why the folder cannot be used and what to do.

Folders come as people unpack them: with splits under many names, with files that systems leave
behind, and with labels in another case or with accents stored in another way on each side of a
split.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.contract import check_label
from app.errors import DataError
from app.pictures.kinds import UNREAD_SUFFIXES
from app.wording import escape_surrogates, format_count
from training.base.wording import join_names
from training.datasets.expression_words import fold_text, is_expression
from training.datasets.folder_walk import (
    has_picture_suffix,
    list_entries,
    list_pictures,
    walk_files,
)
from training.datasets.readers import PictureFile, Split
from training.datasets.split_folders import find_split_folders
from training.own_pictures.known_folder import (
    are_labels_in_names,
    name_rafdb_labels,
    read_labels_from_names,
)
from training.own_pictures.label_files import is_label_file
from training.own_pictures.listed_folder import (
    Contents,
    find_label_files,
    find_splits_without_list,
    read_labels_from_lists,
)
from training.own_pictures.people import PicturePlace
from training.own_pictures.picture_lists import describe_known_form, describe_label_file

_ARCHIVES = frozenset([".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"])
MAX_LABEL_DEPTH = 3  # levels below the first that are searched for labels in the wrong place


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """The contents of a folder. `files` are in the order of their names; `places` are in the
    same order. `notes` are lines for people."""

    root: Path
    labels: tuple[str, ...]
    files: tuple[PictureFile, ...]
    places: tuple[PicturePlace, ...]
    passed_over: tuple[tuple[str, int], ...]  # (suffix, count) of other files
    notes: tuple[str, ...]
    left_out: bool  # True where pictures are unused for another reason than their content

    @property
    def has_validation(self) -> bool:
        """True where the folder comes with a split into training and validation."""
        return any(file.split == "valid" for file in self.files)

    def name_file(self, file: PictureFile) -> str:
        """Names a file by its path below the root, the same on every system, as text that every
        file can hold."""
        return escape_surrogates(file.path.relative_to(self.root).as_posix())


def open_folder(root: Path) -> PictureFolder:
    """Opens a folder of labelled pictures.

    Its form is `root/<label>/…`; or `root/<split>/<label>/…` with splits for training and for
    validation or test, under any of their usual names; or labels in a file; or pictures of a known
    set whose names hold the labels. Hidden files are ignored. Raises `DataError` for another form.
    """
    if not root.is_dir():
        raise DataError(_no_folder(root))
    try:
        return _opened(root)
    except OSError as cause:
        where = cause.filename or root
        raise DataError(f"{where} could not be read: {cause.strerror or cause}.") from cause


def _no_folder(root: Path) -> str:
    if root.suffix.lower() in _ARCHIVES and root.is_file():
        return (
            f"{root} is an archive. Unpack it, and give the folder with one sub-folder per label."
        )
    if is_label_file(root):
        return f"{root} holds labels of pictures. Give the folder that it lies in: {root.parent}."
    if root.is_file() and (found := describe_label_file(root)):
        return found
    missing = "is not a folder" if root.exists() else "does not exist"
    return f"{root} {missing}. Expected one sub-folder of pictures per label in a folder."


def _opened(root: Path) -> PictureFolder:
    folders, others = list_entries(root)
    splits = find_split_folders(root, folders)
    lists = find_label_files(root, folders, others, splits)
    if lists:
        found = read_labels_from_lists(root, lists)
    elif splits:
        found = _with_splits(root, splits)
    elif are_labels_in_names(root, folders):
        found = read_labels_from_names(root)
    else:
        found = _by_folders(root, folders, others)
    found = name_rafdb_labels(found)
    labels, notes = found.labels, list(found.notes)
    if all(label.isdecimal() for label in labels):
        notes.append(
            f"The labels are numbers ({join_names(labels)}), and the model will say numbers. Write "
            "the names of the expressions instead, to have words."
        )
    unlabelled = list(find_splits_without_list(root, lists, splits))
    notes += [f"{folder.name}/ has no file with labels and is left out." for folder in unlabelled]
    if splits and not lists and (beside := [f.name for f in folders if f not in splits.values()]):
        notes.append(f"Passed over, beside the split: {join_names(beside)}.")
    known = {file.path for file in found.files}
    known.update(path for each in lists for path in (each.path, *each.single))
    strangers = Counter(
        path.suffix.lower() or path.name
        for path in walk_files(root)
        if path not in known and not has_picture_suffix(path)
    )
    _check_labels(root, labels)
    unread = any(suffix in UNREAD_SUFFIXES for suffix in strangers)
    return PictureFolder(
        root=root,
        labels=labels,
        files=tuple(found.files),
        places=tuple(found.places),
        passed_over=tuple(sorted(strangers.items())),
        notes=tuple(notes),
        left_out=found.left_out or unread or bool(unlabelled),
    )


def _with_splits(root: Path, splits: dict[Split, Path]) -> Contents:
    train = splits["train"]
    folders, others = list_entries(train)
    if len(folders) < 2:
        raise DataError(_few_labels(train, folders, others))
    _refuse_known_form(train)
    _refuse_nested(train, folders)
    labels, numbers = _labels(train, folders)
    files: list[PictureFile] = []
    places: list[PicturePlace] = []
    for split, place in splits.items():
        for folder in list_entries(place)[0]:
            number = numbers.get(fold_text(folder.name))
            if number is None:
                raise DataError(
                    f"{folder}: the label {folder.name!r} is unknown; {train.name}/ has "
                    f"{', '.join(labels)}."
                )
            below = _pictures_of(folder, number, split)
            if split == "train" and not below:
                raise DataError(_no_pictures(folder))
            files += below
            places += _places(folder, below)
    notes = []
    present = {file.split for file in files}
    if "valid" in splits and "valid" not in present:
        raise DataError(f"{splits['valid']} holds no pictures in folders of labels.")
    if "test" in splits and "test" not in present:
        notes.append(f"{splits['test'].name}/ has no folders of labels and is left out.")
    if "valid" not in splits:
        drawn = f"Validation pictures are drawn from {train.name}/"
        kept = f"; {splits['test'].name}/ stays for a last test" if "test" in present else ""
        notes.append(f"{root} has no validation folder. {drawn}{kept}.")
    return Contents(labels, files, places, notes)


def _labels(root: Path, folders: Sequence[Path]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Numbers the labels, also by their folded form. Raises `DataError` for two labels that
    differ only in case, in spaces around them or in how accents are stored."""
    labels = tuple(unicodedata.normalize("NFC", folder.name).strip() for folder in folders)
    numbers: dict[str, int] = {}
    for number, folder in enumerate(folders):
        first = numbers.setdefault(fold_text(folder.name), number)
        if first != number:
            raise DataError(
                f"{root} has the labels {folders[first].name!r} and {folder.name!r}, which differ "
                "only in case, in spaces or in how accents are stored. Put their pictures into one "
                "folder."
            )
    return labels, numbers


def _pictures_of(folder: Path, number: int, split: Split) -> list[PictureFile]:
    return [PictureFile(path, split, number) for path in list_pictures(folder)]


def _places(folder: Path, files: Sequence[PictureFile]) -> list[PicturePlace]:
    """Makes the places of pictures below the folder of their label."""
    return [
        PicturePlace(escape_surrogates(f.path.relative_to(folder).as_posix()), f.label)
        for f in files
    ]


def _by_folders(root: Path, folders: Sequence[Path], others: Sequence[Path]) -> Contents:
    if len(folders) < 2:
        raise DataError(_few_labels(root, folders, others))
    _refuse_known_form(root)
    _refuse_nested(root, folders)
    labels, _ = _labels(root, folders)
    files: list[PictureFile] = []
    places: list[PicturePlace] = []
    for number, folder in enumerate(folders):
        below = _pictures_of(folder, number, "train")
        if not below:
            raise DataError(_no_pictures(folder))
        files += below
        places += _places(folder, below)
    notes = []
    if loose := [path.name for path in others if has_picture_suffix(path)]:
        notes.append(f"Passed over, as they lie in no label's folder: {join_names(loose)}.")
    return Contents(labels, files, places, notes, bool(loose))


def _few_labels(root: Path, folders: Sequence[Path], others: Sequence[Path]) -> str:
    """Explains why a folder with fewer than two label folders cannot be used, and what to do."""
    if form := describe_known_form(root):
        return form
    for path in others:
        if not has_picture_suffix(path) and (found := describe_label_file(path)):
            return found
    needed = f"at least 2 are needed, as in {root / 'happy'} and {root / 'sad'}"
    if not folders:
        pictures = sum(map(has_picture_suffix, others))
        if pictures:
            held = f"{format_count(pictures, 'picture')} and no folders"
            return f"{root} holds {held}. Labels are the names of folders; {needed}."
        if archives := [path.name for path in others if path.suffix.lower() in _ARCHIVES]:
            return f"{root} holds the archive {archives[0]}. Unpack it, and give what is in it."
        return f"{root} has 0 label folders; {needed}."
    only = folders[0]
    below, _ = list_entries(only)
    reason = f"{root} has 1 label folder, {only.name!r}; {needed}."
    if len(below) > 1:
        names = join_names(folder.name for folder in below)
        reason += f" If {names} are the labels (or splits), give {only}."
    return reason


def _no_pictures(folder: Path) -> str:
    """Explains why a label's folder is of no use."""
    for path in walk_files(folder):
        if found := describe_label_file(path):
            return found
    unread = Counter(path.suffix.lower() for path in walk_files(folder))
    if kinds := [f"{unread[suffix]} x {suffix}" for suffix in unread if suffix in UNREAD_SUFFIXES]:
        return (
            f"{folder} holds pictures only of kinds that are not read here ({', '.join(kinds)}). "
            "Export them as JPEG."
        )
    return f"{folder} holds no pictures (such as .jpg, .png, .webp, .bmp and .tif)."


def _refuse_known_form(root: Path) -> None:
    if form := describe_known_form(root):
        raise DataError(form)


def _refuse_nested(root: Path, folders: Sequence[Path]) -> None:
    """Raises `DataError` where expressions are the names of folders further down, one set for
    every person or every part. Equal sub-folders of other names are people, who have all
    expressions."""
    if sum(is_expression(folder.name) for folder in folders) > 1:
        return
    within = {folder: list(_folders_below(folder, MAX_LABEL_DEPTH)) for folder in folders}
    expressions = {name for names in within.values() for name in names if is_expression(name)}
    if len({*map(fold_text, expressions)}) < 2:
        return
    one = next(folder for folder, names in within.items() if any(map(is_expression, names)))
    raise DataError(
        f"{root} has the folders {join_names(f.name for f in folders)}, and the labels "
        f"({join_names(expressions)}) further down, in {one.name} and others. Put the labels "
        f"first: {root.name}/<label>/<person>/…; or name splits train/, valid/ and test/."
    )


def _folders_below(folder: Path, depth: int) -> Iterator[str]:
    """Yields the names of the folders in a folder, `depth` levels down."""
    for each in list_entries(folder)[0] if depth else ():
        yield each.name
        yield from _folders_below(each, depth - 1)


def _check_labels(root: Path, labels: Sequence[str]) -> None:
    """Raises `DataError` for a label that a model cannot hold."""
    for label in labels:
        try:
            check_label(label)
        except ValueError as cause:
            raise DataError(f"{root} has a label to rename: {cause}.") from cause
