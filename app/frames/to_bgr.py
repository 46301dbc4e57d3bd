"""Converts pictures of cameras and decoders to uint8 BGR, and fits pictures into a size."""

import cv2
import numpy as np

from app.types import Image


def convert_to_bgr(raw: object) -> Image | None:
    """Converts a picture of any common layout to BGR.

    Args:
        raw: An array (H, W) or (H, W, 1) grey, (H, W, 3) BGR, or (H, W, 4) BGRA, whose alpha is
            left out, of uint8, of uint16 over its whole range, of bool, or of floats in 0..1; or an
            array uint8 (H, W, 2) of an even width, which is YUYV as cameras send it.

    Returns:
        uint8 (H, W, 3) BGR, contiguous; `raw` itself where it is that already. None for anything
        else, and for an array without pixels.

    >>> convert_to_bgr(np.array([[0.0, 1.0]])).tolist()
    [[[0, 0, 0], [255, 255, 255]]]
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
    """Fits a picture into a size without distorting it, in the middle of a black ground.

    Args:
        image: uint8 (H, W, 3).
        size_wh: Width and height in pixels of the result.

    Returns:
        uint8 (height, width, 3); `image` itself if it has this size.

    >>> letterbox(np.full((2, 2, 3), 9, np.uint8), (4, 2))[0, :, 0].tolist()
    [0, 9, 9, 0]
    """
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
