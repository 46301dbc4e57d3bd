"""Pictures made of numbers alone, none of which shows a face: grounds to paste faces onto, and what
a detector and a classifier must not take for one.

Every maker takes a generator and `size_wh` (width, height) and gives `uint8 (H, W, 3)`; the same
generator gives the same picture.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from app.types import Image as Picture

Size: TypeAlias = tuple[int, int]
Maker: TypeAlias = Callable[[np.random.Generator, Size], Picture]

# Exponents of the amplitude over the frequency: white, pink and brown noise, and a blue one.
NOISE_SLOPES = (0.0, 0.5, 1.0, 1.5, -0.5)


def blank(generator: np.random.Generator, size_wh: Size) -> Picture:
    """One colour, or one grey."""
    width, height = size_wh
    return np.broadcast_to(colour(generator), (height, width, 3)).copy()


def gradient(generator: np.random.Generator, size_wh: Size) -> Picture:
    """From one colour to another, along a line or around a point."""
    width, height = size_wh
    y, x = np.mgrid[:height, :width].astype(np.float32)
    if generator.random() < 0.5:
        angle = generator.uniform(0, 2 * np.pi)
        way = x * np.cos(angle) + y * np.sin(angle)
    else:
        way = np.hypot(x - generator.uniform(0, width), y - generator.uniform(0, height))
    way = (way - way.min()) / max(float(np.ptp(way)), 1e-6)
    a, b = (colour(generator).astype(np.float32) for _ in range(2))
    return _bytes(a + way[..., None] * (b - a))


def make_noise(generator: np.random.Generator, size_wh: Size) -> Picture:
    """White, pink, brown or blue noise, grey or coloured, fine or coarse."""
    width, height = size_wh
    grain = int(generator.integers(1, 6))
    shape = (max(2, height // grain), max(2, width // grain))
    slope = NOISE_SLOPES[generator.integers(len(NOISE_SLOPES))]
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])
    frequency[0, 0] = 1.0 / max(shape)
    planes = []
    for _ in range(3 if generator.random() < 0.5 else 1):
        spectrum = np.fft.rfft2(generator.normal(size=shape)) * frequency**-slope
        plane = np.fft.irfft2(spectrum, s=shape)
        planes.append((plane - plane.mean()) / max(float(plane.std()), 1e-9))
    strength = generator.uniform(8, 70)
    pixels = _bytes(colour(generator) + strength * np.stack(planes, axis=2))
    return _resized(pixels, size_wh)


def texture(generator: np.random.Generator, size_wh: Size) -> Picture:
    """Waves, stripes, checks or rings of a few pixels to a quarter of the picture."""
    width, height = size_wh
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = generator.uniform(0, np.pi)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    length = np.exp(generator.uniform(np.log(4), np.log(max(8.0, min(size_wh) / 4))))
    kind = int(generator.integers(4))
    if kind == 0:
        wave = np.sin(2 * np.pi * u / length)
    elif kind == 1:
        wave = np.sign(np.sin(2 * np.pi * u / length))
    elif kind == 2:
        wave = np.sign(np.sin(2 * np.pi * u / length) * np.sin(2 * np.pi * v / length))
    else:
        centre = generator.uniform(0, width), generator.uniform(0, height)
        wave = np.sin(2 * np.pi * np.hypot(x - centre[0], y - centre[1]) / length)
    a, b = (colour(generator).astype(np.float32) for _ in range(2))
    return _bytes(a + (wave[..., None] + 1) / 2 * (b - a))


def shapes(generator: np.random.Generator, size_wh: Size) -> Picture:
    """A few to many ellipses, boxes, lines and polygons on a gradient."""
    ground = gradient if generator.random() < 0.5 else blank
    picture = Image.fromarray(ground(generator, size_wh))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(generator.integers(3, 40))):
        fill = tuple(int(value) for value in colour(generator))
        side = min(size_wh) * np.exp(generator.uniform(np.log(0.04), np.log(0.6)))
        x, y = generator.uniform(0, size_wh[0]), generator.uniform(0, size_wh[1])
        w, h = side * generator.uniform(0.3, 1), side * generator.uniform(0.3, 1)
        corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        kind = int(generator.integers(4))
        if kind == 0:
            pen.ellipse(corners, fill=fill)
        elif kind == 1:
            pen.rectangle(corners, fill=fill)
        elif kind == 2:
            pen.line(corners, fill=fill, width=int(generator.integers(1, 12)))
        else:
            places = generator.uniform(-0.5, 0.5, (int(generator.integers(3, 7)), 2)) * (w, h)
            pen.polygon([(float(x + dx), float(y + dy)) for dx, dy in places], fill=fill)
    return np.array(picture, np.uint8)


def room(generator: np.random.Generator, size_wh: Size) -> Picture:
    """What may stand behind a person: walls of soft light, textured areas, edges and clutter; made
    at half the size, for it is a little out of focus."""
    width, height = half = (max(1, size_wh[0] // 2), max(1, size_wh[1] // 2))
    layers: tuple[Maker, ...] = (gradient, make_noise, texture)
    picture = gradient(generator, half).astype(np.float32)
    for _ in range(int(generator.integers(1, 4))):
        w = int(generator.integers(width // 6, width + 1))
        h = int(generator.integers(height // 6, height + 1))
        x = int(generator.integers(0, width - w + 1))
        y = int(generator.integers(0, height - h + 1))
        layer = layers[generator.integers(len(layers))](generator, (w, h))
        share = np.float32(generator.uniform(0.3, 1.0))
        picture[y : y + h, x : x + w] += share * (layer - picture[y : y + h, x : x + w])
    if generator.random() < 0.6:
        clutter = shapes(generator, half)
        picture += np.float32(generator.uniform(0.2, 0.9)) * (clutter - picture)
    return _resized(_bytes(picture), size_wh)


def patch(generator: np.random.Generator, size_wh: Size) -> Picture:
    """A piece of a larger made room, as a wrong box cuts it out."""
    large = room(generator, (2 * size_wh[0], 2 * size_wh[1]))
    x, y = (int(generator.integers(0, side + 1)) for side in size_wh)
    return large[y : y + size_wh[1], x : x + size_wh[0]].copy()


def scrambled(generator: np.random.Generator, face: Picture, size_wh: Size) -> Picture:
    """A face cut into 3 x 3 to 6 x 6 tiles that change their places: its pixels, not its shape."""
    tiles = int(generator.integers(3, 7))
    side = tiles * 24
    pixels = _resized(face, (side, side))
    parts = [
        pixels[24 * r : 24 * r + 24, 24 * c : 24 * c + 24] for r, c in np.ndindex(tiles, tiles)
    ]
    order = generator.permutation(len(parts))
    rows = [
        np.concatenate([parts[order[r * tiles + c]] for c in range(tiles)], axis=1)
        for r in range(tiles)
    ]
    return _resized(np.concatenate(rows, axis=0), size_wh)


MAKERS: dict[str, Maker] = {
    "blank": blank,
    "gradient": gradient,
    "noise": make_noise,
    "texture": texture,
    "shapes": shapes,
    "patch": patch,
}


def colour(generator: np.random.Generator) -> NDArray[np.uint8]:
    """`(3,)`; a grey in a third of cases."""
    bgr = generator.integers(0, 256, 3)
    return (bgr if generator.random() < 2 / 3 else bgr[:1].repeat(3)).astype(np.uint8)


def _bytes(values: NDArray[np.floating]) -> Picture:
    pixels: Picture = np.clip(values + 0.5, 0, 255).astype(np.uint8)
    return pixels


def _resized(pixels: Picture, size_wh: Size) -> Picture:
    if pixels.shape[:2] == size_wh[::-1]:
        return pixels
    return np.array(Image.fromarray(pixels).resize(size_wh, Image.Resampling.BICUBIC), np.uint8)
