"""Parts of a crop covered in the order of a map: which pixels go first, and what takes their place.

Pictures are `(N, S, S, 3)` uint8, as the classifier takes them; an order is `(N, S, S)` int64, 0
for the pixel that is covered first.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Filling = Literal["grey", "blurred"]
FILLINGS: tuple[Filling, ...] = ("grey", "blurred")
FILLING_NAMES: dict[Filling, str] = {"grey": "mean grey", "blurred": "blurred"}
BLUR = 1 / 8  # standard deviation of the blur, as a share of the crop's side

Order = NDArray[np.int64]
Pictures = NDArray[np.uint8]


def enlarge_maps(maps: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
    """`(N, h, w)` -> `(N, S, S)`, bilinearly; a value stands for the middle of its cell."""
    if not len(maps):
        return np.zeros((0, size_px, size_px), np.float32)
    large = functional.interpolate(
        torch.from_numpy(maps)[:, None], size=(size_px, size_px), mode="bilinear"
    )
    return np.asarray(large[:, 0].numpy(), np.float32)


def order_largest_first(values: NDArray[np.float32], generator: np.random.Generator) -> Order:
    """The order of falling `values (N, S, S)`; equal ones, such as beyond the middles of the
    outermost cells, come in an order drawn once for all pictures."""
    flat = values.reshape(len(values), -1)
    shuffled = generator.permutation(flat.shape[1])
    places = shuffled[np.argsort(-flat[:, shuffled], axis=1, kind="stable")]  # (N, P)
    ranks = np.empty(places.shape, np.int64)
    np.put_along_axis(ranks, places, np.arange(flat.shape[1])[None], axis=1)
    return ranks.reshape(values.shape)


def reverse_order(order: Order) -> Order:
    """The last pixel first."""
    last = order.shape[1] * order.shape[2] - 1
    return np.asarray(last - order, np.int64)


def order_centre_first(size_px: int, generator: np.random.Generator) -> Order:
    """`(1, S, S)`: a square that grows from the middle."""
    offset = np.abs(np.arange(size_px) + 0.5 - size_px / 2)
    distance = np.maximum(offset[:, None], offset[None])
    return order_largest_first(-distance[None].astype(np.float32), generator)


def make_filling(crops: Pictures, filling: Filling) -> Pictures:
    """What takes the place of covered pixels, `(N, S, S, 3)`: the crop's mean colour everywhere, or
    the crop blurred by a Gaussian."""
    if filling == "grey":
        mean = crops.mean(axis=(1, 2), keepdims=True).round().astype(np.uint8)
        return np.broadcast_to(mean, crops.shape)
    planes = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
    n, c, size = planes.shape[:3]
    sigma = BLUR * size
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
    """The crops with the first `share` (0..1) of their pixels replaced by those of `filling`."""
    count = round(share * crops.shape[1] * crops.shape[2])
    return np.where((order < count)[..., None], filling, crops)
