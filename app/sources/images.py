"""Reads picture files one after the other as the frames of a source."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from app.defaults import PICTURE_SUFFIXES
from app.errors import SourceError
from app.pictures.kinds import UNREAD_SUFFIXES
from app.pictures.reader import Picture, check_beginning, open_picture
from app.sources.base import InputFile, SourceDefaults
from app.sources.find_videos import leave_out_annotated
from app.types import Frame, Mode
from app.wording import escape_controls, escape_surrogates, format_count

MAX_NAMES = 10  # of pictures, in one line
Opened = Picture | SourceError  # a picture, or the reason why its file cannot be read


def open_in_turn(files: Iterable[Path]) -> Iterator[Opened]:
    """Opens picture files one after the other, each when it is asked for."""
    for file in files:
        try:
            yield open_picture(file)
        except SourceError as error:
            yield error


class ImageSource(SourceDefaults):
    """Delivers pictures, each of which stands for itself. A context manager.

    A folder among `paths` stands for every picture in it, sorted by name, without hidden files and
    without `NAME_annotated` beside `NAME`. A picture that cannot be read is left out.

    Attributes:
        files: Maps the `source` of each frame to its file.
        digests: Maps the `source` of each frame so far to the SHA-256 of the bytes that were read.
        skip_reasons: Maps each file that was left out to the reason, a sentence.
        open_files: Opens files in the order given; another function may open them ahead.

    Raises:
        SourceError: If there is no picture, or none of them can be read. Where the first bytes of
            the files tell that none is a picture, the source is not made.
    """

    mode = Mode.PICTURES

    def __init__(self, paths: Sequence[Path]) -> None:
        self.open_files: Callable[[Iterable[Path]], Iterator[Opened]] = open_in_turn
        self.skip_reasons: dict[Path, str] = {}
        self.digests: dict[str, str] = {}
        self._several: dict[Path, tuple[int, str]] = {}  # file -> pictures in it, and its kind
        found: dict[Path, Path] = {}  # resolved -> as given: a picture named twice counts once
        for path in paths:
            for file in self._list_pictures(path):
                found.setdefault(file.resolve(), file)
        if not found:
            raise SourceError(next(iter(self.skip_reasons.values()), "No picture was given."))
        names = map(escape_surrogates, _short_names(list(found)))
        self.files = dict(zip(names, found.values(), strict=True))
        self._given = len(self.files) + len(self.skip_reasons)
        self.frame_count: int | None = len(self.files)
        self.name = (
            escape_surrogates(paths[0].resolve().name)
            if len(paths) == 1
            else f"{len(self.files)} pictures"
        )
        self._check_beginnings()

    def _check_beginnings(self) -> None:
        """Raises `SourceError` if no file begins as a picture. One that does ends the check."""
        reasons = {}
        for file in self.files.values():
            try:
                check_beginning(file)
            except SourceError as error:
                reasons[file] = str(error)
            else:
                return
        self.skip_reasons |= reasons
        raise SourceError(self._explain_no_picture())

    def _explain_no_picture(self) -> str:
        why, *_ = self.skip_reasons.values()
        return why if self._given == 1 else f"No picture can be read: {self.warning}"

    def _list_pictures(self, path: Path) -> list[Path]:
        try:
            if path.is_dir():
                return self._list_folder(path)
            if path.exists():
                return [path]
        except OSError as error:
            self.skip_reasons[path] = f"{path} cannot be read: {error.strerror}."
            return []
        self.skip_reasons[path] = f"{path} does not exist."
        return []

    def _list_folder(self, folder: Path) -> list[Path]:
        """Lists the pictures of a folder, also those of kinds that are not read: the warning names
        each of them when its turn comes."""
        inside = leave_out_annotated(
            file
            for file in sorted(folder.iterdir())
            if file.suffix.lower() in PICTURE_SUFFIXES | UNREAD_SUFFIXES
            and not file.name.startswith(".")
            and file.is_file()
        )
        if not inside:
            raise SourceError(
                f"The folder {folder} has no pictures. Those of folders in it are read when these "
                "are named."
            )
        return inside

    @property
    def warning(self) -> str | None:
        """One line on pictures left out, and on files of several pictures; None if there are
        none."""
        lines = []
        if self.skip_reasons:
            why, *_ = self.skip_reasons.values()
            _, *others = (path.name for path in self.skip_reasons)
            count = len(self.skip_reasons)
            lines.append(f"{count} of {format_count(self._given, 'picture')} left out: {why}")
            if others:
                lines.append(f"Also left out: {_join_names(others)}.")
        if self._several:
            (file, (count, kind)), *_ = self._several.items()
            _, *others = (path.name for path in self._several)
            lines.append(
                f"Of {escape_controls(str(file))}, which holds {count} pictures, the first was "
                "read."
            )
            if kind != "TIFF":
                lines.append("For all of them use --video.")
            if others:
                lines.append(f"Likewise: {_join_names(others)}.")
        return " ".join(lines) or None

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        opened = self.open_files(self.files.values())
        for (name, file), picture in zip(self.files.items(), opened, strict=True):
            if isinstance(picture, SourceError):
                self.skip_reasons[file] = str(picture)
                continue
            if picture.count > 1:
                self._several[file] = picture.count, picture.kind
            self.digests[name] = picture.sha256
            yield Frame(picture.image, index, 0.0, name)
            index += 1
        if index == 0:
            raise SourceError(self._explain_no_picture())

    def list_files(self) -> Sequence[InputFile]:
        """Lists all pictures; those that were not read have no hash."""
        return [
            InputFile(name, self.digests.get(name), _size_bytes(file))
            for name, file in self.files.items()
        ]


def _size_bytes(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _join_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return escape_controls(", ".join(names[:MAX_NAMES]) + more)


def _short_names(files: Sequence[Path]) -> list[str]:
    """Names each file. Files that share a name get their folders in front, as far as needed."""
    times = Counter(file.name for file in files)
    if len(times) == len(files):
        return [file.name for file in files]
    try:
        root = os.path.commonpath([file.parent for file in files])
    except ValueError:  # on several drives
        return [file.as_posix() for file in files]
    return [
        file.name if times[file.name] == 1 else file.relative_to(root).as_posix() for file in files
    ]
