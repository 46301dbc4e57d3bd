"""Lists the files of a folder, without those that a system put there, and finds the pictures
among them."""

import os
from collections.abc import Iterator
from pathlib import Path

from training.datasets.readers import PICTURES

# Files that systems and network drives leave in folders, besides hidden names.
_LEFT_BEHIND = frozenset(
    ["thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r", "@eadir", "#recycle", "$recycle.bin"]
    + ["lost+found", "system volume information"]
)


def is_hidden(name: str) -> bool:
    """Tells whether a user did not put this file or folder here: its name begins with . or __,
    or is that of a file which systems leave behind."""
    return name.startswith((".", "__")) or name.casefold() in _LEFT_BEHIND


def list_entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Lists the folders in a folder, and all else in it; both sorted, without hidden names.
    Links are followed."""
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
    """Yields the files below a folder in order of the names. Links to folders are followed, but
    not into a folder that holds them."""
    status = folder.stat()
    key = (status.st_dev, status.st_ino)
    if key in above:
        return
    folders, others = list_entries(folder)
    yield from others
    for each in folders:
        yield from walk_files(each, (*above, key))


def has_picture_suffix(path: Path) -> bool:
    """Tells whether a file's name ends as that of a picture that this program reads."""
    return path.suffix.lower() in PICTURES


def list_pictures(folder: Path) -> tuple[Path, ...]:
    """Lists the pictures anywhere below a folder."""
    return tuple(path for path in walk_files(folder) if has_picture_suffix(path))
