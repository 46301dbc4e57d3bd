"""Random changes of a batch: geometry before the one resampling, light and holes after it, mixing.

Every function takes its generator, so that a step's augmentation follows from its seed alone.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from training.augment.degrade import Degradation, draw_uniform
from training.augment.mixing import Mixing, draw_mixing
from training.config.augment_config import AugmentConfig, parse_kinds
from training.datasets.crops import compose_maps, warp_batch
from training.datasets.examples import Examples

# Where the crop of 224 lies in the frame of 256, from its centre in sides of the crop. The centre
# is the crop that is judged.
_REACH = (256 - 224) / 2 / 224
FIVE_CROPS = ((0.0, 0.0), *((x * _REACH, y * _REACH) for x in (-1, 1) for y in (-1, 1)))


@dataclass(frozen=True, slots=True)
class Batch:
    """`crops (B, C, S, S)` float32 of 0..255, `soft (B, K)` or whatever else was mixed as the
    crops were, `labels (B,)` for the centre loss."""

    crops: Tensor
    soft: Tensor
    labels: Tensor
    mixing: Mixing | None = None


def draw_matrices(n: int, size_px: int, config: AugmentConfig, generator: Generator) -> Tensor:
    """`(n, 2, 3)` crop -> crop: rotation and scale about the centre, shift, a mirror for half."""
    turn = math.radians(config.rotation_deg)
    angle = draw_uniform(-turn, turn, n, generator)
    scale = draw_uniform(-math.log1p(config.scale), math.log1p(config.scale), n, generator).exp()
    mirror = torch.where(draw_uniform(0, 1, n, generator) < 0.5, -1.0, 1.0)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    linear = torch.stack(
        [torch.stack([cos * mirror, -sin], 1), torch.stack([sin * mirror, cos], 1)], 1
    )
    if config.crops == "five":
        corners = torch.tensor(FIVE_CROPS, device=generator.device)
        shift = corners[torch.randint(5, (n,), generator=generator, device=generator.device)]
    else:
        span = config.shift
        shift = torch.stack([draw_uniform(-span, span, n, generator) for _ in range(2)], 1)
    centre = torch.full((n, 2, 1), size_px / 2, device=generator.device)
    moved = centre - linear @ centre + shift[:, :, None] * size_px
    return torch.cat([linear, moved], dim=2)


def relight_crops(crops: Tensor, strength: float, generator: Generator) -> Tensor:
    """Contrast about each crop's mean, gamma and brightness, within 0..255."""
    n = len(crops)

    def factor() -> Tensor:
        return draw_uniform(-strength, strength, n, generator).exp()[:, None, None, None]

    mean = crops.mean(dim=(1, 2, 3), keepdim=True)
    crops = ((crops - mean) * factor() + mean).clamp(0, 255)
    crops = 255 * (crops / 255).clamp(min=1e-4) ** factor()
    offset = 255 * strength / 2 * draw_uniform(-1, 1, n, generator)
    return (crops + offset[:, None, None, None]).clamp(0, 255)


def erase_holes(crops: Tensor, share: float, generator: Generator) -> Tensor:
    """Fills a random rectangle (2 to 25 % of the area) of a share of the crops with one random
    grey. Zhong et al., "Random Erasing Data Augmentation", AAAI 2020."""
    n, _, height, width = crops.shape
    area = draw_uniform(0.02, 0.25, n, generator)
    aspect = draw_uniform(-math.log(3.3), math.log(3.3), n, generator).exp()
    hole_h = (area * aspect).sqrt().clamp(max=0.9) * height
    hole_w = (area / aspect).sqrt().clamp(max=0.9) * width
    top = draw_uniform(0, 1, n, generator) * (height - hole_h)
    left = draw_uniform(0, 1, n, generator) * (width - hole_w)
    rows = torch.arange(height, device=crops.device)[None, :]
    columns = torch.arange(width, device=crops.device)[None, :]
    in_rows = (rows >= top[:, None]) & (rows < (top + hole_h)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + hole_w)[:, None])
    hit = draw_uniform(0, 1, n, generator) < share
    hole = (in_rows[:, :, None] & in_columns[:, None, :] & hit[:, None, None])[:, None]
    grey = draw_uniform(0, 255, n, generator)[:, None, None, None]
    return torch.where(hole, grey, crops)


def mix_batch(batch: Batch, mixing: Mixing) -> Batch:
    """Each crop mixed with another of the batch, targets and labels accordingly."""
    return Batch(
        crops=mixing.crops(batch.crops),
        soft=mixing.targets(batch.soft),
        labels=mixing.labels(batch.labels),
        mixing=mixing,
    )


def draw_degradation(
    n: int, channels: int, config: AugmentConfig, generator: Generator
) -> Degradation | None:
    """None where the recipe has none: then nothing is drawn."""
    if config.degrade == 0:
        return None
    return Degradation.draw(
        n,
        channels=channels,
        share=config.degrade,
        strength=config.degrade_strength,
        kinds=parse_kinds(config.degrade_kinds),
        generator=generator,
    )


def augment_crops(
    examples: Examples, rows: Tensor, config: AugmentConfig, generator: Generator
) -> Tensor:
    """`(B, C, S, S)`, not mixed; alignment and random geometry are one resampling. What is drawn
    does not hang on the size of the crops: the same source gives the same change of each."""
    random = draw_matrices(len(rows), examples.size_px, config, generator)
    webcam = draw_degradation(len(rows), examples.pictures.shape[1], config, generator)
    moved = webcam.matrices(examples.size_px) if webcam is not None else None
    if moved is not None:
        random = compose_maps(moved, random)
    matrices = compose_maps(random, examples.matrices[rows])
    crops = warp_batch(examples.pictures[rows], examples.sizes[rows], matrices, examples.size_px)
    if config.light > 0:
        crops = relight_crops(crops, config.light, generator)
    if webcam is not None:
        crops = webcam.apply(crops)
    if config.erase > 0:
        crops = erase_holes(crops, config.erase, generator)
    return crops


def make_training_batch(
    examples: Examples,
    rows: Tensor,
    config: AugmentConfig,
    generator: Generator,
    targets: Tensor | None = None,
) -> Batch:
    """The augmented and mixed crops of `rows (B,)`. `targets (B, T)` take the place of the
    examples' soft targets."""
    crops = augment_crops(examples, rows, config, generator)
    batch = Batch(crops, examples.soft[rows] if targets is None else targets, examples.labels[rows])
    if not (config.mixup or config.cutmix):
        return batch
    mixing = draw_mixing(
        len(rows),
        examples.size_px,
        mixup=config.mixup,
        cutmix=config.cutmix,
        generator=generator,
    )
    return mix_batch(batch, mixing)
