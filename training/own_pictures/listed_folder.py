"""Reads a folder whose labels stand in a file: finds the picture of each row, and reports rows
and pictures without a partner."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import DataError
from app.wording import escape_surrogates, format_count
from training.base.wording import join_names
from training.datasets.expression_words import fold_text
from training.datasets.folder_walk import list_entries, list_pictures
from training.datasets.readers import PictureFile, Split
from training.datasets.split_folders import recognise_split, recognise_split_of_path
from training.own_pictures.label_files import (
    LabelRow,
    is_label_file,
    list_file_names,
    read_label_rows,
)
from training.own_pictures.people import PicturePlace
from training.own_pictures.picture_lists import describe_known_form
from training.own_pictures.yolo_labels import (
    find_yolo_file,
    list_yolo_labels,
    read_class_names,
    read_yolo_rows,
)

MIN_FOUND_SHARE = 0.5  # of the rows; with fewer pictures found, the file is of another folder


@dataclass(frozen=True, slots=True)
class Contents:
    """The labelled pictures of a folder. `places` are in the order of `files`; `notes` are lines
    for people. `left_out` is True where pictures lack a label, or labels a picture."""

    labels: tuple[str, ...]
    files: list[PictureFile]
    places: list[PicturePlace]
    notes: list[str]
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A file with labels of the pictures in `folder`. `split` is set where the folder holds that
    split alone; `single` are files with the labels of a single picture each."""

    path: Path
    folder: Path
    pictures: tuple[Path, ...]
    split: Split | None = None
    single: tuple[Path, ...] = ()


@dataclass(slots=True)
class _Read:
    """The rows of each picture; `missing` names the rows without one."""

    labels: dict[Path, set[str]] = field(default_factory=lambda: defaultdict(set))
    rows: dict[Path, LabelRow] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    count: int = 0


class _Pictures:
    """Finds pictures by the name in a row: by path, or else by a name that only one picture has.

    Where some rows have the path of a picture, all paths are as they are here, so a row with the
    path of no picture does not mean one of the same name in another folder.
    """

    def __init__(self, file: LabelFile, rows: Sequence[LabelRow]) -> None:
        self._by_path = {p.relative_to(file.folder).as_posix(): p for p in file.pictures}
        by_name: dict[str, list[Path]] = defaultdict(list)
        for picture in file.pictures:
            by_name[picture.name].append(picture)
        self._by_name = {name: found[0] for name, found in by_name.items() if len(found) == 1}
        paths = (list_file_names(row.picture)[0] for row in rows)
        self._have_paths = any("/" in path and path in self._by_path for path in paths)

    def find(self, picture: str) -> Path | None:
        names = list_file_names(picture)
        if self._have_paths and "/" in names[0]:
            return self._by_path.get(names[0])
        for name in names:
            if found := self._by_path.get(name) or self._by_name.get(name):
                return found
        return None


def _read(file: LabelFile) -> _Read:
    of_yolo = bool(read_class_names(file.path))
    rows = list(
        read_yolo_rows(file.path, file.folder, file.pictures)
        if of_yolo
        else read_label_rows(file.path)
    )
    pictures, read = _Pictures(file, rows), _Read()
    for row in rows:
        if row.split and recognise_split(row.split) is None:
            raise DataError(
                f"{file.path} has the split {row.split[:40]!r} for {row.picture[:80]!r}, which is "
                "none that is known. Write train, valid or test there, or rename the column if it "
                "has another meaning."
            )
        read.count += 1
        path = pictures.find(row.picture)
        if path is None:
            read.missing.append(row.picture)
            continue
        first = read.rows.setdefault(path, row)
        if len({recognise_split(first.split), recognise_split(row.split)} - {None}) > 1:
            read.labels[path] |= {"", "\0"}  # of several splits: the picture is left out
        elif row.label is not None:
            read.labels[path].add(fold_text(row.label))
            read.rows[path] = row
        else:
            read.labels[path] |= {"", "\0"}  # no label or several: the picture is left out
    if len(read.missing) > (1 - MIN_FOUND_SHARE) * read.count:
        raise DataError(
            f"{len(read.missing)} of {read.count} rows of {file.path} name no picture in "
            f"{file.folder}, such as {read.missing[0][:80]!r}. Put the pictures there."
        )
    return read


def read_labels_from_lists(root: Path, files: Sequence[LabelFile]) -> Contents:
    """Reads a folder whose labels stand in `files`.

    A column of splits, or else the names of the picture's folders, give the split. Raises
    `DataError` where too many rows name no picture, or where fewer than two labels are found.
    """
    read = [_read(file) for file in files]
    spelled: dict[str, str] = {}
    for each in read:
        for path, row in each.rows.items():
            if row.label is not None and len(each.labels[path]) == 1:
                spelled.setdefault(fold_text(row.label), row.label)
    labels = tuple(sorted(spelled.values()))
    if len(labels) < 2:
        found = f"one label only, {labels[0]!r}" if labels else "no picture with a single label"
        raise DataError(f"{files[0].path} has {found}; at least 2 labels are needed.")
    numbers = {fold_text(label): number for number, label in enumerate(labels)}
    pictures: list[PictureFile] = []
    places: list[PicturePlace] = []
    notes: list[str] = []
    lines: list[str] = []
    for file, each in zip(files, read, strict=True):
        unclear = 0
        for path in file.pictures:
            given = each.labels.get(path, set())
            if len(given) != 1:
                unclear += bool(given)
                continue
            (label,) = given
            row = each.rows[path]
            below = recognise_split_of_path(path.relative_to(file.folder))
            split = file.split or recognise_split(row.split) or below or "train"
            pictures.append(PictureFile(path, split, numbers[label]))
            places.append(
                PicturePlace(escape_surrogates(path.name), numbers[label], fold_text(row.person))
            )
        notes.append(f"The labels are read from {file.path.relative_to(root).as_posix()}.")
        lines += _left_over(file, each, unclear)
    named = {path for each in read for path in each.labels}
    unnamed = {path for file in files for path in file.pictures if path not in named}
    if unnamed:
        lines.append(f"{format_count(len(unnamed), 'picture')} left out, which no row names.")
    if not any(picture.split == "train" for picture in pictures):
        raise DataError(f"{files[0].path} names no picture for training.")
    return Contents(labels, pictures, places, [*notes, *lines], bool(lines))


def _left_over(file: LabelFile, read: _Read, unclear: int) -> Iterator[str]:
    name = file.path.name
    if unclear:
        pictures = format_count(unclear, "picture")
        yield f"{pictures} left out, to which {name} gives no label, several, or several splits."
    if missing := len(read.missing):
        yield f"{format_count(missing, 'row')} of {name} left out, for which there is no picture."


def find_label_files(
    root: Path, folders: Sequence[Path], others: Sequence[Path], splits: dict[Split, Path]
) -> list[LabelFile]:
    """Finds the files that hold the labels where folders do not: one for each split, in its folder
    or named after it, or one for all.

    Raises `DataError` for several files that might be meant.
    """
    if any((folder / "images").is_dir() for folder in (root, *splits.values())):
        pictures = list_pictures(root)
        if yaml := find_yolo_file(others, pictures):
            return [LabelFile(yaml, root, pictures, single=list_yolo_labels(pictures))]
    train = splits.get("train", root)
    if len(list_entries(train)[0] if splits else folders) > 1 or describe_known_form(train):
        return []
    found: list[LabelFile] = []
    for split, folder in splits.items():
        if one := _only_list(folder, list_entries(folder)[1]):
            found.append(LabelFile(one, folder, list_pictures(folder), split))
    if found:
        return found
    named = {recognise_split(path.stem): path for path in others if is_label_file(path)}
    pictures = list_pictures(root)
    if len(named) > 1 and None not in named:
        return [LabelFile(path, root, pictures, split) for split, path in named.items()]
    one = _only_list(root, others)
    return [LabelFile(one, root, pictures)] if one else []


def find_splits_without_list(
    root: Path, files: Sequence[LabelFile], splits: dict[Split, Path]
) -> Iterator[Path]:
    """Yields the folder of test pictures where other splits have a file with labels and it has
    none. Raises `DataError` for such training or validation pictures."""
    if not files or any(file.folder == root for file in files):
        return
    for split, folder in splits.items():
        if any(file.split == split for file in files):
            continue
        if split != "test":
            raise DataError(
                f"{folder} has no file with labels, and {files[0].path} is one of another split. "
                f"Put one there, or one for all pictures into {root}."
            )
        yield folder


def _only_list(folder: Path, files: Sequence[Path]) -> Path | None:
    lists = [path for path in files if is_label_file(path)]
    if len(lists) > 1:
        raise DataError(
            f"{folder} has several files with labels: {join_names(path.name for path in lists)}. "
            "Leave one of them there, or call one after each split."
        )
    return lists[0] if lists else None
