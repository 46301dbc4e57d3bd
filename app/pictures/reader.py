"""Reads picture files: checked before they are decoded, upright, in 8 bits and BGR.

The program and training both read pictures with this module, so that a model meets the pixels that
it has learned from.
"""

import hashlib
import io
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from app.errors import SourceError
from app.frames.wide_colour import WideColour
from app.pictures.colour_profile import ColourProfile
from app.pictures.header import Header, count_jpeg_scans, find_kind, read_header
from app.pictures.heic import decode_heic
from app.pictures.heif_boxes import hide_exif
from app.pictures.kinds import explain_unread, is_raw_file
from app.pictures.page_count import count_pictures
from app.pictures.stored_colour import find_colours, find_stored_depth, make_plain
from app.pictures.stored_orientation import crop_to_shown, find_orientation
from app.process.native_stderr import quiet_stderr
from app.types import Image

MAX_PICTURE_BYTES = 1 << 30
BEGINNING_BYTES = 4096  # which tell the kind of a file
MAX_PICTURE_PIXELS = 100_000_000  # 300 MB when decoded
MAX_PHONE_PIXELS = 220_000_000  # of the kinds that phones with 200 million pixels write
PHONE_KINDS = ("JPEG", "HEIC")
DAMAGED = (
    "is a {} that is damaged, cut short, or of a rare form. If other programs open it, save it "
    "anew as JPEG or PNG."
)
AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION  # 8 bits, BGR
MAX_PIXELS_DECODED = 2_000_000_000  # of a JPEG in all its passes


@dataclass(frozen=True, slots=True)
class Picture:
    """The first picture of a file.

    `image` is uint8 (H, W, 3) BGR and upright. `kind` is the kind of the file as `find_kind` names
    it, `count` the number of pictures in the file, and `sha256` the hash of its bytes.
    """

    image: Image
    kind: str
    count: int
    sha256: str


def read_picture(path: Path) -> Image:
    """Reads the first picture of a file.

    Returns:
        uint8 (H, W, 3) BGR, upright.

    Raises:
        SourceError: If the file is no regular file, no picture, damaged, or too large.
    """
    return open_picture(path).image


def open_picture(path: Path) -> Picture:
    """Reads the first picture of a file and its facts. Raises `SourceError` like `read_picture`."""
    return decode_picture(read_content(path), path)


def check_beginning(path: Path) -> None:
    """Raises `SourceError` if a file cannot be read, or does not begin as a kind of picture that is
    read. Reads a few kilobytes."""
    _check_kind(read_content(path, BEGINNING_BYTES), path)


def count_pixels(content: bytes) -> int:
    """Counts the pixels of the picture in a file's bytes by its header; 0 where it has none."""
    header = read_header(content)
    return 0 if header is None else header.size_wh[0] * header.size_wh[1]


def decode_picture(content: bytes, path: Path) -> Picture:
    """Decodes the first picture in the bytes of the file `path`. Raises `SourceError` like
    `read_picture`."""
    kind = _check_kind(content, path)
    header = read_header(content)
    if header is None:
        raise SourceError(f"{path} {DAMAGED.format(kind)}")
    _check_size(header, content, path)
    colours = find_colours(content, kind)
    with quiet_stderr():
        image = _decoded_gif(content) if kind == "GIF" else _decoded(content, kind, colours)
    if image is None:
        raise SourceError(f"{path} {DAMAGED.format(kind)}")
    image = find_orientation(content, kind).apply(crop_to_shown(image, content, kind))
    digest = hashlib.sha256(content).hexdigest()
    return Picture(image, kind, count_pictures(content, kind), digest)


def _check_kind(content: bytes, path: Path) -> str:
    """Returns the kind of picture that the bytes of a file begin as. Raises `SourceError` for a
    kind that is not read."""
    kind = find_kind(content)
    if kind is None or is_raw_file(content, path):
        raise SourceError(f"{path} {explain_unread(content, path)}")
    return kind


def _decoded(content: bytes, kind: str, colours: WideColour | ColourProfile | None) -> Image | None:
    """Decodes the stored picture in the colours of a plain screen; None where this fails, also for
    lack of memory."""
    flags = AS_STORED if colours is None else AS_STORED | cv2.IMREAD_ANYDEPTH
    try:
        if kind == "HEIC":
            return decode_heic(content, colours)
        if kind == "AVIF":
            content = hide_exif(content)
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        if image is None:
            return None
        if image.dtype not in (np.uint8, np.uint16):
            return None
        if colours is not None:
            codes = cast("NDArray[np.uint8 | np.uint16]", np.asarray(image))
            return make_plain(codes, find_stored_depth(content, kind, codes), colours)
    except (cv2.error, IndexError, ValueError, OverflowError, struct.error, MemoryError):
        return None
    return image.astype(np.uint8, copy=False)


def _decoded_gif(content: bytes) -> Image | None:
    """Decodes the first picture of a GIF with libav, in which transparent places are white. OpenCV
    5.0 takes transparent places for other colours and refuses unusual backgrounds."""
    import av

    from app.frames.av_versions import open_input

    try:
        with open_input(io.BytesIO(content), format_name="gif") as container:
            frame = next(container.decode(video=0))
            return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    except (av.FFmpegError, StopIteration):
        return None


def read_content(path: Path, most_bytes: int = MAX_PICTURE_BYTES + 1) -> bytes:
    """Reads the bytes of a file, the first `most_bytes` of them. Raises `SourceError`, also for
    pipes and devices, which may never end."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise SourceError(f"{path} is a folder, not a picture.")
        if not stat.S_ISREG(mode):
            raise SourceError(
                f"{path} is a pipe or a device, not a file. Save the picture to a file first."
            )
        # Bytes, because OpenCV opens no path outside the code page on Windows.
        with path.open("rb") as file:
            content = file.read(most_bytes)
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist.") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    if not content:
        raise SourceError(f"{path} is empty.")
    return content


def _check_size(header: Header, content: bytes, path: Path) -> None:
    """Raises `SourceError` for more pixels or bytes than a decoder should get."""
    width, height = header.size_wh
    pixels = width * height
    most = MAX_PHONE_PIXELS if header.kind in PHONE_KINDS else MAX_PICTURE_PIXELS
    if pixels > most:
        raise SourceError(
            f"{path} is too large to be read: {width} x {height} px are {pixels / 1e6:.0f} "
            f"million. A {header.kind} may have {most // 1_000_000} million; scale it down."
        )
    if len(content) > MAX_PICTURE_BYTES:
        raise SourceError(
            f"{path} is too large to be read: it has more than {MAX_PICTURE_BYTES >> 20} MB."
        )
    scans = count_jpeg_scans(content)
    if pixels * scans > MAX_PIXELS_DECODED:
        raise SourceError(
            f"{path} takes too long to be read: a JPEG of {width} x {height} px in {scans} passes. "
            "Save it anew as a baseline JPEG."
        )
