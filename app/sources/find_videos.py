"""Which videos are meant by what `--video` names: files, folders, patterns and addresses."""

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.defaults import VIDEO_SUFFIXES
from app.errors import SourceError
from app.sources.remote_video import WebVideo

ANNOTATED = "_annotated"


def is_one_file(named: Sequence[Path | WebVideo]) -> bool:
    """Whether what is named can only be a single file, there or not."""
    if len(named) != 1:
        return False
    (path,) = named
    return isinstance(path, WebVideo) or (not os.path.isdir(path) and not _is_pattern(path))


def find_videos(named: Sequence[Path | WebVideo]) -> list[Path | WebVideo]:
    """Files in the order in which they were named, those of a folder or a pattern sorted by name;
    of several names of one file the first.

    Of a folder these are its videos, by their suffix, but hidden ones and `NAME_annotated` beside
    `NAME`. `**` in a pattern is any depth of folders. A file that was named is taken as it is: what
    is wrong with it is said when its turn comes. Raises `SourceError` for a folder without videos
    and for a pattern that nothing matches.
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
    """Leave out each `NAME_annotated` beside a `NAME`: it is a result of a run before."""
    chosen = list(files)
    stems = {(file.parent, file.stem) for file in chosen}
    return [
        file
        for file in chosen
        if not file.stem.endswith(ANNOTATED)
        or (file.parent, file.stem.removesuffix(ANNOTATED)) not in stems
    ]
