"""Reads labels in YOLO's form: a text file for each picture, whose lines begin with a class's
number, and a file data.yaml that names the classes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from app.errors import DataError
from training.own_pictures.label_files import LabelRow

_SUFFIXES = frozenset([".yaml", ".yml"])
_IMAGES = "images"  # folder of pictures
_LABELS = "labels"  # folder of their label files
MAX_YAML_BYTES = 1 << 17  # larger files are no data.yaml


def read_class_names(path: Path) -> Mapping[int, str]:
    """Reads the name of each class's number from a data.yaml.

    The names below `names:` are a list, whose numbers begin with 0, or have their numbers before
    them. Another file gives none. Raises `DataError` for a file that is no YAML.
    """
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return {}
    if path.stat().st_size > MAX_YAML_BYTES:
        return {}
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        # All values stay texts: a class may be called `no` or `1`.
        content: Any = yaml.load(text, Loader=yaml.BaseLoader)
        names = content["names"]
        numbered = dict(enumerate(names)) if isinstance(names, list) else names
        found = {int(number): name.strip() for number, name in numbered.items()}
    except yaml.YAMLError as cause:
        mark = getattr(cause, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise DataError(
            f"{path} is no valid YAML{where}: {getattr(cause, 'problem', None) or cause}. Write "
            "paths without quotation marks or between single ones."
        ) from cause
    except (RecursionError, LookupError, TypeError, ValueError, AttributeError):
        return {}
    return found


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

    The folder in front of `images` or behind it gives the split. Raises `DataError`.
    """
    names = read_class_names(data)
    for picture in pictures:
        path = _labels_of(picture)
        if path is None:
            continue
        relative = picture.relative_to(folder)
        around = [part for part in relative.parts[:-1] if part != _IMAGES]
        split = around[-1] if around else ""
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
            yield LabelRow(relative.as_posix(), label, split)


def _tell_numbers(names: Mapping[int, str]) -> str:
    numbers = sorted(names)
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))
