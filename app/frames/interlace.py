"""Mends pictures of interlaced video, whose odd lines are filmed a moment after the even lines.

Where a person moves, the two sets of lines show different places. Edges become combs, and small
faces are read wrongly.
"""

import cv2
import numpy as np

from app.types import Image


def remove_comb(image: Image) -> Image:
    """Moves each value of an odd line into the range of the two lines beside it. Parts that stand
    still stay as they are, except for details of a single line.

    Args:
        image: uint8 (H, W, 3).

    Returns:
        A new array uint8 (H, W, 3); `image` itself if it has fewer than three lines.

    >>> lines = np.repeat(np.array([10, 200, 20, 15, 30], np.uint8), 3).reshape(5, 1, 3)
    >>> remove_comb(lines)[:, 0, 0].tolist()
    [10, 20, 20, 20, 30]
    """
    odd = image[1:-1:2]
    if not len(odd):
        return image
    above, below = image[:-2:2][: len(odd)], image[2::2][: len(odd)]
    low, high = cv2.min(above, below), cv2.max(above, below)
    mended = image.copy()
    mended[1:-1:2] = np.maximum(low, np.minimum(odd, high))
    return mended
