"""Reads labels in YOLO's form: a text file for each picture, whose lines begin with a class's
number, and a file data.yaml that names the classes."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.errors import DataError
from training.own_pictures.label_files import LabelRow

_SUFFIXES = frozenset([".yaml", ".yml"])
_IMAGES = "images"  # folder of pictures
_LABELS = "labels"  # folder of their label files
_NAMES = re.compile(r"^names\s*:\s*(?P<inline>\S.*)?$")
_ENTRY = re.compile(r"^\s*(?:-|(?P<number>\d+)\s*:)\s*(?P<name>.+?)\s*$")
MAX_YAML_BYTES = 1 << 20  # larger files are no data.yaml


def read_class_names(path: Path) -> tuple[str, ...]:
    """Reads the names of the classes from a data.yaml, in the order of their numbers.

    They stand in brackets behind `names:`, or one on each line below it. Another file gives none.
    """
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return ()
    if path.stat().st_size > MAX_YAML_BYTES:
        return ()
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    for place, line in enumerate(lines):
        if match := _NAMES.match(line):
            inline = (match["inline"] or "").partition(" #")[0].strip()
            if inline:
                return _inline(inline + "".join(lines[place + 1 :]))
            return _block(lines[place + 1 :])
    return ()


def _inline(text: str) -> tuple[str, ...]:
    """Reads `['a', 'b']` or `{0: a, 1: b}`, up to the closing bracket."""
    if text[0] not in "[{":
        return ()
    inside = text[1:].partition("]" if text[0] == "[" else "}")[0]
    entries = [entry.strip() for entry in inside.split(",") if entry.strip()]
    if text[0] == "{":
        entries = [entry.partition(":")[2].strip() for entry in entries]
    return tuple(entry.strip("'\"") for entry in entries)


def _block(lines: Sequence[str]) -> tuple[str, ...]:
    names = []
    for line in lines:
        match = _ENTRY.match(line.partition(" #")[0])
        if match is None:
            break
        names.append(match["name"].strip("'\""))
    return tuple(names)


def find_yolo_file(files: Sequence[Path], pictures: Sequence[Path]) -> Path | None:
    """Finds the file among `files` that names the classes of `pictures` with labels in YOLO's
    form."""
    if not any(_labels_of(picture) for picture in pictures):
        return None
    return next((path for path in files if read_class_names(path)), None)


def _labels_of(picture: Path) -> Path | None:
    """Finds the file with a picture's labels: `labels` replaces the last `images` of its path."""
    parts = list(picture.parts)
    places = [place for place, part in enumerate(parts[:-1]) if part == _IMAGES]
    if not places:
        return None
    parts[places[-1]] = _LABELS
    path = Path(*parts).with_suffix(".txt")
    return path if path.is_file() else None


def read_yolo_rows(yaml: Path, folder: Path, pictures: Sequence[Path]) -> Iterator[LabelRow]:
    """Yields a row for each class in the label file of each of `pictures`, or a row without a label
    for an empty file.

    The folder in front of `images` or behind it gives the split. Raises `DataError`.
    """
    names = read_class_names(yaml)
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
            by_number = dict(enumerate(names))
            labels: list[str | None] = [by_number[number] for number in sorted(numbers)]
        except OSError as cause:
            raise DataError(f"{path} could not be read: {cause.strerror or cause}.") from cause
        except (ValueError, LookupError) as cause:
            raise DataError(
                f"{path} has a line that does not begin with the number of a class; {yaml.name} "
                f"names {len(names)}, from 0 on."
            ) from cause
        for label in labels or [None]:
            yield LabelRow(relative.as_posix(), label, split)
