"""Where frames come from: a camera, a stream, a video file, or pictures, read in the same way."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self

import cv2
import numpy as np

from app.camera import CameraSource
from app.picture_header import header_size_wh, jpeg_scans
from app.quiet import quiet_stderr
from app.stream import StreamSource
from app.types import Frame, Image, Silence, SourceError
from app.video_source import VideoSource

__all__ = [
    "PICTURE_SUFFIXES",
    "CameraSource",
    "ImageSource",
    "Source",
    "StreamSource",
    "VideoSource",
]

PICTURE_SUFFIXES = frozenset(
    {".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
)

MAX_PICTURE_BYTES = 1 << 30
MAX_PICTURE_PIXELS = 100_000_000  # 300 MB when decoded
MAX_PIXELS_DECODED = 2_000_000_000  # a JPEG may want to be gone over many times


class Source(Protocol):
    """Frames, in order, once.

    `name` is what a user knows the source by. `live`: it goes on without being asked, and says
    `Silence` while it has no frame.
    `independent`: its frames have nothing to do with each other. `frame_count` may be an estimate.
    `warning` says in one line what was cut short or skipped, as soon as that is known.
    """

    @property
    def name(self) -> str: ...
    @property
    def live(self) -> bool: ...
    @property
    def independent(self) -> bool: ...
    @property
    def frame_count(self) -> int | None: ...
    @property
    def warning(self) -> str | None: ...

    def __iter__(self) -> Iterator[Frame | Silence]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class ImageSource:
    """Pictures, each of which stands for itself.

    `paths` are files, or folders of which every picture is taken, sorted by name. What cannot be
    read is left out, with its reason in `skipped`. `files` maps each frame's `source` to its file.
    """

    live = False
    independent = True

    def __init__(self, paths: Sequence[Path]) -> None:
        self.skipped: list[str] = []
        found: dict[Path, Path] = {}  # resolved -> as given: a picture named twice counts once
        for path in paths:
            for file in self._pictures(path):
                found.setdefault(file.resolve(), file)
        if not found:
            raise SourceError(self.skipped[0] if self.skipped else "No picture was given.")
        self.files = dict(zip(_short_names(list(found)), found.values(), strict=True))
        self._given = len(self.files) + len(self.skipped)
        self.frame_count: int | None = len(self.files)
        self.name = paths[0].resolve().name if len(paths) == 1 else f"{len(self.files)} pictures"

    def _pictures(self, path: Path) -> list[Path]:
        try:
            if path.is_dir():
                inside = sorted(
                    file
                    for file in path.iterdir()
                    if file.suffix.lower() in PICTURE_SUFFIXES
                    and not file.name.startswith(".")
                    and file.is_file()
                )
                if not inside:
                    raise SourceError(f"The folder {path} has no pictures.")
                return inside
            if path.exists():
                return [path]
        except OSError as error:
            self.skipped.append(f"{path} cannot be read: {error.strerror}.")
            return []
        self.skipped.append(f"{path} does not exist.")
        return []

    @property
    def warning(self) -> str | None:
        if not self.skipped:
            return None
        more = f" (and {len(self.skipped) - 1} more)" if len(self.skipped) > 1 else ""
        return f"{len(self.skipped)} of {self._given} pictures left out: {self.skipped[0]}{more}"

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        for name, file in self.files.items():
            try:
                image = read_picture(file)
            except SourceError as error:
                self.skipped.append(str(error))
                continue
            yield Frame(image, index, 0.0, name)
            index += 1
        if index == 0:
            raise SourceError(
                self.skipped[0] if self._given == 1 else f"No picture can be read: {self.warning}"
            )

    def close(self) -> None:
        """Nothing stays open between two pictures."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_picture(path: Path) -> Image:
    """`path` as uint8 (H, W, 3) BGR, turned upright as its EXIF says. Raises `SourceError`."""
    try:
        # Bytes, because OpenCV opens no path outside the code page on Windows.
        with path.open("rb") as file:
            content = file.read(MAX_PICTURE_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    _check_header(content, path)
    try:
        with quiet_stderr():
            image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:  # OpenCV's limits, or memory
        raise SourceError(f"{path} is damaged or too large to be read.") from error
    if image is None:
        raise SourceError(f"{path} is damaged or not a picture.")
    return image.astype(np.uint8, copy=False)


def _check_header(content: bytes, path: Path) -> None:
    """Raises `SourceError` for what no decoder ought to see."""
    if not content:
        raise SourceError(f"{path} is empty.")
    size_wh = header_size_wh(content)
    if size_wh is None:
        raise SourceError(f"{path} is damaged or not a picture.")
    pixels = size_wh[0] * size_wh[1]
    if (
        len(content) > MAX_PICTURE_BYTES
        or pixels > MAX_PICTURE_PIXELS
        or pixels * jpeg_scans(content) > MAX_PIXELS_DECODED
    ):
        raise SourceError(
            f"{path} is too large to be read: {size_wh[0]} x {size_wh[1]} px. Pictures may have "
            f"{MAX_PICTURE_PIXELS // 1_000_000} million pixels; scale it down."
        )


def _short_names(files: Sequence[Path]) -> list[str]:
    """The name of each file; those that share one get their folders in front, as far as needed."""
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
