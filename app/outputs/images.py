"""Where results go: the port that every output fills, its naming rules, and pictures.

An output is written under a temporary name beside its final one and renamed when it is whole, so
that under a final name there is never half a file.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from app.defaults import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from app.errors import SinkError
from app.files.atomic import make_write_error, reserve
from app.outputs.picture_writer import JPEG_SUFFIXES, write_picture
from app.pictures.kinds import UNREAD_SUFFIXES
from app.types import FrameResult, Image

DOCUMENTS = {".csv", ".htm", ".html", ".json", ".jsonl", ".parquet", ".pdf", ".txt"}
WRITABLE_SUFFIXES = JPEG_SUFFIXES | {".bmp", ".png", ".tif", ".tiff", ".webp"}


class Pictures(Protocol):
    """What `ImagesSink` needs of a source: each frame's `source` mapped to its file."""

    @property
    def files(self) -> Mapping[str, Path]: ...


class ImagesSink:
    """Annotated pictures, each complete as soon as it is written.

    `target` None: NAME_annotated beside each picture. A folder, made if missing: the same names in
    there. For a single picture it may also be the file to write. All names are settled and checked
    before the first picture, so a run does not fail half-way over a name.
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
                self._make(target)
            self._targets = _annotated_names(files, target)
        try:
            for path in self._targets.values():
                reserve(path, overwrite=overwrite, inputs=files.values())
        except SinkError:
            self.abort()
            raise
        outputs = list(self._targets.values())
        self.path = outputs[0] if len(outputs) == 1 else target or outputs[0].parent

    def _make(self, folder: Path) -> None:
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
        write_picture(self._targets[result.frame.source], canvas, overwrite=self._overwrite)

    def close(self) -> None:
        """Every picture is complete already."""
        self._made = None

    def abort(self) -> None:
        """Pictures that are complete stay; an empty folder that was made for them goes."""
        if self._made is not None:
            with contextlib.suppress(OSError):  # not empty
                self._made.rmdir()
            self._made = None


def _names_other_file(target: Path) -> bool:
    """Whether a result that is no folder yet has a file's suffix, but none that can be written."""
    others = (PICTURE_SUFFIXES | UNREAD_SUFFIXES | VIDEO_SUFFIXES | DOCUMENTS) - WRITABLE_SUFFIXES
    return target.suffix.lower() in others and not target.is_dir()


def _annotated_names(files: Mapping[str, Path], folder: Path | None) -> dict[str, Path]:
    """The output of each picture; `_2`, `_3` … keep pictures of one name apart."""
    taken: set[Path] = set()
    targets: dict[str, Path] = {}
    for name, file in files.items():
        suffix = file.suffix if file.suffix.lower() in WRITABLE_SUFFIXES else ".png"
        where = folder if folder is not None else file.parent
        path = where / f"{file.stem}_annotated{suffix}"
        number = 2
        while path in taken:
            path = where / f"{file.stem}_annotated_{number}{suffix}"
            number += 1
        taken.add(path)
        targets[name] = path
    return targets
