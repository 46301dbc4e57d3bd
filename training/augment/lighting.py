"""Lights crops badly: shade from one side, wrong exposure, tints."""

import math

import torch
from torch import Generator, Tensor

from training.augment.crop_tools import draw_uniform, measure_along, reshape_per_crop


def shade_crops(crops: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Darkens one side of an edge, which is sharp or as wide as the face (side light).

    Args:
        crops: `(M, C, S, S)` float32 of 0..255.
        strength: `(M,)` float32, at least 0; 1 takes nine tenths of the light.
        generator: Draws the direction, the place and the width of each edge.

    Returns:
        `(M, C, S, S)` float32, at most 255; below 0 only where a strength is above 1.

    >>> crops = torch.full((4, 1, 16, 16), 200.0)
    >>> shaded = shade_crops(crops, torch.ones(4), Generator().manual_seed(0))
    >>> bool((shaded <= crops).all()), float(shaded.min()) < 100
    (True, True)
    """
    n = len(crops)
    distance = measure_along(crops, draw_uniform(-math.pi, math.pi, n, generator))
    begin = draw_uniform(-0.3, 0.3, n, generator)
    width = draw_uniform(math.log(0.01), math.log(0.3), n, generator).exp()
    dark = torch.sigmoid((distance - reshape_per_crop(begin)) / reshape_per_crop(width))
    return crops * (1 - reshape_per_crop(0.9 * strength) * dark)


def expose_crops(crops: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Makes crops too dark (gamma), too bright (the brightest parts are lost) or low in contrast.

    Args:
        crops: `(M, C, S, S)` float32 of 0..255.
        strength: `(M,)` float32, at least 0; 0 changes no pixel by more than 0.03.
        generator: Draws which of the three happens to each crop.

    Returns:
        `(M, C, S, S)` float32 of 0..255.

    >>> crops = torch.full((4, 1, 2, 2), 128.0)
    >>> bool(torch.allclose(expose_crops(crops, torch.zeros(4), Generator().manual_seed(0)), crops))
    True
    """
    sort = reshape_per_crop(draw_uniform(0, 3, len(crops), generator))
    mean = crops.mean(dim=(1, 2, 3), keepdim=True)
    dark = 255 * (crops / 255).clamp(1e-4, 1) ** reshape_per_crop((1.5 * strength).exp())
    bright = (crops * reshape_per_crop((0.9 * strength).exp())).clamp(max=255)
    flat = mean + (crops - mean) * reshape_per_crop((-2.0 * strength).exp())
    return torch.where(sort < 1, dark, torch.where(sort < 2, bright, flat))


def tint_crops(crops: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Scales each channel's light, as a wrong white balance does; grey crops stay.

    Args:
        crops: `(M, C, S, S)` float32 of 0..255, grey or RGB.
        strength: `(M,)` float32, at least 0; 0 changes nothing.
        generator: Draws the gains of the channels.

    Returns:
        `(M, C, S, S)` float32 of 0..255; for C = 1 the same tensor.

    >>> crops = torch.full((1, 1, 2, 2), 128.0)
    >>> tint_crops(crops, torch.ones(1), Generator().manual_seed(0)) is crops
    True
    """
    n, channels, _, _ = crops.shape
    if channels == 1:
        return crops
    logs = 0.35 * draw_uniform(-1, 1, n * channels, generator).view(n, channels) * strength[:, None]
    logs = logs - logs.mean(dim=1, keepdim=True)
    return (crops * logs.exp()[:, :, None, None]).clamp(max=255)
