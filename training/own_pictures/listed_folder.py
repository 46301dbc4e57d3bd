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
from training.datasets.split_folders import recognise_split
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
    """Finds pictures by the name in a row: by path, or else by a name that only one picture has."""

    def __init__(self, file: LabelFile) -> None:
        self._by_path = {p.relative_to(file.folder).as_posix(): p for p in file.pictures}
        by_name: dict[str, list[Path]] = defaultdict(list)
        for picture in file.pictures:
            by_name[picture.name].append(picture)
        self._by_name = {name: found[0] for name, found in by_name.items() if len(found) == 1}

    def find(self, picture: str) -> Path | None:
        for name in list_file_names(picture):
            if found := self._by_path.get(name) or self._by_name.get(name):
                return found
        return None


def _read(file: LabelFile) -> _Read:
    pictures, read = _Pictures(file), _Read()
    of_yolo = bool(read_class_names(file.path))
    rows = (
        read_yolo_rows(file.path, file.folder, file.pictures)
        if of_yolo
        else read_label_rows(file.path)
    )
    for row in rows:
        read.count += 1
        path = pictures.find(row.picture)
        if path is None:
            read.missing.append(row.picture)
            continue
        read.rows.setdefault(path, row)
        if row.label is not None:
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

    A column of splits, or else the name of the picture's first folder, gives the split. Raises
    `DataError` where too many rows name no picture, or where fewer than two labels are found.
    """
    read = [_read(file) for file in files]
    spelled: dict[str, str] = {}
    for each in read:
        for row in each.rows.values():
            if row.label is not None:
                spelled.setdefault(fold_text(row.label), row.label)
    labels = tuple(sorted(spelled.values()))
    if len(labels) < 2:
        found = f"one label only, {labels[0]!r}" if labels else "no label"
        raise DataError(f"{files[0].path} has {found}; at least 2 are needed.")
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
            folder = path.relative_to(file.folder).parts[0]
            split = file.split or recognise_split(row.split) or recognise_split(folder) or "train"
            pictures.append(PictureFile(path, split, numbers[label]))
            places.append(
                PicturePlace(escape_surrogates(path.name), numbers[label], fold_text(row.person))
            )
        notes.append(f"The labels are read from {file.path.relative_to(root).as_posix()}.")
        lines += _left_over(file, each, unclear)
    named = {path for each in read for path in each.labels}
    unnamed = {path.name for file in files for path in file.pictures if path not in named}
    if unnamed:
        lines.append(f"{format_count(len(unnamed), 'picture')} left out, which no row names.")
    if not any(picture.split == "train" for picture in pictures):
        raise DataError(f"{files[0].path} names no picture for training.")
    return Contents(labels, pictures, places, [*notes, *lines], bool(lines))


def _left_over(file: LabelFile, read: _Read, unclear: int) -> Iterator[str]:
    name = file.path.name
    if unclear:
        pictures = format_count(unclear, "picture")
        yield f"{pictures} left out, to which {name} gives no label or several."
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


def _only_list(folder: Path, files: Sequence[Path]) -> Path | None:
    lists = [path for path in files if is_label_file(path)]
    if len(lists) > 1:
        raise DataError(
            f"{folder} has several files with labels: {join_names(path.name for path in lists)}. "
            "Leave one of them there, or call one after each split."
        )
    return lists[0] if lists else None
