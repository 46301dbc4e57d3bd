"""Where results go: the port that every output fills, its naming rules, and pictures.

An output is written under a temporary name beside its final one and renamed when it is whole, so
that under a final name there is never half a file.
"""

import contextlib
import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import cv2

from app.defaults import VIDEO_SUFFIXES
from app.hidden_files import BusyError, HiddenFile, hidden, is_being_written
from app.picture_kinds import PICTURE_SUFFIXES, UNREAD_SUFFIXES
from app.types import FrameResult, Image, SinkError

JPEG_QUALITY = 95
JPEG_SUFFIXES = frozenset({".jfif", ".jpe", ".jpeg", ".jpg"})
DOCUMENTS = {".csv", ".htm", ".html", ".json", ".jsonl", ".parquet", ".pdf", ".txt"}
WRITABLE_SUFFIXES = JPEG_SUFFIXES | {".bmp", ".png", ".tif", ".tiff", ".webp"}


class Sink(Protocol):
    """An output. `path` is its final name. `close` completes it, with what was written so far;
    `abort` leaves nothing behind; after either, both do nothing. Raises `SinkError`."""

    @property
    def path(self) -> Path: ...

    def write(self, result: FrameResult, canvas: Image) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


@contextlib.contextmanager
def writing(*sinks: Sink) -> Iterator[Callable[[FrameResult, Image], None]]:
    """Gives what writes a result and its canvas to each of `sinks`; completes them all at the end,
    also when one of them fails, or, where an exception comes from elsewhere, leaves nothing."""

    def write(result: FrameResult, canvas: Image) -> None:
        for sink in sinks:
            sink.write(result, canvas)

    with contextlib.ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.abort)  # which does nothing after `close`
        yield write
        failures: list[SinkError] = []
        for sink in sinks:  # whatever becomes of one, the others are completed
            try:
                sink.close()
            except SinkError as error:
                failures.append(error)
        if failures:
            raise failures[0]


class Pictures(Protocol):
    """What `ImagesSink` needs of a source: each frame's `source` mapped to its file."""

    @property
    def files(self) -> Mapping[str, Path]: ...


def default_output(path: Path) -> Path:
    """clip.mov -> clip_annotated.mp4, beside it."""
    return path.with_name(f"{path.stem}_annotated.mp4")


def reserve(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> Path:
    """Makes sure that `path` can be written and returns the temporary name to write under.

    Leaves nothing behind. Raises `SinkError` if `path` exists (without `overwrite`), is a folder or
    one of `inputs`, if another run is writing it, or if its folder is missing or not writable.
    """
    partial = hidden(path, ".partial") if path.name else path
    try:
        if path.is_dir():
            raise SinkError(f"{path} is a folder. Give a file name in it.")
        if path.exists():
            if any(source.exists() and path.samefile(source) for source in inputs):
                raise SinkError(f"{path} is the input itself. Choose another name.")
            if not overwrite:
                raise SinkError(f"{path} exists already. Add --overwrite, or choose another name.")
        if not path.parent.is_dir():
            raise SinkError(
                f"The folder {path.parent} does not exist. Make it, or choose another name."
            )
        # Of Parquet, the rows are in the second one as long as a run lasts.
        if is_being_written(partial) or is_being_written(hidden(path, ".jsonl.partial")):
            raise BusyError(path)
        # Only trying tells: permission bits do not bind every user, and some disks are read-only.
        partial.unlink(missing_ok=True)
        partial.open("xb").close()
        partial.unlink()
    except OSError as error:
        raise unwritable(path, error) from error
    return partial


def unwritable(path: Path, cause: Exception) -> SinkError:
    """The one line for an output that failed, from an error of the system or of libav."""
    reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    remedy = " Choose a shorter one." if getattr(cause, "errno", 0) == errno.ENAMETOOLONG else ""
    return SinkError(f"{path} could not be written: {reason}.{remedy}")


def write_whole(
    path: Path, content: bytes, *, overwrite: bool, inputs: Iterable[Path] = ()
) -> None:
    """`content` under its final name, whole or not at all. Raises `SinkError`."""
    reserve(path, overwrite=overwrite, inputs=inputs)
    part: HiddenFile | None = None
    try:
        part = HiddenFile(path, overwrite=overwrite)
        part.file.write(content)
        part.settle()
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if part is not None:
            part.discard()


def write_picture(path: Path, image: Image, *, overwrite: bool) -> None:
    """`image` uint8 (H, W, 3) BGR in the format of the suffix, whole or not at all."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if _is_jpeg(path) else []
    try:
        # Encoded here and written as bytes, because OpenCV opens no path outside the code page on
        # Windows and tells no reason when it fails.
        done, content = cv2.imencode(".jpg" if _is_jpeg(path) else path.suffix, image, options)
    except cv2.error as error:
        raise SinkError(
            f"{path} could not be encoded. Choose a name that ends in .png or .jpg."
        ) from error
    if not done:
        raise SinkError(f"{path} could not be encoded. Choose a name that ends in .png.")
    write_whole(path, content.tobytes(), overwrite=overwrite)


class ImagesSink:
    """Annotated pictures, each complete as soon as it is written.

    `target` None: NAME_annotated beside each picture. A folder, made if missing: the same names in
    there. For a single picture it may also be the file to write. All names are settled and checked
    before the first picture, so a run does not fail half-way over a name.
    """

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
            raise unwritable(folder, error) from error

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


def _is_jpeg(path: Path) -> bool:
    return path.suffix.lower() in JPEG_SUFFIXES


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
