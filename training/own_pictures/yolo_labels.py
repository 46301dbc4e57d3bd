"""Reads labels in YOLO's form: a text file for each picture, whose lines begin with a class's
number, and a file data.yaml that names the classes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from app.errors import DataError
from training.datasets.readers import Split
from training.datasets.split_folders import recognise_split_of_path
from training.own_pictures.label_files import LabelRow

_SUFFIXES = frozenset([".yaml", ".yml"])
_IMAGES = "images"  # folder of pictures
_LABELS = "labels"  # folder of their label files
_SETS: Mapping[str, Split] = {"train": "train", "val": "valid", "valid": "valid", "test": "test"}
MAX_YAML_BYTES = 1 << 17  # larger files are no data.yaml


def read_class_names(path: Path) -> Mapping[int, str]:
    """Reads the name of each class's number from a data.yaml.

    The names below `names:` are a list, whose numbers begin with 0, or have their numbers before
    them. Another file gives none. Raises `DataError` for a file that is no YAML.
    """
    try:
        names = _load(path)["names"]
        numbered = dict(enumerate(names)) if isinstance(names, list) else names
        return {int(number): name.strip() for number, name in numbered.items()}
    except (LookupError, TypeError, ValueError, AttributeError):
        return {}


def _load(path: Path) -> Any:  # of any form
    """Reads a YAML file; None for another file. All values are texts, because a class may be called
    `no` or `1`. Raises `DataError` for a file that is no YAML."""
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return None
    if path.stat().st_size > MAX_YAML_BYTES:
        return None
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as cause:
        mark = getattr(cause, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise DataError(
            f"{path} is no valid YAML{where}: {getattr(cause, 'problem', None) or cause}. Write "
            "paths without quotation marks or between single ones."
        ) from cause
    except RecursionError:
        return None


def read_sets(data: Path, pictures: Sequence[Path]) -> Mapping[Path, Split]:
    """Reads which of `pictures` belong to the sets that a data.yaml names.

    `train:`, `val:` and `test:` are each a folder, a file with a path in each line, or a list of
    these. A picture in several sets belongs to the first of them.
    """
    found: dict[Path, Split] = {}
    content = _load(data)
    if not isinstance(content, dict):
        return found
    bases = (data.parent / str(content.get("path") or ""), data.parent)
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for picture in pictures:
        by_folder[picture.parent].append(picture)
    resolved = {folder.resolve(): inside for folder, inside in by_folder.items()}
    for key, split in _SETS.items():
        given = content.get(key) or []
        for entry in given if isinstance(given, list) else [given]:
            for picture in _list_set(str(entry), bases, resolved):
                found.setdefault(picture, split)
    return found


def _list_set(
    entry: str, bases: Sequence[Path], pictures: Mapping[Path, Sequence[Path]]
) -> Iterator[Path]:
    """Yields those of `pictures`, by their folder, that belong to one entry of a data.yaml; none
    for an entry with a path of another machine."""
    place = next((base / entry for base in bases if (base / entry).exists()), None)
    if place is None:
        return
    if place.is_dir():
        place = place.resolve()
        for folder, inside in pictures.items():
            if place in (folder, *folder.parents):
                yield from inside
    elif place.suffix == ".txt":
        lines = place.read_text(encoding="utf-8", errors="replace").replace("\0", "").splitlines()
        named = [line.strip() for line in lines if line.strip()]
        listed: dict[Path, set[str]] = defaultdict(set)
        for path in (base / name for name in named for base in (*bases, place.parent)):
            listed[path.parent].add(path.name)
        for parent, names in listed.items():
            yield from (path for path in pictures.get(parent.resolve(), ()) if path.name in names)


def find_yolo_file(files: Sequence[Path], pictures: Sequence[Path]) -> Path | None:
    """Finds the file among `files` that names the classes of `pictures` with labels in YOLO's
    form. Raises `DataError` where none does and one of them is no YAML."""
    if not list_yolo_labels(pictures):
        return None
    broken: DataError | None = None
    for path in files:
        try:
            if read_class_names(path):
                return path
        except DataError as error:
            broken = broken or error
    if broken is not None:
        raise broken
    return None


def list_yolo_labels(pictures: Sequence[Path]) -> tuple[Path, ...]:
    """Lists the files with labels of `pictures`."""
    return tuple(path for picture in pictures if (path := _labels_of(picture)) is not None)


def _labels_of(picture: Path) -> Path | None:
    """Finds the file with a picture's labels: `labels` replaces the last `images` of its path."""
    parts = list(picture.parts)
    places = [place for place, part in enumerate(parts[:-1]) if part == _IMAGES]
    if not places:
        return None
    parts[places[-1]] = _LABELS
    path = Path(*parts).with_suffix(".txt")
    return path if path.is_file() else None


def read_yolo_rows(data: Path, folder: Path, pictures: Sequence[Path]) -> Iterator[LabelRow]:
    """Yields a row for each class in the label file of each of `pictures`, or a row without a label
    for an empty file.

    The sets of data.yaml give the split, else the names of the picture's folders. Where neither
    does for a picture, but data.yaml names sets, the picture has no row. Raises `DataError`.
    """
    names, sets = read_class_names(data), read_sets(data, pictures)
    for picture in pictures:
        path = _labels_of(picture)
        if path is None:
            continue
        relative = picture.relative_to(folder)
        split = sets.get(picture) or recognise_split_of_path(relative)
        if split is None and sets:
            continue
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            numbers = {int(line.split()[0]) for line in lines if line.strip()}
            labels: list[str | None] = [names[number] for number in sorted(numbers)]
        except OSError as cause:
            raise DataError(f"{path} could not be read: {cause.strerror or cause}.") from cause
        except (ValueError, LookupError) as cause:
            raise DataError(
                f"{path} has a line that does not begin with the number of a class; {data.name} "
                f"names {_tell_numbers(names)}."
            ) from cause
        for label in labels or [None]:
            yield LabelRow(relative.as_posix(), label, split or "")


def _tell_numbers(names: Mapping[int, str]) -> str:
    numbers = sorted(names)
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))
