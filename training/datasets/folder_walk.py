"""The files in a folder that are a user's own, and those of them that are pictures."""

import os
from collections.abc import Iterator
from pathlib import Path

from training.datasets.readers import PICTURES

# What systems and network drives leave in folders, besides hidden names.
_LEFT_BEHIND = frozenset(
    ["thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r", "@eadir", "#recycle", "$recycle.bin"]
    + ["lost+found", "system volume information"]
)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is none of a user's: its name begins with . or __, or a system left
    it behind."""
    return name.startswith((".", "__")) or name.casefold() in _LEFT_BEHIND


def list_entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """(folders, all else) in a folder, sorted, without what is hidden. Links are followed."""
    folders: list[Path] = []
    others: list[Path] = []
    with os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: entry.name):
            if not is_hidden(entry.name):
                (folders if _is_dir(entry) else others).append(folder / entry.name)
    return folders, others


def _is_dir(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def walk_files(folder: Path, above: tuple[tuple[int, int], ...] = ()) -> Iterator[Path]:
    """Everything below a folder that is no folder, in order of the names. Links to folders are
    followed, but not into a folder that they lie in."""
    status = folder.stat()
    key = (status.st_dev, status.st_ino)
    if key in above:
        return
    folders, others = list_entries(folder)
    yield from others
    for each in folders:
        yield from walk_files(each, (*above, key))


def has_picture_suffix(path: Path) -> bool:
    """Whether a file's name says that it is a picture."""
    return path.suffix.lower() in PICTURES


def list_pictures(folder: Path) -> tuple[Path, ...]:
    """The pictures anywhere below a folder."""
    return tuple(path for path in walk_files(folder) if has_picture_suffix(path))
