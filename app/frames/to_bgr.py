"""Pictures as cameras and decoders give them, made into what the stages and the outputs take."""

from typing import Any

import cv2
import numpy as np

from app.types import Image


def convert_to_bgr(raw: Any) -> Image | None:
    """`raw` as uint8 (H, W, 3) BGR; None where it holds no picture.

    Taken are (H, W) and (H, W, 1) grey, (H, W, 3) BGR and (H, W, 4) BGRA, whose alpha is left out,
    of uint8, of uint16 over its whole range, of bool, or of floats in 0..1; and (H, W, 2) uint8,
    which is YUYV as cameras send it, of an even width. What is uint8 BGR already comes back as it
    is.
    """
    if not isinstance(raw, np.ndarray) or raw.ndim not in (2, 3) or raw.size == 0:
        return None
    image = raw[..., np.newaxis] if raw.ndim == 2 else raw
    channels = image.shape[2]
    if channels == 2 and image.dtype == np.uint8 and image.shape[1] % 2 == 0:
        yuyv = np.ascontiguousarray(image)
        return np.asarray(cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUY2), np.uint8)
    if channels not in (1, 3, 4):
        return None
    if channels == 4:
        image = image[..., :3]
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    elif image.dtype == np.bool_:
        image = image.astype(np.uint8) * np.uint8(255)
    elif np.issubdtype(image.dtype, np.floating):
        image = np.rint(255 * np.clip(np.nan_to_num(image), 0, 1)).astype(np.uint8)
    elif image.dtype != np.uint8:
        return None
    if channels == 1:
        image = np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image)


def letterbox(image: Image, size_wh: tuple[int, int]) -> Image:
    """`image (H, W, 3)` as large as it fits into `size_wh` without being distorted, in the middle,
    with black where nothing is."""
    width, height = size_wh
    if image.shape[1::-1] == size_wh:
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    inner_wh = (
        min(width, max(1, round(scale * image.shape[1]))),
        min(height, max(1, round(scale * image.shape[0]))),
    )
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    box = np.zeros((height, width, 3), np.uint8)
    x, y = (width - inner_wh[0]) // 2, (height - inner_wh[1]) // 2
    box[y : y + inner_wh[1], x : x + inner_wh[0]] = cv2.resize(image, inner_wh, interpolation=way)
    return box
