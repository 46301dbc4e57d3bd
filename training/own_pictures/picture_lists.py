"""Recognises folders and files whose labels have a form that is not read here, and tells the user
what to do.

Annotation programs and sites that share data have one form each.
"""

import json
from pathlib import Path
from typing import Any

HEAD_BYTES = 1 << 16  # read to recognise a form
MAX_JSON_BYTES = 1 << 28  # larger files are not parsed
_AS_FOLDERS = (
    "This form is not read. Put each picture into a folder that is called after its label, "
    "<label>/<picture>, or write a table labels.csv with the columns image and label"
)


def describe_known_form(root: Path) -> str | None:
    """Describes, in a line, a folder that another command reads or that keeps its labels in
    files; None for an unknown one."""

    def has(*names: str) -> bool:
        return all((root / name).exists() for name in names)

    if has("EmoLabel", "Image"):
        return (
            f"{root} is RAF-DB as its authors hand it out. Read it by: python -m training.prepare "
            f"rafdb {root} -o raf.npz"
        )
    if has("training.csv", "Manually_Annotated_Images"):
        return (
            f"{root} is AffectNet as its authors hand it out. Read it by: python -m "
            f"training.prepare affectnet {root} --classes 8 -o affectnet.npz"
        )
    if has("Emotion", "cohn-kanade-images"):
        return (
            f"{root} is CK+ with its labels in Emotion/. {_AS_FOLDERS}. Take the last pictures of "
            "each sequence that has a file in Emotion/."
        )
    for place in (root, root / "train", root / "Train", root / "images"):
        if (place / "labels").is_dir() and (place / "images").is_dir():
            return (
                f"{place} keeps its labels in labels/*.txt (YOLO), but the file data.yaml that "
                f"names them is missing in the folder that was given, {root}."
            )
    return None


def describe_label_file(path: Path) -> str | None:
    """Describes, in a line, a file with labels and what to do with it; None for an unknown one."""
    name, suffix = path.name.casefold(), path.suffix.casefold()
    if suffix == ".csv":
        return _table(path)
    if suffix in (".json", ".jsonl", ".ndjson"):
        return _json(path)
    if suffix == ".xml":
        return _xml(path)
    if name == "label.lst":
        return _kept(path, "a list of ExpW: name, face, box and label's number in each line")
    if name == "list_patition_label.txt":
        return (
            f"{path} is RAF-DB's list. Read the set by: python -m training.prepare rafdb FOLDER -o "
            "raf.npz"
        )
    return None


def _kept(path: Path, what: str) -> str:
    return f"{path} is {what}. {_AS_FOLDERS}."


def _head(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD_BYTES).decode("utf-8-sig", errors="replace")
    except OSError:
        return ""


def _table(path: Path) -> str | None:
    columns = [name.strip().strip('"').casefold() for name in _first_line(path).split(",")]
    if {"pixels"} <= {*columns}:
        return (
            f"{path} holds pictures as numbers. Save each row as a picture in a folder of its "
            "label; or, if it is FER2013 and you have FER+'s fer2013new.csv, read both by: python "
            f"-m training.prepare ferplus --fer2013 {path} --ferplus fer2013new.csv -o ferplus.npz"
        )
    if {"xmin", "ymin"} <= {*columns}:
        return _kept(path, "a table of boxes, as Roboflow and TensorFlow write it")
    if len(columns) > 1:
        return _kept(path, f"a table with the columns {', '.join(columns[:6])}")
    return None


def _first_line(path: Path) -> str:
    return _head(path).partition("\n")[0].strip()


def _json(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > MAX_JSON_BYTES:
            return None
        text = path.read_text(encoding="utf-8-sig")
        found: Any = json.loads(text.partition("\n")[0] if path.suffix != ".json" else text)
    except (OSError, ValueError, RecursionError):
        return None
    if isinstance(found, list):
        found = found[0] if found else None
        if isinstance(found, dict) and "annotations" in found:
            return _kept(path, "an export of Label Studio")
    if not isinstance(found, dict):
        return None
    if {"images", "annotations", "categories"} <= found.keys():
        return _kept(path, "a COCO file, with labels of boxes")
    if "shapes" in found and "imagePath" in found:
        return _kept(path, "an annotation of LabelMe")
    if "file_name" in found:
        return _kept(path, "a Hugging Face metadata file")
    return _kept(path, f"a table with the fields {', '.join(list(map(str, found))[:6])}")


def _xml(path: Path) -> str | None:
    head = _head(path)
    if "<annotations>" in head and "<image " in head:
        return _kept(path, "an export of CVAT")
    if "<annotation>" in head:
        return _kept(path, "an annotation in the form of Pascal VOC")
    return None
