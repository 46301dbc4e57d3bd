"""Writes a picture to a file, in the format of its suffix."""

from pathlib import Path

import cv2

from app.errors import SinkError
from app.files.atomic import write_whole
from app.types import Image

JPEG_QUALITY = 95
JPEG_SUFFIXES = frozenset({".jfif", ".jpe", ".jpeg", ".jpg"})


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


def _is_jpeg(path: Path) -> bool:
    return path.suffix.lower() in JPEG_SUFFIXES
