"""Finds the videos that the words after `--video` name: files, folders, patterns and addresses."""

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.defaults import VIDEO_SUFFIXES
from app.errors import SourceError
from app.sources.remote_video import WebVideo

ANNOTATED = "_annotated"  # the end of the stem of a result that was made of another file


def is_one_file(named: Sequence[Path | WebVideo]) -> bool:
    """Tells whether the words can name only a single file, which may be missing."""
    if len(named) != 1:
        return False
    (path,) = named
    return isinstance(path, WebVideo) or (not os.path.isdir(path) and not _is_pattern(path))


def find_videos(named: Sequence[Path | WebVideo]) -> list[Path | WebVideo]:
    """Lists the videos in the order in which they were named; the videos of a folder or a pattern
    are sorted by name. A file that is named twice counts once, under its first name.

    A folder stands for the files with the suffix of a video in it, without hidden files and without
    `NAME_annotated` beside `NAME`. `**` in a pattern stands for any depth of folders. A file that
    was named is listed as it is, even if it is missing or no video.

    Raises:
        SourceError: If a folder has no videos, or nothing matches a pattern.
    """
    found: dict[Path | WebVideo, Path | WebVideo] = {}
    for path in named:
        if isinstance(path, WebVideo):
            found.setdefault(path, path)
            continue
        for file in _meant_by(path):
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _is_pattern(path: Path) -> bool:
    return not os.path.exists(path) and glob.has_magic(str(path))


def _meant_by(path: Path) -> Iterable[Path]:
    if os.path.isdir(path):
        try:
            inside = _videos(path.iterdir())
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
        if not inside:
            raise SourceError(f"The folder {path} has no videos. Name their folder, or the files.")
        return inside
    if _is_pattern(path):
        matches = _videos(Path(text) for text in glob.iglob(str(path), recursive=True))
        if not matches:
            raise SourceError(f"No video matches {path}.")
        return matches
    return [path]


def _videos(files: Iterable[Path]) -> list[Path]:
    return sorted(
        leave_out_annotated(
            file
            for file in files
            if file.suffix.lower() in VIDEO_SUFFIXES
            and not file.name.startswith(".")
            and file.is_file()
        )
    )


def leave_out_annotated(files: Iterable[Path]) -> list[Path]:
    """Lists the files without each `NAME_annotated` beside a `NAME`: it is the result of an earlier
    run.

    >>> names = "a.mp4", "a_annotated.mp4", "b_annotated.mp4"
    >>> [file.name for file in leave_out_annotated(map(Path, names))]
    ['a.mp4', 'b_annotated.mp4']
    """
    chosen = list(files)
    stems = {(file.parent, file.stem) for file in chosen}
    return [
        file
        for file in chosen
        if not file.stem.endswith(ANNOTATED)
        or (file.parent, file.stem.removesuffix(ANNOTATED)) not in stems
    ]
