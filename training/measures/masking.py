"""Covers parts of a crop in the order of a map.

Pictures are `(N, S, S, 3)` uint8, as the classifier takes them. An order is `(N, S, S)` int64, the
rank of each pixel, with 0 for the pixel that is covered first.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Filling = Literal["grey", "blurred"]
FILLINGS: tuple[Filling, ...] = ("grey", "blurred")
FILLING_NAMES: dict[Filling, str] = {"grey": "mean grey", "blurred": "blurred"}
BLUR_SHARE = 1 / 8  # standard deviation of the blur, in sides of the crop

Order = NDArray[np.int64]
Pictures = NDArray[np.uint8]


def enlarge_maps(maps: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
    """Enlarges maps bilinearly; a value stands for the middle of its cell.

    Args:
        maps: `(N, h, w)` float32.
        size_px: S.

    Returns:
        `(N, S, S)` float32.

    >>> enlarge_maps(np.array([[[0.0, 1.0]]], np.float32), 4)[0, 0].tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    if not len(maps):
        return np.zeros((0, size_px, size_px), np.float32)
    large = functional.interpolate(
        torch.from_numpy(maps)[:, None], size=(size_px, size_px), mode="bilinear"
    )
    return np.asarray(large[:, 0].numpy(), np.float32)


def order_largest_first(values: NDArray[np.float32], generator: np.random.Generator) -> Order:
    """Orders pixels by falling value.

    Equal values, such as those beyond the middles of the outermost cells, come in an order that is
    drawn once for all pictures.

    Args:
        values: `(N, S, S)` float32.
        generator: Draws the order of equal values.

    Returns:
        `(N, S, S)` int64 ranks.

    >>> values = np.array([[[0.1, 0.9], [0.5, 0.2]]], np.float32)
    >>> order_largest_first(values, np.random.default_rng(0)).tolist()
    [[[3, 0], [1, 2]]]
    """
    flat = values.reshape(len(values), -1)
    shuffled = generator.permutation(flat.shape[1])
    places = shuffled[np.argsort(-flat[:, shuffled], axis=1, kind="stable")]  # (N, P)
    ranks = np.empty(places.shape, np.int64)
    np.put_along_axis(ranks, places, np.arange(flat.shape[1])[None], axis=1)
    return ranks.reshape(values.shape)


def reverse_order(order: Order) -> Order:
    """Turns an order `(N, S, S)` around, so that the last pixel comes first.

    >>> reverse_order(np.array([[[3, 0], [1, 2]]])).tolist()
    [[[0, 3], [2, 1]]]
    """
    last = order.shape[1] * order.shape[2] - 1
    return np.asarray(last - order, np.int64)


def order_centre_first(size_px: int, generator: np.random.Generator) -> Order:
    """Orders pixels as a square that grows from the middle. Pixels at the same distance come in a
    drawn order.

    Returns:
        `(1, S, S)` int64 ranks.

    >>> int(order_centre_first(4, np.random.default_rng(0))[0, 1:3, 1:3].max())
    3
    """
    offset = np.abs(np.arange(size_px) + 0.5 - size_px / 2)
    distance = np.maximum(offset[:, None], offset[None])
    return order_largest_first(-distance[None].astype(np.float32), generator)


def make_filling(crops: Pictures, filling: Filling) -> Pictures:
    """Makes the pixels that replace covered ones.

    Args:
        crops: `(N, S, S, 3)` uint8.
        filling: "grey" gives each crop's mean colour everywhere; "blurred" gives the crop under a
            Gaussian.

    Returns:
        `(N, S, S, 3)` uint8.

    >>> crops = np.array([[[[0, 0, 9], [2, 0, 9]], [[4, 0, 9], [6, 0, 9]]]], np.uint8)
    >>> make_filling(crops, "grey")[0, 0, 0].tolist()
    [3, 0, 9]
    """
    if filling == "grey":
        mean = crops.mean(axis=(1, 2), keepdims=True).round().astype(np.uint8)
        return np.broadcast_to(mean, crops.shape)
    planes = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
    n, c, size = planes.shape[:3]
    sigma = BLUR_SHARE * size
    reach = round(3 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum())[None, None, :, None]
    planes = planes.reshape(n * c, 1, size, size)
    for turned in (kernel, kernel.transpose(2, 3)):
        pad = (turned.shape[3] // 2,) * 2 + (turned.shape[2] // 2,) * 2
        planes = functional.conv2d(functional.pad(planes, pad, mode="replicate"), turned)
    blurred = planes.reshape(n, c, size, size).permute(0, 2, 3, 1)
    return np.ascontiguousarray(blurred.round().clamp(0, 255).to(torch.uint8).numpy())


def cover_pixels(crops: Pictures, filling: Pictures, order: Order, share: float) -> Pictures:
    """Replaces the first pixels of an order.

    Args:
        crops: `(N, S, S, 3)` uint8.
        filling: `(N, S, S, 3)` uint8, from `make_filling`.
        order: `(N, S, S)` int64 ranks.
        share: Share of the pixels to replace, in 0..1.

    Returns:
        `(N, S, S, 3)` uint8.

    >>> crops = np.full((1, 2, 2, 3), 9, np.uint8)
    >>> order = np.array([[[3, 0], [1, 2]]])
    >>> cover_pixels(crops, np.zeros_like(crops), order, 0.5)[0, :, :, 0].tolist()
    [[9, 0], [0, 9]]
    """
    count = round(share * crops.shape[1] * crops.shape[2])
    return np.where((order < count)[..., None], filling, crops)
