"""Cuts aligned, augmented crops in one resampling on tensors, as `app.crops` does for the app."""

import torch
from torch import Tensor
from torch.nn import functional

from app.alignment import MAX_OVERSAMPLING


def compose_maps(outer: Tensor, inner: Tensor) -> Tensor:
    """Composes affine maps: first `inner`, then `outer`.

    Args:
        outer: `(B, 2, 3)`.
        inner: `(B, 2, 3)`.

    Returns:
        `(B, 2, 3)`.

    >>> double = torch.tensor([[[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]])
    >>> right = torch.tensor([[[1.0, 0.0, 5.0], [0.0, 1.0, 0.0]]])
    >>> compose_maps(double, right)[0].tolist()
    [[2.0, 0.0, 10.0], [0.0, 2.0, 0.0]]
    """
    linear = outer[:, :, :2] @ inner[:, :, :2]
    shift = outer[:, :, :2] @ inner[:, :, 2:] + outer[:, :, 2:]
    return torch.cat([linear, shift], dim=2)


def invert_maps(matrices: Tensor) -> Tensor:
    """Inverts affine maps `(B, 2, 3)`.

    >>> double = torch.tensor([[[2.0, 0.0, 4.0], [0.0, 2.0, 0.0]]])
    >>> invert_maps(double)[0].tolist()
    [[0.5, -0.0, -2.0], [-0.0, 0.5, 0.0]]
    """
    a, b = matrices[:, 0, 0], matrices[:, 0, 1]
    c, d = matrices[:, 1, 0], matrices[:, 1, 1]
    rows = torch.stack([torch.stack([d, -b], 1), torch.stack([-c, a], 1)], 1)
    linear = rows / (a * d - b * c)[:, None, None]
    return torch.cat([linear, -linear @ matrices[:, :, 2:]], dim=2)


def choose_oversampling(matrices: Tensor) -> Tensor:
    """Chooses each crop's oversampling, by the rule of the app's alignment.

    Args:
        matrices: `(B, 2, 3)` picture -> crop.

    Returns:
        `(B,)` int64: samples along each side of a crop's pixel, more where the picture shrinks.

    >>> choose_oversampling(torch.tensor([[[0.25, 0.0, 0.0], [0.0, 0.25, 0.0]]])).tolist()
    [4]
    """
    linear = matrices[:, :, :2]
    determinant = linear[:, 0, 0] * linear[:, 1, 1] - linear[:, 0, 1] * linear[:, 1, 0]
    shrink = determinant.abs().sqrt().clamp(min=1e-6).reciprocal()
    return shrink.round().clamp(1, MAX_OVERSAMPLING).long()


def warp_batch(pictures: Tensor, sizes: Tensor, matrices: Tensor, size_px: int) -> Tensor:
    """Samples crops from pictures.

    Args:
        pictures: `(B, C, H, W)` uint8, each picture at the top left of its canvas.
        sizes: `(B, 2)` width and height of each picture, px. Beyond them its edge repeats.
        matrices: `(B, 2, 3)` picture -> crop, in px, where (0, 0) is the outer corner of the first
            pixel.
        size_px: Side S of the crops.

    Returns:
        `(B, C, S, S)` float32 of 0..255.

    >>> pictures = torch.tensor([[[[10, 20], [30, 40]]]], dtype=torch.uint8)
    >>> same = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> warp_batch(pictures, torch.tensor([[2, 2]]), same, 2).tolist()
    [[[[10.0, 20.0], [30.0, 40.0]]]]
    """
    factors = choose_oversampling(matrices)
    crops = pictures.new_empty((*pictures.shape[:2], size_px, size_px), dtype=torch.float32)
    for factor in sorted(set(factors.tolist())):
        chosen = torch.nonzero(factors == factor).flatten()
        crops[chosen] = _warp_at(
            pictures[chosen], sizes[chosen], matrices[chosen], size_px, int(factor)
        )
    return crops


def _warp_at(
    pictures: Tensor, sizes: Tensor, matrices: Tensor, size_px: int, factor: int
) -> Tensor:
    height, width = pictures.shape[-2:]
    centres = (torch.arange(size_px * factor, device=pictures.device) + 0.5) / factor
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    points = torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])  # (3, P)
    places = (invert_maps(matrices) @ points).transpose(1, 2)  # (B, P, 2), picture pixels
    limit = sizes.to(places.dtype)[:, None]
    places = torch.minimum(places.clamp(min=0.5), limit - 0.5)
    canvas = places.new_tensor([width, height])
    grid = (2 * places / canvas - 1).view(len(pictures), size_px * factor, size_px * factor, 2)
    crops = functional.grid_sample(
        pictures.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return functional.avg_pool2d(crops, factor) if factor > 1 else crops
