"""Films crops with a weak camera: blur, few pixels, sensor noise."""

import torch
from torch import Generator, Tensor

from training.augment.crop_tools import draw_uniform, multiply_both_ways, reshape_per_crop

SOURCE_PX = 48  # the side of FER+'s pictures; larger crops count as enlarged ones
MIN_PX = 12  # side of the crop at the lowest resolution


def blur_crops(crops: Tensor, strength: Tensor, _: Generator) -> Tensor:
    """Blurs crops as a lens out of focus does, by a Gaussian of up to a 24th of the side.

    Args:
        crops: `(M, C, S, S)` float32 of 0..255.
        strength: `(M,)` float32, at least 0; 1 is a deviation of a 24th of the side.
        _: Not used: the strength alone decides.

    Returns:
        `(M, C, S, S)` float32 of 0..255.

    >>> crops = torch.zeros(1, 1, 48, 48)
    >>> crops[..., 24, 24] = 255
    >>> blurred = blur_crops(crops, torch.ones(1), Generator())
    >>> round(float(blurred.sum())), float(blurred.max()) < 20
    (255, True)
    """
    size = crops.shape[-1]
    places = torch.arange(size, device=crops.device, dtype=torch.float32)
    sigma = (strength * size / 24).clamp(min=0.05)[:, None, None]
    weights = (-(((places - places[:, None]) / sigma) ** 2) / 2).exp()
    return multiply_both_ways(crops, weights / weights.sum(dim=2, keepdim=True))


def coarsen_crops(crops: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Lowers the resolution to as few as `MIN_PX` pixels across and enlarges the result again.

    The coarse pixels are means, on a grid that begins anywhere; straight lines join their centres.

    Args:
        crops: `(M, C, S, S)` float32 of 0..255.
        strength: `(M,)` float32, at least 0; 1 leaves `MIN_PX` pixels across, or a quarter of
            the side where that is fewer.
        generator: Draws where the grid of each crop begins.

    Returns:
        `(M, C, S, S)` float32 of 0..255.

    >>> stripes = torch.tensor([0.0, 255.0]).repeat(24).expand(1, 1, 48, 48)
    >>> coarse = coarsen_crops(stripes, torch.ones(1), Generator().manual_seed(0))
    >>> float(coarse.std()) < float(stripes.std()) / 4
    True
    """
    n, _, size, _ = crops.shape
    most = min(size, SOURCE_PX)
    pitch = (size / most * (most / min(MIN_PX, most / 4)) ** strength)[:, None]  # (M, 1)
    begin = -draw_uniform(0, 1, n, generator)[:, None] * pitch
    fine = torch.arange(size, device=crops.device, dtype=torch.float32)  # (S,)
    low = begin + pitch * torch.arange(size + 1, device=crops.device)  # (M, S + 1) large pixels
    high = low + pitch
    shared = torch.minimum(high[:, :, None], fine + 1) - torch.maximum(low[:, :, None], fine)
    shrink = shared.clamp(min=0)  # (M, S + 1, S)
    total = shrink.sum(dim=2, keepdim=True)
    shrink = shrink / total.clamp(min=1e-6)
    distance = ((low + high) / 2)[:, None, :] - (fine + 0.5)[:, None]  # (M, S, S + 1)
    enlarge = (1 - distance.abs() / pitch[:, :, None]).clamp(min=0) * (total > 1e-6).mT
    enlarge = enlarge / enlarge.sum(dim=2, keepdim=True).clamp(min=1e-6)
    return multiply_both_ways(crops, enlarge @ shrink)


def add_sensor_noise(crops: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Adds the noise of a sensor.

    A part of the noise has the same size everywhere; the variance of the other part is proportional
    to the light. The grain is one pixel, or two as in an enlarged picture.

    Args:
        crops: `(M, C, S, S)` float32 of 0..255.
        strength: `(M,)` float32, at least 0; 1 is a standard deviation of 30 grey levels at middle
            grey.
        generator: Draws the grain and the share of each part.

    Returns:
        `(M, C, S, S)` float32 of 0..255.

    >>> crops = torch.full((4, 1, 16, 16), 128.0)
    >>> noisy = add_sensor_noise(crops, torch.ones(4), Generator().manual_seed(0))
    >>> 20 < float(noisy.std()) < 40
    True
    """
    n, channels, size, _ = crops.shape
    fine = torch.randn(crops.shape, generator=generator, device=crops.device)
    half = (size + 1) // 2
    coarse = torch.randn((n, channels, half, half), generator=generator, device=crops.device)
    coarse = coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)[..., :size, :size]
    grain = torch.where(reshape_per_crop(draw_uniform(0, 1, n, generator) < 0.5), fine, coarse)
    share = reshape_per_crop(draw_uniform(0, 1, n, generator))
    deviation = (1 - share + share * crops / 128).sqrt() * reshape_per_crop(30 * strength)
    return (crops + grain * deviation).clamp(0, 255)
