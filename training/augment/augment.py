"""Changes a batch at random: geometry before the one resampling, then light and holes, then mixing.

Every function takes its generator, so that the changes of a step follow from its seed alone.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from training.augment.crop_tools import draw_uniform
from training.augment.degrade import Degradation
from training.augment.mixing import Mixing, draw_mixing
from training.config.augment_config import AugmentConfig, parse_kinds
from training.datasets.crops import compose_maps, warp_batch
from training.datasets.examples import Examples

# The crop of 224 lies in the frame of 256 at five places, given from the frame's centre in sides
# of the crop. Judging uses the centre.
_REACH = (256 - 224) / 2 / 224
FIVE_CROPS = ((0.0, 0.0), *((x * _REACH, y * _REACH) for x in (-1, 1) for y in (-1, 1)))


@dataclass(frozen=True, slots=True)
class Batch:
    """A training batch: `crops (B, C, S, S)` float32 of 0..255, `soft (B, K)` targets (or other
    values mixed as the crops are), `labels (B,)` for the centre loss."""

    crops: Tensor
    soft: Tensor
    labels: Tensor
    mixing: Mixing | None = None


def draw_matrices(n: int, size_px: int, config: AugmentConfig, generator: Generator) -> Tensor:
    """Draws a rotation and scale about the centre, a shift, and a mirror for half of the crops.

    Args:
        n: Count of crops.
        size_px: Their side.
        config: The largest changes.
        generator: Draws them.

    Returns:
        `(n, 2, 3)` crop -> crop, px.

    >>> still = AugmentConfig(rotation_deg=0, scale=0, shift=0)
    >>> drawn = draw_matrices(8, 48, still, Generator().manual_seed(0))
    >>> drawn[:, 0, 0].abs().tolist() == [1.0] * 8, drawn[:, 1].unique(dim=0).tolist()
    (True, [[0.0, 1.0, 0.0]])
    """
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
    """Changes contrast about each crop's mean, gamma and brightness.

    Args:
        crops: `(B, C, S, S)` of 0..255.
        strength: Largest change, as in `AugmentConfig.light`.
        generator: Draws the changes.

    Returns:
        `(B, C, S, S)` of 0..255.

    >>> crops = torch.full((2, 1, 4, 4), 128.0)
    >>> lit = relight_crops(crops, 0.3, Generator().manual_seed(0))
    >>> lit.shape == crops.shape, bool((lit != crops).any())
    (True, True)
    """
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
    grey.

    Zhong et al., "Random Erasing Data Augmentation", AAAI 2020.

    Args:
        crops: `(B, C, S, S)` of 0..255.
        share: Share of the crops, in 0..1.
        generator: Draws crops, places and greys.

    Returns:
        `(B, C, S, S)` float32 of 0..255.

    >>> crops = torch.zeros(4, 1, 16, 16)
    >>> holes = erase_holes(crops, 1.0, Generator().manual_seed(0)) > 0
    >>> bool(holes.flatten(1).any(dim=1).all()), float(holes.float().mean()) < 0.3
    (True, True)
    """
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
    """Mixes each crop with another of the batch, and its targets and label accordingly."""
    return Batch(
        crops=mixing.mix_crops(batch.crops),
        soft=mixing.mix_targets(batch.soft),
        labels=mixing.drop_unclear_labels(batch.labels),
        mixing=mixing,
    )


def draw_degradation(
    n: int, channels: int, config: AugmentConfig, generator: Generator
) -> Degradation | None:
    """Draws the degradation of a batch; None, without drawing, for a recipe that has none."""
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
    """Cuts augmented crops, not mixed; alignment and random geometry are one resampling.

    The random draws do not depend on the size of the crops, so that equal seeds change crops of all
    sizes alike.

    Args:
        examples: The pictures.
        rows: `(B,)` row numbers.
        config: The largest changes.
        generator: Draws the changes.

    Returns:
        `(B, C, S, S)` float32 of 0..255.

    >>> examples = Examples(
    ...     pictures=torch.full((2, 1, 8, 8), 100, dtype=torch.uint8),
    ...     sizes=torch.full((2, 2), 8, dtype=torch.int32),
    ...     matrices=torch.eye(3)[:2].repeat(2, 1, 1),
    ...     soft=torch.eye(2),
    ...     labels=torch.arange(2),
    ...     size_px=8,
    ... )
    >>> still = AugmentConfig(rotation_deg=0, scale=0, shift=0, light=0, erase=0)
    >>> crops = augment_crops(examples, torch.tensor([1, 0, 1]), still, Generator().manual_seed(0))
    >>> crops.shape, crops.unique().tolist()
    (torch.Size([3, 1, 8, 8]), [100.0])
    """
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
    """Makes the augmented and mixed crops of a batch.

    Args:
        examples: The pictures.
        rows: `(B,)` row numbers.
        config: The largest changes.
        generator: Draws the changes.
        targets: `(B, T)`, which replace the examples' soft targets; None keeps those.

    Returns:
        B crops, float32 of 0..255, with their targets and labels.

    >>> examples = Examples(
    ...     pictures=torch.full((2, 1, 8, 8), 100, dtype=torch.uint8),
    ...     sizes=torch.full((2, 2), 8, dtype=torch.int32),
    ...     matrices=torch.eye(3)[:2].repeat(2, 1, 1),
    ...     soft=torch.eye(2),
    ...     labels=torch.arange(2),
    ...     size_px=8,
    ... )
    >>> rows, generator = torch.tensor([1, 0]), Generator().manual_seed(0)
    >>> batch = make_training_batch(examples, rows, AugmentConfig(mixup=0), generator)
    >>> batch.crops.shape, batch.soft.tolist(), batch.labels.tolist()
    (torch.Size([2, 1, 8, 8]), [[0.0, 1.0], [1.0, 0.0]], [1, 0])
    """
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
