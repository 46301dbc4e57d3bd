"""The sink that writes annotated pictures, and the rules for their names."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from app.defaults import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from app.errors import SinkError
from app.files.atomic import make_write_error, reserve
from app.outputs.picture_writer import JPEG_SUFFIXES, write_picture
from app.pictures.kinds import UNREAD_SUFFIXES
from app.types import FrameResult, Image

DOCUMENT_SUFFIXES = {".csv", ".htm", ".html", ".json", ".jsonl", ".parquet", ".pdf", ".txt"}
WRITABLE_SUFFIXES = JPEG_SUFFIXES | {".bmp", ".png", ".tif", ".tiff", ".webp"}


class Pictures(Protocol):
    """A source of pictures."""

    @property
    def files(self) -> Mapping[str, Path]:
        """The files of the pictures, by the `source` of their frames."""


class ImagesSink:
    """Writes annotated pictures, each complete as soon as it is written. All names are chosen and
    checked before the first picture, so that a run does not fail half-way over a name.

    Args:
        target: None: each picture gets the name NAME_annotated beside it. A folder, made if
            missing: the same names in there. For a single picture also the file to write.
        source: The source of the pictures.
        overwrite: Whether existing files are replaced.

    Attributes:
        path: The file of a single picture, else the folder.

    Raises:
        SinkError: A name cannot be written.
    """

    dropped = 0
    warning = None

    def __init__(self, target: Path | None, source: Pictures, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._made: Path | None = None
        files = source.files
        is_file = target is not None and (
            target.suffix.lower() in WRITABLE_SUFFIXES and not target.is_dir()
        )
        if target is not None and _names_other_file(target):
            raise SinkError(
                f"{target} is not a picture that can be written. Use one of "
                f"{', '.join(sorted(WRITABLE_SUFFIXES))}, or name a folder."
            )
        if target is not None and is_file:
            if len(files) != 1:
                raise SinkError(
                    f"{target} is one picture, but there are {len(files)} to write. Give a folder."
                )
            self._targets = dict.fromkeys(files, target)
        else:
            if target is not None:
                self._make_folder(target)
            self._targets = list_targets(files, target)
        originals = _OriginalFiles(files.values())
        try:
            for path in self._targets.values():
                reserve(path, overwrite=overwrite, inputs=originals.find_same(path))
        except SinkError:
            self.abort()
            raise
        outputs = list(self._targets.values())
        self.path = outputs[0] if len(outputs) == 1 else target or outputs[0].parent

    def _make_folder(self, folder: Path) -> None:
        try:
            if not folder.exists():
                folder.mkdir()
                self._made = folder
            elif not folder.is_dir():
                raise SinkError(f"{folder} is a file. Give a folder, or a name like out.png.")
        except FileNotFoundError as error:
            raise SinkError(
                f"The folder {folder.parent} does not exist. Make it, or choose another one."
            ) from error
        except OSError as error:
            raise make_write_error(folder, error) from error

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Writes the picture of a frame: `canvas`, uint8 `(H, W, 3)` BGR."""
        write_picture(self._targets[result.frame.source], canvas, overwrite=self._overwrite)

    def close(self) -> None:
        """Ends the run. Every picture is complete already."""
        self._made = None

    def abort(self) -> None:
        """Removes the folder that was made, if it is empty. Complete pictures stay."""
        if self._made is not None:
            with contextlib.suppress(OSError):  # not empty
                self._made.rmdir()
            self._made = None


class _OriginalFiles:
    """Finds the picture that a path leads to. Each picture is looked at once, because comparing
    each result with each picture takes too long for thousands of them."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = {key: file for file in files if (key := _identify(file)) is not None}

    def find_same(self, path: Path) -> list[Path]:
        """Returns the picture that `path` leads to, under whatever name; none if there is none."""
        key = _identify(path)
        return [self._files[key]] if key in self._files else []


def _identify(path: Path) -> tuple[int, int] | None:
    """Returns the numbers of a file's device and of the file on it, by which `Path.samefile` tells
    files apart; None for a file that is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _names_other_file(target: Path) -> bool:
    """Returns whether a target that is no folder has the suffix of a file that this sink cannot
    write, so that a folder of this name would be a mistake."""
    others = (
        PICTURE_SUFFIXES | UNREAD_SUFFIXES | VIDEO_SUFFIXES | DOCUMENT_SUFFIXES
    ) - WRITABLE_SUFFIXES
    return target.suffix.lower() in others and not target.is_dir()


def list_targets(files: Mapping[str, Path], folder: Path | None) -> dict[str, Path]:
    """Chooses the file of each picture, by the picture's name. The endings `_2`, `_3` … keep files
    of the same name apart."""
    count: Counter[Path] = Counter()  # of the pictures that would have the same name
    targets: dict[str, Path] = {}
    for name, file in files.items():
        suffix = file.suffix if file.suffix.lower() in WRITABLE_SUFFIXES else ".png"
        where = folder if folder is not None else file.parent
        path = where / f"{file.stem}_annotated{suffix}"
        count[path] += 1
        if count[path] > 1:
            path = path.with_stem(f"{path.stem}_{count[path]}")
        targets[name] = path
    return targets
