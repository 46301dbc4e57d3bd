"""Reads labels from a file beside the pictures: tables, and exports of annotation programs.

Every form gives rows of a picture's name and its label. `training.own_pictures.listed_folder` finds
the pictures, and reports rows that name none.
"""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from app.errors import DataError
from app.files.foreign_text import decode_text, split_separator_line

MAX_FILE_BYTES = 1 << 28  # larger files are no tables of labels
# Names of columns and fields, the likeliest first, in small letters and with _ for a blank.
PICTURE_COLUMNS = (
    *("file_name", "filename", "image_path", "img_path", "file_path", "filepath", "path", "pth"),
    *("image", "img", "picture", "pic", "photo", "file", "image_name", "img_name", "image_id"),
)
LABEL_COLUMNS = (
    *("label", "expression", "emotion", "class", "class_name", "category", "choice", "label_name"),
    *("emotion_label", "expression_label", "facial_expression", "labels", "tag", "target"),
)
SPLIT_COLUMNS = ("split", "usage", "subset", "partition")
PERSON_COLUMNS = (
    "person",
    "subject",
    "subject_id",
    "person_id",
    "participant",
    "actor",
    "identity",
)


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A picture's name as the file has it, with its label; None for no label or several. `split`
    and `person` are empty where the file has none."""

    picture: str
    label: str | None
    split: str = ""
    person: str = ""


class _UnusableFormError(ValueError):
    """A file has a form that is read here, and its content cannot be used."""


def is_label_file(path: Path) -> bool:
    """Tells whether a file holds labels of pictures in a form that is read here, also where
    `read_label_rows` cannot use them."""
    reader = _reader_of(path)
    try:
        return reader is not None and any(True for _ in reader(_text_of(path)))
    except _UnusableFormError:
        return True
    except (OSError, *_DAMAGED):
        return False


def read_label_rows(path: Path) -> Iterator[LabelRow]:
    """Yields the rows of a file with labels; none for a file of another form. A picture may have
    several rows.

    Raises `DataError` for a file that cannot be read.
    """
    reader = _reader_of(path)
    if reader is None:
        return
    try:
        yield from reader(_text_of(path))
    except OSError as cause:
        raise DataError(f"{path} could not be read: {cause.strerror or cause}.") from cause
    except _UnusableFormError as cause:
        raise DataError(f"{path} cannot be used: {cause}.") from cause
    except _DAMAGED as cause:
        raise DataError(f"{path} is damaged: {cause}.") from cause


def _text_of(path: Path) -> str:
    """Reads text in UTF-8, UTF-16 or Windows-1252, as spreadsheets write them."""
    text = decode_text(path.read_bytes())
    if text is None:
        raise ValueError("it is no text")
    return text


def _key(name: object) -> str:
    return re.sub(r"[\s\-]+", "_", str(name).strip().casefold())


def _column(names: Iterable[str], wanted: Iterable[str]) -> str | None:
    """Finds the first of the `wanted` columns that is present, by its own name."""
    by_key = {_key(name): name for name in names if name is not None}
    return next((by_key[key] for key in wanted if key in by_key), None)


def _one(label: Any) -> str | None:
    """Turns a label into text; None for no label and for several."""
    if isinstance(label, list):
        return _one(label[0]) if len(label) == 1 else None
    if isinstance(label, dict) or label is None:
        return None
    if isinstance(label, float) and math.isnan(label):  # JSON's NaN, as pandas writes an empty cell
        return None
    return str(label).strip() or None


def _from_table(rows: Iterable[Mapping[str, Any]]) -> Iterator[LabelRow]:
    """Yields rows of a table with a column of pictures and a column of labels, or a column of 0
    and 1 for each label."""
    picture = label = split = person = None
    one_hot: list[str] = []
    for number, row in enumerate(rows):
        if number == 0:
            picture, label = _column(row, PICTURE_COLUMNS), _column(row, LABEL_COLUMNS)
            split, person = _column(row, SPLIT_COLUMNS), _column(row, PERSON_COLUMNS)
            others = [name for name in row if name not in (picture, split, person)]
            if label is None and len(others) > 1 and all(_is_flag(row[name]) for name in others):
                one_hot = others
            if picture is None or (label is None and not one_hot):
                return
        name = _one(row.get(picture or ""))
        if name is None:
            continue
        if one_hot:
            if others := [each for each in one_hot if not _is_flag(row.get(each) or 0)]:
                raise _UnusableFormError(
                    f"{name} has {row[others[0]]!r} in the column {others[0].strip()!r}, where 0 "
                    "or 1 is expected. Votes are not read; write the label of each picture"
                )
            marked = [each.strip() for each in one_hot if _is_marked(row.get(each))]
            found = marked[0] if len(marked) == 1 else None
        else:
            found = _one(row.get(label or ""))
        yield LabelRow(
            name,
            found,
            _one(row.get(split)) or "" if split else "",
            _one(row.get(person)) or "" if person else "",
        )


def _is_flag(value: Any) -> bool:
    return str(value).strip() in ("0", "1", "0.0", "1.0")


def _is_marked(value: Any) -> bool:
    return str(value).strip() in ("1", "1.0")


def _csv(text: str) -> Iterator[LabelRow]:
    marked = split_separator_line(text)
    delimiter, text = marked or ("", text)
    head = text.partition("\n")[0]
    delimiter = delimiter or max(",;\t", key=head.count)
    if "pixels" in map(_key, head.split(delimiter)):
        return  # pictures as numbers
    csv.field_size_limit(1 << 20)
    yield from _from_table(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def _json_lines(text: str) -> Iterator[LabelRow]:
    parsed = (json.loads(line) for line in text.splitlines() if line.strip())
    yield from _from_table(row for row in parsed if isinstance(row, dict))


def _json(text: str) -> Iterator[LabelRow]:
    found = json.loads(text)
    if isinstance(found, dict) and {"images", "annotations", "categories"} <= found.keys():
        yield from _coco(found)
    elif isinstance(found, list):
        tasks = [row for row in found if isinstance(row, dict)]
        if tasks and "annotations" in tasks[0]:
            yield from _label_studio(tasks)
        else:
            yield from _from_table(tasks)


def _coco(found: dict[str, Any]) -> Iterator[LabelRow]:
    """Yields a row for each annotation of a picture. COCO's ids are whole numbers."""
    try:
        names = {each["id"]: str(each["file_name"]) for each in found["images"]}
        labels = {each["id"]: _one(each["name"]) for each in found["categories"]}
        for each in found["annotations"]:
            yield LabelRow(names[each["image_id"]], labels[each["category_id"]])
    except (KeyError, TypeError) as cause:
        raise _UnusableFormError(f"an entry of its COCO lists lacks {cause}") from cause
    if not found["annotations"]:
        raise _UnusableFormError("its COCO list of annotations is empty")


def _label_studio(tasks: Iterable[dict[str, Any]]) -> Iterator[LabelRow]:
    """Yields a row for each choice that was made for a picture."""
    for task in tasks:
        try:
            data = task["data"]
            picture = str(data[_column(data, PICTURE_COLUMNS)])
            for annotation in task["annotations"]:
                if annotation.get("was_cancelled"):
                    continue
                for result in annotation["result"]:
                    choices = result.get("value", {}).get("choices")  # relations have no value
                    if choices:
                        yield LabelRow(picture, _one(choices))
        except (KeyError, TypeError, AttributeError) as cause:
            raise _UnusableFormError(f"a task of Label Studio lacks {cause}") from cause


_NO_SUBSET = frozenset(["default", "none"])  # CVAT's words for pictures outside all subsets


def _xml(text: str) -> Iterator[LabelRow]:
    """Yields a row for each tag or shape of a picture, from CVAT's "for images"."""
    if "<image " not in text or "<!ENTITY" in text:
        return
    for image in ElementTree.fromstring(text).iter("image"):
        subset = image.get("subset", "")
        split = "" if subset.casefold() in _NO_SUBSET else subset
        for each in image:
            if label := each.get("label", "").strip():
                yield LabelRow(image.get("name", ""), label, split)


_READERS: dict[str, Callable[[str], Iterator[LabelRow]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".xml": _xml,
}
_DAMAGED = (ValueError, RecursionError, csv.Error, ElementTree.ParseError)


def _reader_of(path: Path) -> Callable[[str], Iterator[LabelRow]] | None:
    reader = _READERS.get(path.suffix.casefold())
    if reader is None or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
        return None
    return reader


# Label Studio puts eight hex digits before the name of an uploaded picture.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")


def list_file_names(picture: str) -> list[str]:
    """Lists the names that a picture may have on the disk: its path, the path's last part, and that
    part without Label Studio's prefix. An address gives the path in it.

    >>> list_file_names("/data/upload/1/0a1b2c3d-happy.jpg")
    ['/data/upload/1/0a1b2c3d-happy.jpg', '0a1b2c3d-happy.jpg', 'happy.jpg']
    """
    try:
        address = urlsplit(picture)
    except ValueError:  # such as //[1].jpg, which begins as a host does
        address = SplitResult("", "", "", "", "")
    if (address.scheme and address.netloc) or picture.startswith("/data/"):
        within = parse_qs(address.query).get("d", [address.path])[0]
        picture = unquote(within)
    path = picture.replace("\\", "/").removeprefix("./")
    last = path.rpartition("/")[2]
    return list(dict.fromkeys((path, last, _UPLOADED.sub("", last))))
