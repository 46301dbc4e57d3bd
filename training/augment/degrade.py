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
from torch.nn import functional

Kind = Callable[[Tensor, Tensor, Generator], Tensor]

MAX_KINDS = 3  # degradations of one crop at once
SOURCE_PX = 48  # the side of FER+'s pictures; larger crops count as enlarged ones
MIN_PX = 12  # side of the crop at the lowest resolution
# Quantisation of brightness and of colour in ITU-T T.81 (JPEG), annex K.
LUMA_TABLE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA_TABLE = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 32),
)
RGB_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)


def draw_uniform(low: float, high: float, n: int, generator: Generator) -> Tensor:
    """Draws `(n,)` numbers between `low` and `high`.

    >>> drawn = draw_uniform(2, 3, 100, Generator().manual_seed(0))
    >>> bool(((drawn >= 2) & (drawn < 3)).all())
    True
    """
    return torch.rand(n, generator=generator, device=generator.device) * (high - low) + low


def _each(values: Tensor) -> Tensor:
    """Reshapes `(M,)` to `(M, 1, 1, 1)`, one number for each crop."""
    return values[:, None, None, None]


def _along(crops: Tensor, angle: Tensor) -> Tensor:
    """Measures each pixel's distance from the middle in the direction `angle (M,)` (0 is right,
    a quarter turn is down), in sides of the crop. Returns `(M, 1, S, S)`."""
    size = crops.shape[-1]
    places = (torch.arange(size, device=crops.device) + 0.5) / size - 0.5
    return _each(angle.cos()) * places + _each(angle.sin()) * places[:, None]


def _both_ways(crops: Tensor, matrices: Tensor) -> Tensor:
    """Applies `matrices (M, S, S)` to the columns and to the rows of each crop."""
    return matrices[:, None] @ crops @ matrices[:, None].transpose(2, 3)


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
    across = _along(crops, angle)
    length = draw_uniform(0.3, 0.8, n, generator)
    inside = (across >= _each(low)) & (across <= _each(high))
    inside &= _along(crops, angle + math.pi / 2).abs() <= _each(length)
    other = crops.roll((1, size // 2, size // 2), dims=(0, 2, 3))
    grey = draw_uniform(0, 255, n, generator)[:, None] + 30 * torch.randn(
        (n, channels), generator=generator, device=crops.device
    )
    plain = _each(draw_uniform(0, 1, n, generator) < 0.5)
    fill = torch.where(plain, grey.clamp(0, 255)[:, :, None, None], other)
    return torch.where(inside, fill, crops)


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
    distance = _along(crops, draw_uniform(-math.pi, math.pi, n, generator))
    begin = draw_uniform(-0.3, 0.3, n, generator)
    width = draw_uniform(math.log(0.01), math.log(0.3), n, generator).exp()
    dark = torch.sigmoid((distance - _each(begin)) / _each(width))
    return crops * (1 - _each(0.9 * strength) * dark)


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
    sort = _each(draw_uniform(0, 3, len(crops), generator))
    mean = crops.mean(dim=(1, 2, 3), keepdim=True)
    dark = 255 * (crops / 255).clamp(1e-4, 1) ** _each((1.5 * strength).exp())
    bright = (crops * _each((0.9 * strength).exp())).clamp(max=255)
    flat = mean + (crops - mean) * _each((-2.0 * strength).exp())
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
    return _both_ways(crops, weights / weights.sum(dim=2, keepdim=True))


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
    return _both_ways(crops, enlarge @ shrink)


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
    grain = torch.where(_each(draw_uniform(0, 1, n, generator) < 0.5), fine, coarse)
    share = _each(draw_uniform(0, 1, n, generator))
    deviation = (1 - share + share * crops / 128).sqrt() * _each(30 * strength)
    return (crops + grain * deviation).clamp(0, 255)


def _dct(device: torch.device) -> Tensor:
    """Computes the orthonormal cosine transform of eight values, `(8, 8)`."""
    k = torch.arange(8, device=device, dtype=torch.float32)
    matrix = ((2 * k + 1) * k[:, None] * math.pi / 16).cos() / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def compress_crops(crops: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Applies the loss of JPEG (ITU-T T.81) at qualities from 60 down to 6.

    Blocks of 8 x 8 become cosines, are rounded and turned back. The blocks begin anywhere, as those
    of a frame do in the crop of a face.

    Args:
        crops: `(M, C, S, S)` float32 of 0..255, grey or RGB.
        strength: `(M,)` float32, at least 0; 0 is quality 60, 1 is quality 6.
        generator: Draws where the blocks begin, once for the batch.

    Returns:
        `(M, C, S, S)` float32 of 0..255.

    >>> crops = torch.full((1, 1, 16, 16), 128.0)
    >>> packed = compress_crops(crops, torch.ones(1), Generator().manual_seed(0))
    >>> bool(torch.allclose(packed, crops))
    True
    """
    n, channels, size, _ = crops.shape
    y, x = torch.randint(8, (2,), generator=generator, device=crops.device).tolist()
    blocks = -(-(size + max(y, x)) // 8)
    pad = (x, blocks * 8 - size - x, y, blocks * 8 - size - y)
    planes = functional.pad(crops - 128, pad, mode="replicate")
    turn = crops.new_tensor(RGB_TO_YCC)
    if channels == 3:
        planes = torch.einsum("ij,njhw->nihw", turn, planes)
    quality = 60 * 0.1**strength
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality) / 100
    tables = crops.new_tensor((LUMA_TABLE, CHROMA_TABLE, CHROMA_TABLE)[:channels])
    steps = (tables * scale[:, None, None]).round().clamp(1, 255).view(n, channels, 1, 8, 1, 8)
    # Along rows and along columns of blocks: one block-diagonal product each way.
    whole = torch.kron(torch.eye(blocks, device=crops.device), _dct(crops.device))
    cosines = (whole @ planes @ whole.T).view(n, channels, blocks, 8, blocks, 8)
    kept = ((cosines / steps).round() * steps).view(planes.shape)
    planes = (whole.T @ kept @ whole)[..., y : y + size, x : x + size]
    if channels == 3:
        planes = torch.einsum("ij,njhw->nihw", torch.linalg.inv(turn), planes)
    return (planes + 128).clamp(0, 255)


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
