"""Degrades a batch as a webcam does: few pixels, bad light, a hand before the mouth.

This happens between alignment and mixing; `training.augment.augment` decides for how many crops.
Each kind takes `crops (M, C, S, S)` of 0..255, `strength (M,)` (0 leaves a crop about as it is, 1
is as bad as a usable webcam gets) and the generator, and returns crops of 0..255. The corruptions
that judge a model (`training.judge.corruptions`) are written independently and share no code with
these.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from training.augment.camera import add_sensor_noise, blur_crops, coarsen_crops
from training.augment.crop_tools import draw_uniform, measure_along, reshape_per_crop
from training.augment.jpeg import compress_crops
from training.augment.lighting import expose_crops, shade_crops, tint_crops

Kind = Callable[[Tensor, Tensor, Generator], Tensor]

MAX_KINDS = 3  # degradations of one crop at once


def occlude_crops(crops: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Covers the mouth, the eyes or a side by a band of one grey, or of another covered crop.

    That crop is shifted by half a side, so that no eye comes to lie on an eye.

    Args:
        crops: `(M, C, S, S)` float32 of 0..255.
        strength: `(M,)` float32, at least 0: the greater, the wider the band.
        generator: Draws the place, the width and the filling of each band.

    Returns:
        `(M, C, S, S)` float32 of 0..255.

    >>> crops = torch.zeros(8, 1, 16, 16)
    >>> covered = occlude_crops(crops, torch.ones(8), Generator().manual_seed(0)) != 0
    >>> covered.shape, 0 < float(covered.float().mean()) < 0.5
    (torch.Size([8, 1, 16, 16]), True)
    """
    n, channels, size, _ = crops.shape
    sort = torch.randint(3, (n,), generator=generator, device=crops.device)  # mouth, eyes, side
    left = draw_uniform(0, 1, n, generator) < 0.5
    straight = torch.where(sort < 2, math.pi / 2, torch.where(left, math.pi, 0.0))
    angle = straight + draw_uniform(-0.25, 0.25, n, generator)
    begin = torch.where(sort == 0, 0.42 - 0.37 * strength, 0.38 - 0.35 * strength)
    half = 0.04 + 0.10 * strength
    low = torch.where(sort == 1, -0.11 - half, begin)
    high = torch.where(sort == 1, -0.11 + half, torch.full_like(half, 2.0))
    across = measure_along(crops, angle)
    length = draw_uniform(0.3, 0.8, n, generator)
    inside = (across >= reshape_per_crop(low)) & (across <= reshape_per_crop(high))
    inside &= measure_along(crops, angle + math.pi / 2).abs() <= reshape_per_crop(length)
    other = crops.roll((1, size // 2, size // 2), dims=(0, 2, 3))
    grey = draw_uniform(0, 255, n, generator)[:, None] + 30 * torch.randn(
        (n, channels), generator=generator, device=crops.device
    )
    plain = reshape_per_crop(draw_uniform(0, 1, n, generator) < 0.5)
    fill = torch.where(plain, grey.clamp(0, 255)[:, :, None, None], other)
    return torch.where(inside, fill, crops)


JITTER = "jitter"
# In the order in which they happen: in front of the camera, in its lens, on its sensor, in transit.
PIXEL_KINDS: dict[str, Kind] = {
    "occlusion": occlude_crops,
    "shadow": shade_crops,
    "exposure": expose_crops,
    "cast": tint_crops,
    "blur": blur_crops,
    "resolution": coarsen_crops,
    "noise": add_sensor_noise,
    "compression": compress_crops,
}


def draw_jitter(strength: Tensor, size_px: int, generator: Generator) -> Tensor:
    """Draws small errors of the alignment, as badly placed landmarks, a turned head or another lens
    make.

    At strength 1 these are at most 12 degrees, 12 % of scale, 8 % of shift, 10 % of difference
    between the axes and 0.1 of shear.

    Args:
        strength: `(B,)`; 0 gives the identity.
        size_px: Side of the crops.
        generator: Draws the errors.

    Returns:
        `(B, 2, 3)` crop -> crop, px.

    >>> draw_jitter(torch.zeros(1), 48, Generator().manual_seed(0))[0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    n = len(strength)

    def spread(most: float) -> Tensor:
        return draw_uniform(-most, most, n, generator) * strength

    angle, scale, stretch, shear = spread(math.radians(12)), spread(0.12), spread(0.05), spread(0.1)
    cos, sin = angle.cos() * scale.exp(), angle.sin() * scale.exp()
    turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    deform = torch.stack(
        [
            torch.stack([stretch.exp(), shear], 1),
            torch.stack([torch.zeros_like(shear), (-stretch).exp()], 1),
        ],
        1,
    )
    linear = turn @ deform
    shift = torch.stack([spread(0.08), spread(0.08)], 1)[:, :, None] * size_px
    centre = torch.full((n, 2, 1), size_px / 2, device=strength.device)
    return torch.cat([linear, centre - linear @ centre + shift], dim=2)


@dataclass(frozen=True, slots=True)
class Degradation:
    """The degradations of a batch: for each kind its strength `(B,)`, 0 where it does not
    happen."""

    strength: dict[str, Tensor]
    generator: Generator

    @classmethod
    def draw(
        cls,
        n: int,
        *,
        channels: int,
        share: float,
        strength: float,
        kinds: tuple[str, ...],
        generator: Generator,
    ) -> "Degradation":
        """Draws the degradations of a batch.

        An own generator follows from the seed of `generator`, which itself stays as it is, so that
        spared crops are those of a batch without degradations.

        Args:
            n: Count of crops.
            channels: 1 leaves out "cast", which greys do not show.
            share: Share of the crops that suffer one to `MAX_KINDS` kinds.
            strength: The largest strength.
            kinds: Names of the kinds to draw from.
            generator: Gives its seed and device.
        """
        own = Generator(generator.device)
        own.manual_seed((generator.initial_seed() ^ 0x5EED_0F_CA3E7A5) & (2**63 - 1))
        names = [name for name in kinds if channels > 1 or name != "cast"]
        order = torch.rand((n, len(names)), generator=own, device=own.device).argsort(dim=1)
        many = torch.randint(1, MAX_KINDS + 1, (n, 1), generator=own, device=own.device)
        hit = (order < many) & (draw_uniform(0, 1, n, own) < share)[:, None]
        much = torch.rand((n, len(names)), generator=own, device=own.device) * strength
        table = torch.where(hit, much, 0.0)
        return cls(dict(zip(names, table.unbind(1), strict=True)), own)

    def matrices(self, size_px: int) -> Tensor | None:
        """Draws `(B, 2, 3)` to compose with the alignment; None where nothing moves."""
        moved = self.strength.get(JITTER)
        return None if moved is None else draw_jitter(moved, size_px, self.generator)

    def apply(self, crops: Tensor) -> Tensor:
        """Degrades `crops (B, C, S, S)` of 0..255 into a new tensor."""
        crops = crops.clone()
        for name, kind in PIXEL_KINDS.items():
            if name in self.strength:
                rows = torch.nonzero(self.strength[name]).flatten()
                if len(rows):
                    crops[rows] = kind(crops[rows], self.strength[name][rows], self.generator)
        return crops
