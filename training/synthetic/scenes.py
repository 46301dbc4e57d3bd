"""Makes pictures out of numbers alone, none of which shows a face. They serve as backgrounds to
paste faces onto, and to test that a detector and a classifier do not take them for faces.

Every maker takes a generator and `size_wh` (width, height) in px and gives uint8 `(H, W, 3)` BGR;
the same generator state gives the same picture.
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


def make_blank(generator: np.random.Generator, size_wh: Size) -> Picture:
    """Makes a picture of one random colour or grey, `(H, W, 3)` uint8 of `size_wh`.

    >>> picture = make_blank(np.random.default_rng(0), (4, 3))
    >>> picture.shape, len(np.unique(picture.reshape(-1, 3), axis=0))
    ((3, 4, 3), 1)
    """
    width, height = size_wh
    return np.broadcast_to(draw_colour(generator), (height, width, 3)).copy()


def make_gradient(generator: np.random.Generator, size_wh: Size) -> Picture:
    """Makes a gradient between two colours, along a line or around a point, `(H, W, 3)` uint8.

    >>> make_gradient(np.random.default_rng(0), (4, 3)).shape
    (3, 4, 3)
    """
    width, height = size_wh
    y, x = np.mgrid[:height, :width].astype(np.float32)
    if generator.random() < 0.5:
        angle = generator.uniform(0, 2 * np.pi)
        way = x * np.cos(angle) + y * np.sin(angle)
    else:
        way = np.hypot(x - generator.uniform(0, width), y - generator.uniform(0, height))
    way = (way - way.min()) / max(float(np.ptp(way)), 1e-6)
    a, b = (draw_colour(generator).astype(np.float32) for _ in range(2))
    return _to_bytes(a + way[..., None] * (b - a))


def make_noise(generator: np.random.Generator, size_wh: Size) -> Picture:
    """Makes white, pink, brown or blue noise, grey or coloured, fine or coarse, `(H, W, 3)` uint8.

    >>> make_noise(np.random.default_rng(0), (32, 24)).shape
    (24, 32, 3)
    """
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
    pixels = _to_bytes(draw_colour(generator) + strength * np.stack(planes, axis=2))
    return _resize(pixels, size_wh)


def make_texture(generator: np.random.Generator, size_wh: Size) -> Picture:
    """Makes waves, stripes, checks or rings, from a few pixels to a quarter of the picture wide,
    `(H, W, 3)` uint8.

    >>> make_texture(np.random.default_rng(0), (32, 24)).shape
    (24, 32, 3)
    """
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
    a, b = (draw_colour(generator).astype(np.float32) for _ in range(2))
    return _to_bytes(a + (wave[..., None] + 1) / 2 * (b - a))


def make_shapes(generator: np.random.Generator, size_wh: Size) -> Picture:
    """Draws 3 to 39 ellipses, boxes, lines and polygons on a gradient or on one colour, `(H, W, 3)`
    uint8.

    >>> make_shapes(np.random.default_rng(0), (32, 24)).shape
    (24, 32, 3)
    """
    ground = make_gradient if generator.random() < 0.5 else make_blank
    picture = Image.fromarray(ground(generator, size_wh))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(generator.integers(3, 40))):
        fill = tuple(int(value) for value in draw_colour(generator))
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


def make_room(generator: np.random.Generator, size_wh: Size) -> Picture:
    """Makes a background as it may stand behind a person: softly lit walls, textured areas, edges
    and clutter, `(H, W, 3)` uint8. The room is made at half the size and enlarged, because
    backgrounds are a little out of focus.

    >>> make_room(np.random.default_rng(0), (64, 48)).shape
    (48, 64, 3)
    """
    width, height = half = (max(1, size_wh[0] // 2), max(1, size_wh[1] // 2))
    layers: tuple[Maker, ...] = (make_gradient, make_noise, make_texture)
    picture = make_gradient(generator, half).astype(np.float32)
    for _ in range(int(generator.integers(1, 4))):
        w = int(generator.integers(width // 6, width + 1))
        h = int(generator.integers(height // 6, height + 1))
        x = int(generator.integers(0, width - w + 1))
        y = int(generator.integers(0, height - h + 1))
        layer = layers[generator.integers(len(layers))](generator, (w, h))
        share = np.float32(generator.uniform(0.3, 1.0))
        picture[y : y + h, x : x + w] += share * (layer - picture[y : y + h, x : x + w])
    if generator.random() < 0.6:
        clutter = make_shapes(generator, half)
        picture += np.float32(generator.uniform(0.2, 0.9)) * (clutter - picture)
    return _resize(_to_bytes(picture), size_wh)


def make_patch(generator: np.random.Generator, size_wh: Size) -> Picture:
    """Cuts a piece out of a larger room, as a wrong box would, `(H, W, 3)` uint8.

    >>> make_patch(np.random.default_rng(0), (32, 24)).shape
    (24, 32, 3)
    """
    large = make_room(generator, (2 * size_wh[0], 2 * size_wh[1]))
    x, y = (int(generator.integers(0, side + 1)) for side in size_wh)
    return large[y : y + size_wh[1], x : x + size_wh[0]].copy()


def scramble_face(generator: np.random.Generator, face: Picture, size_wh: Size) -> Picture:
    """Cuts a face into 3 x 3 to 6 x 6 tiles and shuffles them, which keeps the face's pixels but
    not its shape.

    Args:
        generator: The source of the number of tiles and of their order.
        face: `(h, w, 3)` uint8.
        size_wh: Width and height of the result, px.

    Returns:
        `(H, W, 3)` uint8.

    >>> scramble_face(np.random.default_rng(0), np.zeros((96, 96, 3), np.uint8), (40, 30)).shape
    (30, 40, 3)
    """
    tiles = int(generator.integers(3, 7))
    side = tiles * 24
    pixels = _resize(face, (side, side))
    parts = [
        pixels[24 * r : 24 * r + 24, 24 * c : 24 * c + 24] for r, c in np.ndindex(tiles, tiles)
    ]
    order = generator.permutation(len(parts))
    rows = [
        np.concatenate([parts[order[r * tiles + c]] for c in range(tiles)], axis=1)
        for r in range(tiles)
    ]
    return _resize(np.concatenate(rows, axis=0), size_wh)


MAKERS: dict[str, Maker] = {
    "blank": make_blank,
    "gradient": make_gradient,
    "noise": make_noise,
    "texture": make_texture,
    "shapes": make_shapes,
    "patch": make_patch,
}


def draw_colour(generator: np.random.Generator) -> NDArray[np.uint8]:
    """Draws a random colour `(3,)` uint8 BGR, in a third of the cases a grey.

    >>> draw_colour(np.random.default_rng(0)).shape
    (3,)
    """
    bgr = generator.integers(0, 256, 3)
    return (bgr if generator.random() < 2 / 3 else bgr[:1].repeat(3)).astype(np.uint8)


def _to_bytes(values: NDArray[np.floating]) -> Picture:
    """Rounds to whole levels and clips to 0..255."""
    pixels: Picture = np.clip(values + 0.5, 0, 255).astype(np.uint8)
    return pixels


def _resize(pixels: Picture, size_wh: Size) -> Picture:
    if pixels.shape[:2] == size_wh[::-1]:
        return pixels
    return np.array(Image.fromarray(pixels).resize(size_wh, Image.Resampling.BICUBIC), np.uint8)
