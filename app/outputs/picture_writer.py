"""Writes a picture to a file, in the format that the file's suffix names."""

from pathlib import Path

import cv2

from app.errors import SinkError
from app.files.atomic import write_whole
from app.types import Image

JPEG_QUALITY = 95  # of 100
JPEG_SUFFIXES = frozenset({".jfif", ".jpe", ".jpeg", ".jpg"})


def write_picture(path: Path, image: Image, *, overwrite: bool) -> None:
    """Writes a picture whole or not at all.

    Args:
        path: The file; its suffix names the format.
        image: uint8 `(H, W, 3)` BGR.
        overwrite: Whether an existing file is replaced.

    Raises:
        SinkError: The picture cannot be encoded in this format, or the file cannot be written.

    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "grey.png"
    ...     write_picture(path, np.full((2, 3, 3), 9, np.uint8), overwrite=False)
    ...     cv2.imread(str(path)).shape
    (2, 3, 3)
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if _is_jpeg(path) else []
    try:
        # OpenCV encodes, but does not write: on Windows it opens no path outside the code page, and
        # it gives no reason when it fails.
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
