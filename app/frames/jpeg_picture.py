"""Decodes the JPEGs that cameras send."""

import cv2
import numpy as np
from numpy.typing import NDArray

from app.types import Image

START_OF_IMAGE = b"\xff\xd8"
END_OF_IMAGE = b"\xff\xd9"
MAX_PADDING_BYTES = 4096  # behind the picture; some cameras fill up a block


def is_whole_jpeg(data: NDArray[np.uint8]) -> bool:
    """Tells whether bytes, uint8 (N,), begin and end as a JPEG does. Zeros may follow the end.

    >>> is_whole_jpeg(np.array([0xFF, 0xD8, 9, 0xFF, 0xD9, 0], np.uint8))
    True
    >>> is_whole_jpeg(np.array([0xFF, 0xD8, 9], np.uint8))
    False
    """
    end = data[-MAX_PADDING_BYTES:].tobytes().rstrip(b"\0")
    return data[:2].tobytes() == START_OF_IMAGE and end.endswith(END_OF_IMAGE)


def decode_jpeg(data: NDArray[np.uint8]) -> Image | None:
    """Decodes a JPEG with OpenCV, which takes half the time of libav with a conversion to BGR: 20
    and 55 ms of processor time at 3840 x 2160.

    Args:
        data: The bytes of the file, uint8 (N,).

    Returns:
        uint8 (H, W, 3) BGR, upright by the EXIF data; None for anything but a JPEG.

    >>> decode_jpeg(np.zeros(9, np.uint8)) is None
    True
    """
    if data.size < 4 or data[:2].tobytes() != START_OF_IMAGE:
        return None
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, np.uint8)
