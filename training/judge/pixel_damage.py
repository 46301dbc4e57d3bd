"""Damages the pixels of crops: blur, codec, noise, light and colour.

Each function takes crops `(n, S, S, C)` float32 of 0..255, RGB or grey, a strength and a generator,
and gives crops of the same shape. Values may leave 0..255.
"""

import io
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image

from app.types import Floats

GRAIN_PX = 48  # side of the crop whose grain noise and codec have in every model's input


def make_places(size: int) -> Floats:
    """Makes the pixel centres of a side of `size` px as fractions of the side, `(S,)`.

    >>> make_places(4).tolist()
    [0.125, 0.375, 0.625, 0.875]
    """
    return np.asarray((np.arange(size) + 0.5) / size, np.float32)


def _enlarge_grain(grid: Floats, size: int) -> Floats:
    """Enlarges `(n, GRAIN_PX, GRAIN_PX, C)` to `(n, S, S, C)` by the nearest value."""
    nearest = (make_places(size) * GRAIN_PX).astype(np.int64)
    return grid[:, nearest][:, :, nearest]


def _change_by_pillow(crops: Floats, change: Callable[[Image.Image], Image.Image]) -> Floats:
    """Changes every crop, in whole grey levels, by a Pillow operation that keeps its mode."""
    grey = crops.shape[3] == 1
    whole = np.clip(np.rint(crops), 0, 255).astype(np.uint8)
    pictures = [np.asarray(change(Image.fromarray(c[..., 0] if grey else c))) for c in whole]
    return np.stack(pictures).astype(np.float32).reshape(len(crops), *pictures[0].shape[:2], -1)


def lower_resolution(crops: Floats, pixels: float, _: Generator) -> Floats:
    """Shrinks crops and enlarges them again.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        pixels: The side of the small crops in px. From S on, nothing changes.
        _: Not used: the damage is not random.

    Returns:
        `(n, S, S, C)` float32.

    >>> crops = np.zeros((1, 48, 48, 1), np.float32)
    >>> crops[0, 20, 20] = 255
    >>> float(lower_resolution(crops, 12, np.random.default_rng(0)).max()) < 20
    True
    """
    side, size = max(1, round(pixels)), crops.shape[1]

    def change(picture: Image.Image) -> Image.Image:
        small = picture.resize((side, side), Image.Resampling.BOX)
        return small.resize((size, size), Image.Resampling.BILINEAR)

    return _change_by_pillow(crops, change) if side < size else crops


def convolve(crops: Floats, kernels: Floats) -> Floats:
    """Convolves each crop with its kernel. Pixels outside a crop repeat its edge.

    Args:
        crops: `(n, S, S, C)` float32.
        kernels: `(n or 1, k, k)` float32, k odd.

    Returns:
        `(n, S, S, C)` float32.

    >>> crops = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    >>> convolve(crops, np.full((1, 3, 3), 1 / 9, np.float32))[0, 1, 1].round(3).tolist()
    [4.0]
    """
    k, size = kernels.shape[1], crops.shape[1]
    r = k // 2
    padded = np.pad(crops, ((0, 0), (r, r), (r, r), (0, 0)), mode="edge")
    shape = padded.shape[1:3]
    spectrum = np.fft.rfft2(padded, axes=(1, 2))
    spectrum *= np.fft.rfft2(kernels, s=shape, axes=(1, 2))[..., None]
    blurred = np.fft.irfft2(spectrum, s=shape, axes=(1, 2))
    return np.asarray(blurred[:, k - 1 : k - 1 + size, k - 1 : k - 1 + size], np.float32)


def defocus(crops: Floats, radius: float, _: Generator) -> Floats:
    """Blurs crops by a disc, as a lens draws a point that is out of focus.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        radius: The disc's radius in sides of the crop.
        _: Not used: the damage is not random.

    Returns:
        `(n, S, S, C)` float32.

    >>> flat = np.full((1, 48, 48, 1), 100, np.float32)
    >>> bool(np.allclose(defocus(flat, 0.05, np.random.default_rng(0)), 100, atol=1e-3))
    True
    """
    radius_px = radius * crops.shape[1]
    r = int(np.ceil(radius_px)) + 1
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    disc = np.clip(radius_px + 0.5 - np.hypot(x, y), 0, 1)
    return convolve(crops, np.asarray(disc / disc.sum(), np.float32)[None])


def blur_by_motion(crops: Floats, length: float, generator: Generator) -> Floats:
    """Blurs crops along a stroke, as a head moves while the shutter is open.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        length: The stroke's length in sides of the crop.
        generator: Draws the direction of each stroke.

    Returns:
        `(n, S, S, C)` float32.

    >>> flat = np.full((2, 48, 48, 1), 100, np.float32)
    >>> bool(np.allclose(blur_by_motion(flat, 0.1, np.random.default_rng(0)), 100, atol=1e-2))
    True
    """
    n, size = len(crops), crops.shape[1]
    angle = generator.uniform(0, np.pi, (n, 1, 1))
    half_px = length * size / 2
    r = int(np.ceil(half_px)) + 1
    steps = np.linspace(-half_px, half_px, 4 * r + 1)[:, None]  # (T, 1)
    grid = np.arange(-r, r + 1)
    along_x = np.clip(1 - abs(grid - steps * np.cos(angle)), 0, 1)  # (n, T, k)
    along_y = np.clip(1 - abs(grid - steps * np.sin(angle)), 0, 1)
    kernels = along_y.transpose(0, 2, 1) @ along_x
    return convolve(crops, np.asarray(kernels / len(steps), np.float32))


def compress_as_jpeg(crops: Floats, quality: float, _: Generator) -> Floats:
    """Adds the error that JPEG makes on a crop of `GRAIN_PX` to crops of any size.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        quality: JPEG's quality, 1 to 95; a smaller value does more damage.
        _: Not used: the damage is not random.

    Returns:
        `(n, S, S, C)` float32.

    >>> crops = np.random.default_rng(0).uniform(0, 255, (1, 48, 48, 1)).astype(np.float32)
    >>> made = [compress_as_jpeg(crops, quality, np.random.default_rng(0)) for quality in (80, 8)]
    >>> good, bad = (float(abs(each - crops).mean()) for each in made)
    >>> good < bad
    True
    """

    def resize(picture: Image.Image) -> Image.Image:
        return picture.resize((GRAIN_PX, GRAIN_PX), Image.Resampling.BOX)

    def encode(picture: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=round(quality))
        return Image.open(buffer)

    small = _change_by_pillow(crops, resize)
    return crops + _enlarge_grain(_change_by_pillow(small, encode) - small, crops.shape[1])


def add_camera_noise(crops: Floats, deviation: float, generator: Generator) -> Floats:
    """Adds the noise of a camera. Half of its variance is the same everywhere, half grows with the
    light.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        deviation: The standard deviation at middle grey, in grey levels.
        generator: Draws the noise.

    Returns:
        `(n, S, S, C)` float32, whose values may leave 0..255.

    >>> grey = np.full((1, 48, 48, 1), 127.5, np.float32)
    >>> noisy = add_camera_noise(grey, 10, np.random.default_rng(0))
    >>> 9 < float((noisy - grey).std()) < 11
    True
    """
    n, size, _, channels = crops.shape
    grid = generator.standard_normal((n, GRAIN_PX, GRAIN_PX, channels), np.float32)
    spread = np.float32(deviation) * np.sqrt(0.5 + np.clip(crops, 0, 255) / 255)
    return np.asarray(crops + spread * _enlarge_grain(grid, size), np.float32)


def add_salt_and_pepper(crops: Floats, share: float, generator: Generator) -> Floats:
    """Turns a share of the grains white or black, half of them each.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        share: The share of the grains in 0..1.
        generator: Draws the grains.

    Returns:
        `(n, S, S, C)` float32.

    >>> grey = np.full((1, 48, 48, 1), 100, np.float32)
    >>> sorted(set(add_salt_and_pepper(grey, 0.1, np.random.default_rng(0)).ravel().tolist()))
    [0.0, 100.0, 255.0]
    """
    n, size = crops.shape[:2]
    grid = generator.random((n, GRAIN_PX, GRAIN_PX, 1), np.float32)
    chance = _enlarge_grain(grid, size)
    salted = np.where(chance < share / 2, np.float32(255), crops)
    return np.where(chance > 1 - share / 2, np.float32(0), salted)


def darken(crops: Floats, gamma: float, _: Generator) -> Floats:
    """Darkens crops by a power of their light.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        gamma: The exponent of the light as a fraction of 255; 1 changes nothing.
        _: Not used: the damage is not random.

    Returns:
        `(n, S, S, C)` float32.

    >>> darken(np.full((1, 1, 1, 1), 127.5, np.float32), 2, np.random.default_rng(0)).item()
    63.75
    """
    return np.asarray(255 * (crops / 255) ** gamma, np.float32)


def overexpose(crops: Floats, gain: float, _: Generator) -> Floats:
    """Multiplies the light of crops.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        gain: The factor of the light; 1 changes nothing.
        _: Not used: the damage is not random.

    Returns:
        `(n, S, S, C)` float32; values above 255 are cut later.

    >>> overexpose(np.full((1, 1, 1, 1), 100, np.float32), 1.5, np.random.default_rng(0)).item()
    150.0
    """
    return np.asarray(crops * gain, np.float32)


def lower_contrast(crops: Floats, share: float, _: Generator) -> Floats:
    """Leaves a share of the contrast of crops, about a middle grey of 128.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        share: The share that is left, in 0..1; 1 changes nothing.
        _: Not used: the damage is not random.

    Returns:
        `(n, S, S, C)` float32.

    >>> lower_contrast(np.full((1, 1, 1, 1), 228, np.float32), 0.5, np.random.default_rng(0)).item()
    178.0
    """
    return np.asarray(128 + (crops - 128) * share, np.float32)


def cast_shadow(crops: Floats, loss: float, generator: Generator) -> Floats:
    """Takes light from about one half of each crop, from a random side.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        loss: The share of its light that the dark half loses, in 0..1.
        generator: Draws the direction, the place and the width of each edge.

    Returns:
        `(n, S, S, C)` float32.

    >>> white = np.full((1, 48, 48, 1), 200, np.float32)
    >>> shaded = cast_shadow(white, 0.5, np.random.default_rng(0))
    >>> float(shaded.min().round()), float(shaded.max().round())
    (100.0, 200.0)
    """
    n, size = crops.shape[:2]
    angle = generator.uniform(0, 2 * np.pi, (n, 1, 1))
    offset = generator.uniform(-0.12, 0.12, (n, 1, 1))
    edge = generator.uniform(0.02, 0.15, (n, 1, 1))
    p = make_places(size) - 0.5
    distance = p[None, None, :] * np.cos(angle) + p[None, :, None] * np.sin(angle) - offset
    shaded = np.clip(0.5 + distance / edge, 0, 1)
    return np.asarray(crops * (1 - loss * shaded[..., None]), np.float32)


def cast_colour(crops: Floats, share: float, generator: Generator) -> Floats:
    """Colours the light on crops in a random hue.

    Args:
        crops: `(n, S, S, 3)` float32 of 0..255.
        share: The most by which the gain of a channel differs from 1.
        generator: Draws the hue of each crop.

    Returns:
        `(n, S, S, 3)` float32, whose values may exceed 255.

    >>> grey = np.full((1, 1, 1, 3), 100, np.float32)
    >>> round(float(cast_colour(grey, 0.3, np.random.default_rng(0)).mean()), 3)
    100.0
    """
    hue = generator.uniform(0, 2 * np.pi, (len(crops), 1))
    gains = 1 + share * np.cos(hue - np.array([0, 2, 4]) * np.pi / 3)
    return np.asarray(crops * gains[:, None, None, :], np.float32)


def _make_plasma(n: int, size: int, generator: Generator) -> Floats:
    """Makes `(n, S, S)` of about -1..1: random grids of 2, 4, 8 and 16 values a side, each half as
    strong as the one before, interpolated linearly."""
    total = np.zeros((n, size, size), np.float32)
    for octave, side in enumerate((2, 4, 8, 16)):
        grid = generator.uniform(-1, 1, (n, side, side)).astype(np.float32)
        centres = (np.arange(side) + 0.5) / side
        weights = np.clip(1 - abs(make_places(size)[:, None] - centres) * side, 0, 1)  # (S, side)
        weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        total += weights @ grid @ weights.T / 2**octave
    return total


def add_fog(crops: Floats, density: float, generator: Generator) -> Floats:
    """Puts bright, uneven haze before the faces of crops, like breath on the lens.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        density: The share of the haze in the picture; 0 changes nothing, 1 hides the faces.
        generator: Draws the haze.

    Returns:
        `(n, S, S, C)` float32.

    >>> black = np.zeros((1, 48, 48, 1), np.float32)
    >>> 60 < float(add_fog(black, 0.5, np.random.default_rng(0)).mean()) < 140
    True
    """
    haze = 200 + 80 * _make_plasma(len(crops), crops.shape[1], generator)
    return np.asarray(crops * (1 - density) + haze[..., None] * density, np.float32)


def posterise(crops: Floats, levels: float, _: Generator) -> Floats:
    """Rounds crops to a few grey levels, evenly spaced from 0 to 255.

    Args:
        crops: `(n, S, S, C)` float32 of 0..255, grey or RGB.
        levels: The count of grey levels, at least 2.
        _: Not used: the damage is not random.

    Returns:
        `(n, S, S, C)` float32.

    >>> ramp = np.linspace(0, 255, 16, dtype=np.float32).reshape(1, 4, 4, 1)
    >>> np.unique(posterise(ramp, 3, np.random.default_rng(0))).tolist()
    [0.0, 127.5, 255.0]
    """
    steps = np.float32(levels - 1)
    return np.asarray(np.rint(crops / 255 * steps) / steps * 255, np.float32)
