"""Draws numbers and measures places for a batch of crops."""

import torch
from torch import Generator, Tensor


def draw_uniform(low: float, high: float, n: int, generator: Generator) -> Tensor:
    """Draws `(n,)` numbers between `low` and `high`.

    >>> drawn = draw_uniform(2, 3, 100, Generator().manual_seed(0))
    >>> bool(((drawn >= 2) & (drawn < 3)).all())
    True
    """
    return torch.rand(n, generator=generator, device=generator.device) * (high - low) + low


def reshape_per_crop(values: Tensor) -> Tensor:
    """Reshapes `(M,)` to `(M, 1, 1, 1)`, one number for each crop.

    >>> reshape_per_crop(torch.zeros(3)).shape
    torch.Size([3, 1, 1, 1])
    """
    return values[:, None, None, None]


def measure_along(crops: Tensor, angle: Tensor) -> Tensor:
    """Measures each pixel's distance from the middle of its crop in one direction.

    Args:
        crops: `(M, C, S, S)`, of which only size and device count.
        angle: `(M,)` directions in radians; 0 is right, a quarter turn is down.

    Returns:
        `(M, 1, S, S)` in sides of the crop.

    >>> measure_along(torch.zeros(1, 1, 2, 2), torch.zeros(1)).tolist()
    [[[[-0.25, 0.25], [-0.25, 0.25]]]]
    """
    size = crops.shape[-1]
    places = (torch.arange(size, device=crops.device) + 0.5) / size - 0.5
    return reshape_per_crop(angle.cos()) * places + reshape_per_crop(angle.sin()) * places[:, None]


def multiply_both_ways(crops: Tensor, matrices: Tensor) -> Tensor:
    """Multiplies the columns and the rows of each crop by its matrix.

    Args:
        crops: `(M, C, S, S)`.
        matrices: `(M, S, S)`.

    Returns:
        `(M, C, S, S)`.

    >>> multiply_both_ways(torch.ones(1, 1, 2, 2), 2 * torch.eye(2)[None]).tolist()
    [[[[4.0, 4.0], [4.0, 4.0]]]]
    """
    return matrices[:, None] @ crops @ matrices[:, None].transpose(2, 3)
